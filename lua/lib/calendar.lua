--- Hours, days, weeks and months as a calendar of some time zone has them.
local dates = require "lib.dates"
local zones = require "lib.zones"

local calendar = {}

local DAY = 86400

-- The civil day that wall seconds are in, or the first one of its week (Monday) or month; and the
-- one after that.
local steps = {}

function steps.day(days)
  return days, days + 1
end

function steps.week(days)
  local monday = days - (days + 3) % 7
  return monday, monday + 7
end

function steps.month(days)
  local year, month = dates.civil(days)
  local first = dates.days(year, month, 1)
  return first, dates.days(year + month // 12, month % 12 + 1, 1)
end

local function hours(zone, first, last, most)
  local at = first - (first + zone:offset(first)) % 3600
  local bounds = {}
  while at <= last do
    bounds[#bounds + 1] = at
    if #bounds > most then
      return nil
    end
    local next_at = at + 3600
    local beyond = (next_at + zone:offset(next_at)) % 3600
    at = beyond == 0 and next_at or next_at + 3600 - beyond -- the clock has changed by half an hour
  end
  return bounds
end

--- Where the buckets of a window begin, the one that first is in included; nil when they are more
--- than most.
---@param zone Zone
---@param every "hour"|"day"|"week"|"month"
---@param first integer  unix seconds
---@param last integer
---@param most integer
---@return integer[]?
function calendar.bounds(zone, every, first, last, most)
  if every == "hour" then
    return hours(zone, first, last, most)
  end
  local days, after = steps[every]((first + zone:offset(first)) // DAY)
  local bounds, at = {}, zone:moment(days * DAY)
  while at <= last do
    bounds[#bounds + 1] = at
    if #bounds > most then
      return nil
    end
    days, after = steps[every](after)
    at = zone:moment(days * DAY)
  end
  return bounds
end

--- "2025-06-15T00:00:00+02:00"; Z in UTC.
---@param zone Zone
---@param seconds integer
---@return string
function calendar.iso(zone, seconds)
  local offset = zone:offset(seconds)
  local wall = dates.iso(seconds + offset)
  if zone == zones.UTC then
    return wall
  end
  local minutes = math.abs(offset) // 60
  return ("%s%s%02d:%02d"):format(wall:sub(1, -2), offset < 0 and "-" or "+", minutes // 60,
    minutes % 60)
end

return calendar
