--- When a price holds: the hours of LiteLLM's off_peak_pricing.
local dates = require "lib.dates"
local values = require "lib.values"

local price_times = {}

---@class PriceWindow
---@field from integer  a minute of the day in UTC
---@field to integer    the first one that is outside; up to from: one of the next day
---@field days table<integer, true>?  of the week, 1 is Monday; nil: each

---@class PriceTimes
---@field windows PriceWindow[]
---@field zone Zone?  whose week it is; nil: UTC

local function read_hours(text, windows, days)
  local hour, minute, to_hour, to_minute =
    tostring(text):match("^%s*(%d+):(%d+)%s*%-%s*(%d+):(%d+)%s*$")
  if not hour then
    return false
  end
  windows[#windows + 1] = { from = hour * 60 + minute, to = to_hour * 60 + to_minute, days = days }
  return true
end

-- One "16:30-00:30", or a list of them.
local function read_all_hours(hours, windows, days)
  for _, text in ipairs(type(hours) == "table" and hours or { hours }) do
    if not read_hours(text, windows, days) then
      return false
    end
  end
  return true
end

local weekdays = { mon = 1, tue = 2, wed = 3, thu = 4, fri = 5, sat = 6, sun = 7 }

-- By number or by name; none where one is neither.
local function read_days(list)
  local days = {}
  for _, day in ipairs(list) do
    local n = tonumber(day) or weekdays[tostring(day):lower():sub(1, 3)]
    if not n then
      return {}
    end
    days[n] = true
  end
  return days
end

local function read_rule(rule, windows)
  local days = rule.weekdays and read_days(values.object(rule.weekdays))
  return rule.override_dates == nil and not (days and next(days) == nil)
    and read_all_hours(rule.hours_utc, windows, days)
end

--- nil where the block says something that is not understood.
---@param block table
---@param find_zone? fun(name: string): Zone?
---@return PriceTimes?
function price_times.read(block, find_zone)
  local times, name = { windows = {} }, block.weekday_timezone
  if not read_all_hours(block.hours_utc, times.windows) then
    return nil
  end
  for _, rule in ipairs(values.object(block.windows)) do
    if not read_rule(values.object(rule), times.windows) then
      return nil
    end
  end
  if name and name ~= "UTC" then
    times.zone = find_zone and find_zone(tostring(name))
    return times.zone and times or nil
  end
  return times
end

-- Of a time as records have it: ISO 8601, or unix time in seconds or a thousandth, a millionth ..
local function seconds_of(time)
  local seconds = dates.seconds(time)
  while seconds and seconds >= 1e11 do
    seconds = seconds / 1000
  end
  return seconds and math.floor(seconds)
end

local function is_within(window, minute)
  local from, to = window.from, window.to
  if from < to then
    return minute >= from and minute < to
  end
  return minute >= from or minute < to
end

--- Whether the price holds at a time; nil where the time is not known.
---@param times PriceTimes
---@param time any
---@return boolean?
function price_times.include(times, time)
  local seconds = seconds_of(time)
  if not seconds then
    return nil
  end
  local minute = seconds // 60 % 1440
  local days = (seconds + (times.zone and times.zone:offset(seconds) or 0)) // 86400
  local weekday = (days + 3) % 7 + 1
  for _, window in ipairs(times.windows) do
    if is_within(window, minute) and (not window.days or window.days[weekday]) then
      return true
    end
  end
  return false
end

return price_times
