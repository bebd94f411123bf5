--- Points of otlp_metrics counted into the server's own registry.
local kv = require "kv"
local metrics = require "metrics"

local metric_points = {}

-- How long a series is remembered after its sender has fallen silent.
local memory_s = 7 * 24 * 3600

-- A cumulative series is the sender's name of it and its start: two processes that
-- nothing else tells apart started at other times.  A point that is older than the
-- newest, or comes again, adds nothing; a newer one that is smaller is a sender that
-- began again without saying so.  What cannot be remembered is not counted: the next
-- point would count it once more.
local function growth(point)
  local key, time = ("otlp:%s@%d"):format(point.series, point.start or 0), point.time or 0
  local last_time, last = (kv.get(key) or ""):match("^(%d+) (.*)$")
  last_time, last = math.tointeger(tonumber(last_time)), tonumber(last)
  if last_time and (time < last_time or time == last_time and time > 0 and point.value <= last) then
    return 0
  end
  if not kv.set(key, ("%d %.17g"):format(time, point.value), memory_s) then
    return 0
  end
  return last and point.value >= last and point.value - last or point.value
end

-- Every point of a delta counts, but for one that comes again, from a sender that had no answer:
-- so many bytes of a series' points are remembered, eight or more.
local remembered = 320

local function increment(point)
  local key = "otlp:" .. point.series
  local known = kv.get(key) or ";"
  local stamp = ("%d %d;"):format(point.start or 0, point.time or 0)
  if point.time and known:find(";" .. stamp, 1, true) then
    return 0
  end
  kv.set(key, (known .. stamp):sub(-remembered), memory_s)
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
      batch:reject(
        ("metric %s: %s"):format(point.name, family.fault or "it was another kind before"))
    elseif point.kind == "counter" then
      family.handle:inc(point.cumulative and growth(point) or increment(point),
        label_values(family, point))
    else
      family.handle:set(point.value, label_values(family, point))
    end
  end
  return true
end

return metric_points
