--- Points of otlp_metrics counted into the server's own registry.
local kv = require "kv"
local metrics = require "metrics"

local metric_points = {}

-- How long the last value of a cumulative series is remembered after its sender has fallen silent.
local memory_s = 7 * 24 * 3600

-- What a cumulative series has grown by since its last point.  A new start or a smaller value is a sender that began
-- again; a series that was never seen counts from its start.  What cannot be remembered is not counted: the next point
-- would count it once more.
local function growth(point)
  local key, start = "otlp:" .. point.series, point.start or 0
  local last, last_start = kv.get(key), kv.get(key .. "@")
  if not (kv.set(key, point.value, memory_s) and kv.set(key .. "@", start, memory_s)) then
    return 0
  end
  if last and last_start == start and point.value >= last then
    return point.value - last
  end
  return point.value
end

local function label_names(point)
  local names = {}
  for name in pairs(point.labels) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

local families, nfamilies = {}, 0
local max_families = 500

local function make_family(point)
  if nfamilies == max_families then
    return { fault = ("there are %d metrics already"):format(max_families) }
  end
  local names = label_names(point)
  local make = point.kind == "counter" and metrics.counter or metrics.gauge
  local ok, handle = pcall(make, { name = point.name, help = point.help, labels = names })
  if not ok then
    return { fault = tostring(handle):match("%((.*)%)") or handle }
  end
  local family = { handle = handle, names = names, kind = point.kind }
  families[point.name], nfamilies = family, nfamilies + 1
  return family
end

local function label_values(family, point)
  local values = {}
  for i, name in ipairs(family.names) do
    values[i] = point.labels[name] or ""
  end
  return table.unpack(values)
end

--- Counts a batch's points; those whose family cannot be made are rejected.
---@param batch Batch
---@return boolean
function metric_points.take(batch)
  for _, point in ipairs(batch.points) do
    local family = families[point.name] or make_family(point)
    if family.fault or family.kind ~= point.kind then
      batch:reject(("metric %s: %s"):format(point.name, family.fault or "it was another kind before"))
    elseif point.kind == "counter" then
      family.handle:inc(point.series and growth(point) or point.value, label_values(family, point))
    else
      family.handle:set(point.value, label_values(family, point))
    end
  end
  return true
end

return metric_points
