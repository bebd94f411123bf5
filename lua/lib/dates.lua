--- Dates as ISO 8601, UTC.
local dates = {}

-- Days since 1970-01-01 to a civil date (Howard Hinnant, "chrono-compatible
-- low-level date algorithms").
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

return dates
