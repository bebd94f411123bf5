--- What the dashboard's first view shows: a window beside the one before it, points
--- over time, breakdowns.
local figures = require "analytics.figures"
local json = require "json"

local overview = {}

local STEPS = { 60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 7 * 86400 }
local POINTS = 96
local MODELS = 6

local POINT_FIELDS = {
  "requests", "successes", "client_errors", "server_errors", "cost_usd", "tokens_input",
  "tokens_output", "cache_read_tokens", "cache_write_tokens",
}
local PERCENTILES = { "duration_ms_p50", "duration_ms_p95", "duration_ms_p99" }

overview.quantiles = { 0.5, 0.95, 0.99 }

--- The width of a point, so that a window has about a hundred.
---@param seconds number
---@return integer
function overview.step(seconds)
  for _, step in ipairs(STEPS) do
    if seconds / step <= POINTS then
      return step
    end
  end
  local week = STEPS[#STEPS]
  return math.ceil(seconds / POINTS / week) * week
end

-- The times of all points between first and last, and where each stands.
local function axis(first, last, every)
  local times, index = json.array {}, {}
  for time = first // every * every, last, every do
    times[#times + 1] = time
    index[time // 1] = #times
  end
  return times, index
end

-- A point without requests has no latency: null leaves a gap in the line.
local function series(groups, times, index)
  local points = json.array {}
  for i, time in ipairs(times) do
    local point = { time = time }
    for _, field in ipairs(POINT_FIELDS) do
      point[field] = 0
    end
    for _, field in ipairs(PERCENTILES) do
      point[field] = json.null
    end
    points[i] = point
  end
  for _, group in ipairs(groups) do
    local point = points[index[group.time // 1]]
    for field in pairs(point or {}) do
      point[field] = group[field] == nil and json.null or group[field]
    end
  end
  return points
end

-- The models that cost most, each with a value per point; all others together are the last line,
-- also those that a bounded rollup has by name in its small cells and not in its large ones.
local function cost_by_model(by_model, groups, index, count)
  table.sort(by_model, function(a, b)
    return a.cost_usd > b.cost_usd
  end)
  local lines, values_of, others = json.array {}, {}, nil
  local function add_line(model)
    local values = json.array {}
    for point = 1, count do
      values[point] = 0
    end
    lines[#lines + 1] = { model = model, values = values }
    return values
  end
  for i = 1, math.min(#by_model, MODELS) do
    values_of[by_model[i].model] = add_line(by_model[i].model)
  end
  for _, group in ipairs(groups) do
    local point = index[group.time // 1]
    if point then
      others = others or not values_of[group.model] and add_line "all others"
      local values = values_of[group.model] or others
      values[point] = values[point] + group.cost_usd
    end
  end
  return lines
end

---@param window { start_time: number, end_time: number, every: integer }
---@param now table[]     lists of groups, in the order of the names below
---@param before table[]  one list: the total of the window before
---@return table
function overview.shape(window, now, before)
  local total, by_time, by_model_and_time, by_model, by_service_type, by_endpoint =
    table.unpack(now)
  local every = math.tointeger(by_time.every) or window.every
  local times, index = axis(window.start_time, window.end_time, every)
  return {
    start_time = window.start_time,
    end_time = window.end_time,
    every = every,
    summary = total[1] or figures.NONE,
    previous = before[1][1] or figures.NONE,
    series = series(by_time, times, index),
    cost_by_model = cost_by_model(by_model, by_model_and_time, index, #times),
    breakdowns = {
      model = json.array(by_model),
      service_type = json.array(by_service_type),
      endpoint = json.array(by_endpoint),
    },
  }
end

return overview
