--- Times as senders write them, as unix seconds.
local values = require "ingest.values"

local dates = {}

-- Days since 1970-01-01 in the proleptic Gregorian calendar.
local function days(year, month, day)
  if month <= 2 then
    year, month = year - 1, month + 12
  end
  return 365 * year + year // 4 - year // 100 + year // 400
    + (153 * (month - 3) + 2) // 5 + day - 719469
end

local function zone(text)
  local sign, hours, minutes = text:match("^([+-])(%d%d):?(%d%d)$")
  if not sign then
    return (text == "" or text == "Z" or text == "z") and 0 or nil
  end
  local seconds = (hours * 60 + minutes) * 60
  return sign == "-" and -seconds or seconds
end

--- Unix seconds from ISO 8601 (UTC where no zone is given, "T" or a blank between date
--- and time) or from a number of seconds; nil when it is neither.
---@param v any
---@return number?
function dates.seconds(v)
  local n = values.number(v)
  if n or type(v) ~= "string" or #v > 40 then
    return n
  end
  local year, month, day, hour, minute, second, rest =
    v:match("^(%d%d%d%d)-(%d%d)-(%d%d)[T ](%d%d):(%d%d):(%d%d)(.*)$")
  if not year then
    return nil
  end
  local fraction, suffix = rest:match("^(%.%d+)(.*)$")
  local offset = zone(suffix or rest)
  if not offset then
    return nil
  end
  local day_number = days(tonumber(year), tonumber(month), tonumber(day))
  local whole = day_number * 86400 + hour * 3600 + minute * 60 + second - offset
  return math.tointeger(whole) + (fraction and tonumber("0" .. fraction) or 0)
end

return dates
