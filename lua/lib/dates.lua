--- Dates as ISO 8601, UTC.
local dates = {}

-- Days since 1970-01-01 to a civil date (Howard Hinnant, "chrono-compatible low-level date algorithms").
local function civil(days)
  days = days + 719468
  local era = days // 146097
  local day_of_era = days - era * 146097
  local year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
  local day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
  local month = (5 * day_of_year + 2) // 153
  local day = day_of_year - (153 * month + 2) // 5 + 1
  month = month < 10 and month + 3 or month - 9
  return year_of_era + era * 400 + (month <= 2 and 1 or 0), month, day
end

--- "2025-06-15T15:00:00Z"
---@param seconds number  unix seconds; a fraction is cut off
---@return string
function dates.iso(seconds)
  seconds = math.floor(seconds)
  local year, month, day = civil(seconds // 86400)
  local rest = seconds % 86400
  return ("%04d-%02d-%02dT%02d:%02d:%02dZ"):format(year, month, day, rest // 3600, rest % 3600 // 60, rest % 60)
end

--- "2025-06-15"
---@param seconds number
---@return string
function dates.day(seconds)
  return ("%04d-%02d-%02d"):format(civil(math.floor(seconds) // 86400))
end

return dates
