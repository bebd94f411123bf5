--- Turns rounds of figures into the tables that ./run bench prints.
local report = {}

--- Median, smallest and largest.
---@param values number[]
function report.summary(values)
  local sorted = table.move(values, 1, #values, 1, {})
  table.sort(sorted)
  local middle = #sorted // 2
  local median = #sorted % 2 == 1 and sorted[middle + 1]
    or (sorted[middle] + sorted[middle + 1]) / 2
  return median, sorted[1], sorted[#sorted]
end

local function short(n)
  local size = math.abs(n)
  if size >= 1e6 then
    return ("%.2fM"):format(n / 1e6)
  elseif size >= 1e4 then
    return ("%.1fk"):format(n / 1e3)
  elseif size >= 100 or n == math.floor(n) then
    return ("%.0f"):format(n)
  end
  return ("%.3g"):format(n)
end

local function range(values)
  local median, least, most = report.summary(values)
  if least == most then
    return short(median)
  end
  return ("%s (%s–%s)"):format(short(median), short(least), short(most))
end

local function column(rounds, metric)
  local values = {}
  for _, figures in ipairs(rounds) do
    values[#values + 1] = figures[metric]
  end
  return values
end

local function metrics_of(results)
  local names, seen = {}, {}
  for _, result in ipairs(results) do
    for metric in pairs(result.rounds[1] or {}) do
      if not seen[metric] then
        seen[metric] = true
        names[#names + 1] = metric
      end
    end
  end
  table.sort(names)
  return names
end

local function pad(text, width)
  return text .. (" "):rep(width - utf8.len(text))
end

local function print_table(rows)
  local widths = {}
  for _, row in ipairs(rows) do
    for i, text in ipairs(row) do
      widths[i] = math.max(widths[i] or 0, utf8.len(text))
    end
  end
  for _, row in ipairs(rows) do
    local cells = {}
    for i, text in ipairs(row) do
      cells[i] = pad(text, widths[i])
    end
    print("  " .. table.concat(cells, "  "):gsub("%s+$", ""))
  end
end

local function figures(results)
  local metrics = metrics_of(results)
  local rows = { { "", table.unpack(metrics) } }
  for _, result in ipairs(results) do
    local row = { result.name }
    for _, metric in ipairs(metrics) do
      local values = column(result.rounds, metric)
      row[#row + 1] = #values > 0 and range(values) or "-"
    end
    rows[#rows + 1] = result.skipped and { result.name, "skipped: " .. result.skipped } or row
  end
  return rows
end

local function find(results, name)
  for _, result in ipairs(results) do
    if result.name == name then
      return result
    end
  end
  error("no subject " .. name)
end

--- Our figure in each round, or its ratio to another subject's in the same round.
local function target_values(target, results)
  local ours = find(results, target.of or results[1].name)
  local other = target.against and find(results, target.against)
  local values = {}
  for i, round in ipairs(ours.rounds) do
    local divisor = not other and 1 or other.rounds[i]
      and other.rounds[i][target.than or target.metric]
    if round[target.metric] and divisor and divisor ~= 0 then
      values[#values + 1] = round[target.metric] / divisor
    end
  end
  return values
end

local function verdict(target, results)
  local values = target_values(target, results)
  local what = (target.of and target.of .. ": " or "") .. target.metric
  local goal = target.at_most and "≤ " .. short(target.at_most) or "≥ " .. short(target.at_least)
  local against = target.against and " × " .. target.against or ""
  if #values == 0 then
    return { what, goal .. against, "-", "not measured" }
  end
  local median = report.summary(values)
  local met = (not target.at_most or median <= target.at_most)
    and (not target.at_least or median >= target.at_least)
  return { what, goal .. against, range(values), met and "met" or "NOT MET" }
end

---@param line Line
---@param results { name: string, rounds: table[], skipped?: string }[]
function report.print(line, results)
  print_table(figures(results))
  print ""
  local rows = {}
  for _, target in ipairs(line.targets) do
    rows[#rows + 1] = verdict(target, results)
  end
  print_table(rows)
  print ""
  io.stdout:flush()
end

return report
