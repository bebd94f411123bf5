--- Moments as people type them: 7d, 24h, 2026-11-28, 20261128, with a clock too, or unix seconds.
local dates = require "lib.dates"
local env = require "env"
local file = require "file"
local zones = require "lib.zones"

local moments = {}

local units = { s = 1, m = 60, h = 3600, d = 86400, w = 7 * 86400 }

-- What the wall's clock shows, and whether no clock was given; nil for the 31st of February.
local function date_of(text)
  local year, month, day, rest = text:match "^(%d%d%d%d)-(%d%d)-(%d%d)(.*)$"
  if not year then
    year, month, day = text:match "^(%d%d%d%d)(%d%d)(%d%d)$"
    rest = ""
  end
  local hour, minute, second = (rest or ""):match "^[T ](%d%d):(%d%d):?(%d*)$"
  if not year or rest ~= "" and not hour then
    return nil
  end
  hour, minute, second = tonumber(hour) or 0, tonumber(minute) or 0, tonumber(second) or 0
  return dates.clock(tonumber(year), tonumber(month), tonumber(day), hour, minute, second),
    rest == ""
end

--- Unix seconds; nil and why when it is none.  A date without a clock is the whole day: as the end
--- of a window its last moment.
---@param text string
---@param zone Zone
---@param now number
---@param is_end boolean?
---@return number?
---@return string? message
function moments.read(text, zone, now, is_end)
  local n, unit = text:match "^(%d+)([smhdw])$"
  if n then
    return now - tonumber(n) * units[unit]
  elseif text:match "^%d%d%d%d%d%d%d%d%d+%.?%d*$" then
    return tonumber(text)
  end
  local wall, whole_day = date_of(text)
  if not wall then
    return nil, text .. ": expected 7d, 24h, 2026-11-28, 2026-11-28T10:30 or unix seconds"
  elseif whole_day and is_end then
    return zone:moment(wall + 86400) - 0.000001
  end
  return zone:moment(wall)
end

local function offset_name()
  local sign, hours, minutes = os.date("%z"):match "^([+-])(%d%d)(%d%d)$"
  return sign and sign .. hours .. ":" .. minutes
end

local function machines_zone()
  local reader <close> = file.open "/etc/timezone"
  return reader and reader:line()
end

--- The name of the zone that this terminal's clock shows: $TZ, the machine's, or its offset now.
---@return string
function moments.local_zone()
  local named = (env.get "TZ" or machines_zone() or ""):gsub("^:", "")
  if named ~= "" and zones.find(named) then
    return named
  end
  return offset_name() or "UTC"
end

return moments
