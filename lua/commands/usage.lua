--- moonledger usage: tokens and cost by day, week, month, session, model, project or user, as a
--- table, JSON or CSV with the names that ccusage's users know.
local amounts = require "lib.amounts"
local dates = require "lib.dates"
local env = require "env"
local json = require "json"
local ledger = require "lib.ledger"
local moments = require "lib.moments"
local plain = require "lib.plain"
local text_table = require "lib.text_table"
local zones = require "lib.zones"

---@class UsageKind
---@field head string     of the first column
---@field name string     of its value in JSON
---@field list string     of the lines in JSON
---@field every string?   a bucket of time
---@field column string?  or a column of records

---@type table<string, UsageKind>
local kinds = {
  daily = { head = "Date", name = "date", list = "daily", every = "day" },
  weekly = { head = "Week", name = "week", list = "weekly", every = "week" },
  monthly = { head = "Month", name = "month", list = "monthly", every = "month" },
  session = { head = "Session", name = "sessionId", list = "sessions",
    column = "session_client_id" },
  model = { head = "Model", name = "model", list = "models", column = "model" },
  project = { head = "Project", name = "project", list = "projects", column = "project" },
  user = { head = "User", name = "user", list = "users", column = "user" },
}

local names = { "daily", "weekly", "monthly", "session", "model", "project", "user" }

-- Of a line: ours by the answer's.
local sums = {
  { "inputTokens", "total_tokens_input", "Input" },
  { "outputTokens", "total_tokens_output", "Output" },
  { "cacheCreationTokens", "total_cache_write_tokens", "Cache Create" },
  { "cacheReadTokens", "total_cache_read_tokens", "Cache Read" },
  { "totalTokens", "total_tokens_all", "Total Tokens" },
  { "totalCost", "total_cost_usd" },
  { "billedCost", "billed_cost_usd" },
  { "requests", "request_count" },
  { "unpricedRequests", "unpriced_requests" },
}

local function whole(n)
  return math.tointeger(n) or n
end

local function new_line()
  local line = {}
  for _, sum in ipairs(sums) do
    line[sum[1]] = 0
  end
  return line
end

local function add(line, figures)
  for _, sum in ipairs(sums) do
    line[sum[1]] = whole(line[sum[1]] + figures[sum[2]])
  end
  return line
end

-- Without --until up to the end of today: a row may be of a year that only its sender's clock
-- knows.
local function window(args, zone, now)
  local from, to, why
  if args.since then
    from, why = moments.read(args.since, zone, now)
  end
  if not why then
    local last = args["until"] or dates.iso(now + zone:offset(math.floor(now))):sub(1, 10)
    to, why = moments.read(last, zone, now, true)
  end
  return not why and { from or 0, to }, why
end

-- The columns that are asked for: that of the kind, and what splits its lines.
local function columns_of(kind, split)
  local by = { kind.column, split or kind.every and "model" }
  if by[1] == nil then
    by = { by[2] }
  end
  return table.concat(by, ",")
end

local function ask(store, kind, args)
  local now = env.now()
  local name = args.tz or moments.local_zone()
  local zone = zones.find(name)
  if not zone then
    return nil, name .. ": no time zone of this machine, such as Europe/Berlin or +02:00", 2
  end
  local bounds, why = window(args, zone, now)
  if not bounds then
    return nil, why, 2
  end
  -- the last day of a session is enough, and its cells are by day of UTC
  local every = kind.every or kind.column == "session_client_id" and "day"
  return store:get("/logs/breakdown", {
    by = columns_of(kind, args.by), every = every, tz = kind.every and name,
    start_time = bounds[1], end_time = bounds[2], limit = 1000,
  })
end

local bucket_length = { day = 10, week = 10, month = 7 }

-- Groups of one line are added up: by bucket or value, and by what splits them.
local function lines_of(answer, kind, split)
  local lines, by_key = {}, {}
  for _, group in ipairs(answer.groups) do
    local bucket = group.bucket and group.bucket:sub(1, bucket_length[kind.every or "day"])
    local first = kind.every and bucket or group[kind.column]
    local key = first .. "\0" .. (split and group[split] or "")
    local line = by_key[key]
    if not line then
      line = new_line()
      line[kind.name], line[split or ""] = first, split and group[split]
      line.models, by_key[key], lines[#lines + 1] = {}, line, line
    end
    add(line, group)
    if kind.every and not split then
      line.models[#line.models + 1] = group
    elseif bucket and (line.lastActivity or "") < bucket then
      line.lastActivity = bucket
    end
  end
  return lines
end

local function sort(lines, kind)
  table.sort(lines, function(a, b)
    if kind.every and a[kind.name] ~= b[kind.name] then
      return a[kind.name] < b[kind.name]
    elseif a.totalCost ~= b.totalCost then
      return a.totalCost > b.totalCost
    end
    return a.totalTokens > b.totalTokens
  end)
end

-- What was over the limit of values is a line of its own.
local function add_rest(lines, answer, kind, split)
  if answer.other and answer.other ~= json.null then
    local line = add(new_line(), answer.other)
    line[kind.name], line.models, line[split or ""] = "(other)", {}, split and ""
    lines[#lines + 1] = line
  end
end

local function model_names(line)
  local found, seen = {}, {}
  for _, group in ipairs(line.models) do
    if group.model ~= "" and not seen[group.model] then
      seen[group.model], found[#found + 1] = true, group.model
    end
  end
  table.sort(found)
  return found
end

local function breakdowns(line)
  local list = json.array {}
  for i, group in ipairs(line.models) do
    list[i] = {
      modelName = group.model, inputTokens = whole(group.total_tokens_input),
      outputTokens = whole(group.total_tokens_output),
      cacheCreationTokens = whole(group.total_cache_write_tokens),
      cacheReadTokens = whole(group.total_cache_read_tokens), cost = group.total_cost_usd,
    }
  end
  return list
end

local function show_json(lines, total, kind, split)
  local list = json.array {}
  for i, line in ipairs(lines) do
    if kind.every and not split then
      line.modelsUsed, line.modelBreakdowns = json.array(model_names(line)), breakdowns(line)
    end
    line.models = nil
    list[i] = line
  end
  print(json.encode { [kind.list] = list, totals = total })
end

local function columns_shown(kind, split)
  local columns = { { kind.head } }
  if split then
    columns[2] = { split:sub(1, 1):upper() .. split:sub(2) }
  elseif kind.every then
    columns[2] = { "Models" }
  end
  for i = 1, 5 do
    columns[#columns + 1] = { sums[i][3], right = true }
  end
  columns[#columns + 1] = { "Cost (USD)", right = true }
  if kind.column == "session_client_id" then
    columns[#columns + 1] = { "Last Activity" }
  end
  return columns
end

-- One under the other, a line each, whatever is in them.
local function models_cell(line)
  local shown = {}
  for i, name in ipairs(line.models and model_names(line) or {}) do
    shown[i] = plain(name)
  end
  return table.concat(shown, "\n")
end

local function cells_of(line, kind, split, count, dollars)
  local cells = { plain(line[kind.name]) }
  if split then
    cells[2] = plain(line[split])
  elseif kind.every then
    cells[2] = models_cell(line)
  end
  for i = 1, 5 do
    cells[#cells + 1] = count(line[sums[i][1]])
  end
  local unknown = line.unpricedRequests > 0 and line.totalCost == 0
  cells[#cells + 1] = unknown and "?" or dollars(line.totalCost)
  cells[#cells + 1] = line.lastActivity
  return cells
end

local function rows_of(lines, kind, split, count, dollars)
  local rows = {}
  for i, line in ipairs(lines) do
    rows[i] = cells_of(line, kind, split, count, dollars)
  end
  return rows
end

local function show_table(lines, total, kind, split)
  local columns = columns_shown(kind, split)
  local rows = rows_of(lines, kind, split, amounts.count, amounts.dollars)
  local last = cells_of(total, kind, split, amounts.count, amounts.dollars)
  last[1] = "Total"
  print(text_table.draw(columns, rows, last))
end

local function show_notes(answer, total)
  if total.unpricedRequests > 0 then
    print(("Requests without a known price, which stand in no cost: %s."):format(
      amounts.count(total.unpricedRequests)))
  end
  if total.billedCost < total.totalCost - 0.005 then
    print(("Billed: %s; the rest is what a subscription's use would have cost."):format(
      amounts.dollars(total.billedCost)))
  end
  if answer.exact == false then
    print "Some of it is rounded to whole cells, or stands under (other)."
  end
end

local function show(answer, kind, args)
  local split = args.by
  local lines = lines_of(answer, kind, split)
  sort(lines, kind)
  local most = tonumber(args.limit)
  for i = #lines, (most or #lines) + 1, -1 do
    lines[i] = nil
  end
  add_rest(lines, answer, kind, split)
  local total = add(new_line(), answer.totals)
  if args.json then
    show_json(lines, total, kind, split)
  elseif args.csv then
    require("term").write(text_table.csv(columns_shown(kind, split),
      rows_of(lines, kind, split, tostring, tostring)))
  else
    show_table(lines, total, kind, split)
    show_notes(answer, total)
  end
  return 0
end

local options = {
  { "since", "WHEN", "7d, 24h, 2026-11-28 or 20261128 (all there is)" },
  { "until", "WHEN", "the same; a date counts in whole (the end of today)" },
  { "by", "COLUMN", "a line for each of its values: model, user, team, project, provider .." },
  { "limit", "N", "most lines, the dearest or the first" },
  { "tz", "ZONE", "whose days they are: Europe/Berlin, +02:00 (this terminal's)" },
  { "json", false, "as JSON, with ccusage's names" },
  { "csv", false, "as CSV" },
}

return {
  summary = "Tokens and cost by day, week, month, session, model, project or user.",
  description = [[
Tokens and cost by day, week, month, session, model, project or user: of the running server, or of
the database when none runs, which is only read.]],
  arguments = "daily|weekly|monthly|session|model|project|user",
  words = names,
  options = table.move(ledger.options, 1, #ledger.options, #options + 1, options),
  examples = {
    { "moonledger usage daily --since 7d", "what a week has cost" },
    { "moonledger usage project --by model --csv", "who spends on what, for a spreadsheet" },
    { "moonledger usage monthly --tz Europe/Berlin --json",
      "with ccusage's names, for a script" },
  },

  ---@param args Arguments
  run = function(args)
    local kind = kinds[args[1]]
    if args.limit and not math.tointeger(tonumber(args.limit)) then
      return 2, "usage: --limit: expected a number"
    end
    if args.by == kind.column then
      args.by = nil
    end
    local store, why = ledger.open(args)
    if not store then
      return nil, why
    end
    local answer, fault, code = ask(store, kind, args)
    if not answer then
      return code, fault
    end
    return show(answer, kind, args)
  end,
}
