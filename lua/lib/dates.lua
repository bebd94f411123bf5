--- The Gregorian calendar, and its times as ISO 8601.  Days are counted from 1970-01-01, after
--- Howard Hinnant ("chrono-compatible low-level date algorithms").
local values = require "lib.values"

local dates = {}

local function days_of(year, month, day)
  year = month <= 2 and year - 1 or year
  local era = year // 400
  local year_of_era = year - era * 400
  local day_of_year = (153 * (month > 2 and month - 3 or month + 9) + 2) // 5 + day - 1
  return era * 146097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    - 719468
end

--- Days since 1970-01-01 of a year, month and day.
dates.days = days_of

local function civil(days)
  days = days + 719468
  local era = days // 146097
  local day_of_era = days - era * 146097
  local year_of_era =
    (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
  local day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
  local month = (5 * day_of_year + 2) // 153
  local day = day_of_year - (153 * month + 2) // 5 + 1
  month = month < 10 and month + 3 or month - 9
  return year_of_era + era * 400 + (month <= 2 and 1 or 0), month, day
end

--- Year, month and day of so many days since 1970-01-01.
dates.civil = civil

local TWO_DIGITS = {}
for n = 0, 59 do
  TWO_DIGITS[n] = ("%02d"):format(n)
end

local last_days, last_text -- callers go through a day's hours

local function text_of(days)
  if days ~= last_days then
    last_days, last_text = days, ("%04d-%02d-%02d"):format(civil(days))
  end
  return last_text
end

--- "2025-06-15T15:00:00Z"
---@param seconds number  unix seconds; a fraction is cut off
---@return string
function dates.iso(seconds)
  seconds = math.floor(seconds)
  local rest = seconds % 86400
  return text_of(seconds // 86400) .. "T" .. TWO_DIGITS[rest // 3600] .. ":"
    .. TWO_DIGITS[rest % 3600 // 60] .. ":"
    .. TWO_DIGITS[rest % 60] .. "Z"
end

--- "2025-06-15"
---@param seconds number
---@return string
function dates.day(seconds)
  return text_of(math.floor(seconds) // 86400)
end

--- Unix seconds of what a clock shows in UTC; nil where none ever does, as on the 31st of February.
--- The second 60 is a leap second.
---@param year integer
---@param month integer
---@param day integer
---@param hour integer
---@param minute integer
---@param second integer
---@return integer?
function dates.clock(year, month, day, hour, minute, second)
  local days = days_of(year, month, day)
  local _, same_month, same_day = civil(days)
  if month ~= same_month or day ~= same_day or hour > 23 or minute > 59 or second > 60 then
    return nil
  end
  return days * 86400 + hour * 3600 + minute * 60 + second
end

-- Seconds east of UTC of "", Z, +hh:mm or +hhmm.
local function offset_of(zone)
  local sign, hours, minutes = zone:match("^([+-])(%d%d):?(%d%d)$")
  if not sign then
    return (zone == "" or zone == "Z" or zone == "z") and 0 or nil
  end
  hours, minutes = tonumber(hours), tonumber(minutes)
  local seconds = (hours * 60 + minutes) * 60
  return hours < 24 and minutes < 60 and (sign == "-" and -seconds or seconds) or nil
end

local function seconds_of(text)
  local year, month, day, hour, minute, second, rest =
    text:match("^(%d%d%d%d)-(%d%d)-(%d%d)[T ](%d%d):(%d%d):(%d%d)(.*)$")
  if not year then
    return nil
  end
  local fraction, zone = rest:match("^(%.%d+)(.*)$")
  local offset = offset_of(zone or rest)
  local whole = offset and dates.clock(tonumber(year), tonumber(month), tonumber(day),
    tonumber(hour), tonumber(minute), tonumber(second))
  return whole and whole - offset + (fraction and tonumber("0" .. fraction) or 0)
end

--- Unix seconds from ISO 8601 (UTC where no zone is given, "T" or a blank between date
--- and time) or from a number of seconds; nil when it is neither.
---@param v any
---@return number?
function dates.seconds(v)
  local n = values.number(v)
  return n or type(v) == "string" and #v <= 40 and seconds_of(v) or nil
end

return dates
