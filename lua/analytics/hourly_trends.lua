--- hourly_trends: one point for each bucket of the window, in UTC, oldest first; a
--- bucket without rows is all zeros.
local dates = require "lib.dates"
local figures = require "analytics.figures"
local json = require "json"

local hourly_trends = {}

--- The measures that a point is made of.
hourly_trends.measures = {
  "requests", "errors", "duration_ms", "duration_known", "cost_usd", "billed_cost_usd",
  "tokens_input", "tokens_output", "cache_read_tokens", "cache_write_tokens",
}

-- Over the rows that know theirs.
local function average_ms(group)
  if group.requests == 0 then
    return 0
  end
  return figures.known_average(group.duration_ms, group.duration_known)
end

local function point(time, group)
  return {
    hour = dates.iso(time),
    request_count = group.requests,
    error_count = group.errors,
    avg_duration_ms = average_ms(group),
    duration_known = group.duration_known,
    total_cost_usd = group.cost_usd,
    billed_cost_usd = group.billed_cost_usd,
    total_tokens_all = figures.tokens_all(group),
  }
end

--- An open side of the window ends at the first or last row found.
---@param groups Group[]      by time, ascending
---@param every integer       seconds of a bucket
---@param start_time number?  unix seconds; nil: open
---@param end_time number?
---@return table[]
function hourly_trends.shape(groups, every, start_time, end_time)
  local points = json.array {}
  if #groups == 0 then
    return points
  end
  local first = math.floor((start_time or groups[1].time) // every)
  local last = math.floor((end_time or groups[#groups].time) // every)
  local at = {}
  for _, group in ipairs(groups) do
    at[math.floor(group.time // every)] = group
  end
  for bucket = first, last do
    points[#points + 1] = point(bucket * every, at[bucket] or figures.NONE)
  end
  return points
end

return hourly_trends
