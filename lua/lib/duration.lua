--- Lengths of time as people write them: "90s", "15m", "2h", "7d".
local duration = {}

local UNITS = { s = 1, m = 60, h = 3600, d = 86400 }

--- What a text that is none is told.
duration.EXPECTED = 'a length of time such as "90s", "15m", "2h" or "7d"'

---@param text any
---@return integer? seconds  nil: it is none, or nothing, or more than a year
function duration.seconds(text)
  local number, unit = tostring(text):match "^(%d+)([smhd])$"
  local seconds = number and #number < 9 and tonumber(number) * UNITS[unit]
  return seconds and seconds > 0 and seconds <= 366 * 86400 and seconds or nil
end

--- "2h", "90s": in the largest unit that is exact.
---@param seconds integer
---@return string
function duration.text(seconds)
  for _, unit in ipairs { "d", "h", "m" } do
    if seconds % UNITS[unit] == 0 then
      return ("%d%s"):format(seconds // UNITS[unit], unit)
    end
  end
  return ("%ds"):format(seconds)
end

return duration
