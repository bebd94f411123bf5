--- Time zones: what a clock on a wall shows at a moment, from the machine's TZif files (RFC 8536)
--- or from a fixed offset.  Times are whole unix seconds.
local dates = require "lib.dates"
local zone_file = require "zone"

local zones = {}

---@class Zone
---@field private times integer[]     when the offset changes, ascending
---@field private offsets integer[]   and to what, in seconds east of UTC
---@field private first integer       the offset before that
---@field private rule table?         and after the last of times
local Zone = {}
Zone.__index = Zone

local function year_of(seconds)
  local days = seconds // 86400
  local year = 1970 + days // 365
  while dates.days(year, 1, 1) > days do
    year = year - 1
  end
  return year
end

-- The rule of the years to come: POSIX TZ, with the hours that RFC 8536 allows

local function read_clock(text)
  local sign, hours, rest = text:match("^([+-]?)(%d+)(.*)$")
  if not hours then
    return nil, text
  end
  local minutes, seconds = rest:match("^:(%d+)"), rest:match("^:%d+:(%d+)")
  local value = tonumber(hours) * 3600 + tonumber(minutes or 0) * 60 + tonumber(seconds or 0)
  return sign == "-" and -value or value, (rest:gsub("^:%d+", ""):gsub("^:%d+", ""))
end

local function read_name(text)
  return text:match("^<[^>]*>(.*)$") or text:match("^%a+(.*)$")
end

-- M3.5.0, J60 or 59, and /time.
local function read_change(text)
  local day, clock = text:match("^([^/]*)/?(.*)$")
  local month, week, weekday = day:match("^M(%d+)%.(%d+)%.(%d+)$")
  return {
    at = clock ~= "" and read_clock(clock) or 7200,
    month = tonumber(month), week = tonumber(week), weekday = tonumber(weekday),
    julian = tonumber(day:match("^J(%d+)$")), day = tonumber(day:match("^%d+$")),
  }
end

---@return table?  its standard offset, and dst, from and to where the clock changes
local function read_rule(text)
  local rest = read_name(text)
  local west = rest and rest ~= "" and read_clock(rest)
  if not west then
    return nil
  end
  rest = select(2, read_clock(rest))
  local rule = { standard = -west }
  local after_name = read_name(rest)
  if not after_name then
    return rule
  end
  local dst_west, changes = west - 3600, after_name
  if not after_name:find("^,") then
    dst_west, changes = read_clock(after_name)
  end
  local from, to = changes:match("^,([^,]*),([^,]*)$")
  if not (dst_west and from) then
    return nil
  end
  rule.dst, rule.from, rule.to = -dst_west, read_change(from), read_change(to)
  return rule
end

-- The day of a change, as days since 1970-01-01.
local function change_day(change, year)
  local january = dates.days(year, 1, 1)
  if change.day then
    return january + change.day
  elseif change.julian then
    local leap = dates.days(year, 3, 1) - january == 60
    return january + change.julian - 1 + (leap and change.julian >= 60 and 1 or 0)
  end
  local first = dates.days(year, change.month, 1)
  local day = first + (change.weekday - (first + 4) % 7) % 7 + (change.week - 1) * 7
  local after = dates.days(year + change.month // 12, change.month % 12 + 1, 1)
  return day >= after and day - 7 or day
end

local function rule_offset(rule, seconds)
  if not rule.dst then
    return rule.standard
  end
  local year = year_of(seconds + rule.standard)
  local from = change_day(rule.from, year) * 86400 + rule.from.at - rule.standard
  local to = change_day(rule.to, year) * 86400 + rule.to.at - rule.dst
  local is_dst
  if from < to then
    is_dst = seconds >= from and seconds < to
  else
    is_dst = seconds >= from or seconds < to
  end
  return is_dst and rule.dst or rule.standard
end

local HEADER = ">c4 c1 c15 I4 I4 I4 I4 I4 I4"

local function read_header(data, at)
  local magic, version, _, isut, isstd, leap, times, types, chars, next_at = HEADER:unpack(data, at)
  local h = { version = version, times = times, types = types, at = next_at }
  h.rest = types * 6 + chars + isstd + isut
  h.leap = leap
  return magic == "TZif" and h or nil
end

-- The block of 64-bit times, which follows that of 32-bit times.
local function read_zone(data)
  local old = read_header(data, 1)
  if not old or old.version < "2" then
    return nil
  end
  local h = read_header(data, old.at + old.times * 5 + old.leap * 8 + old.rest)
  if not h then
    return nil
  end
  local offsets, types_at = {}, h.at + h.times * 9
  for i = 0, h.types - 1 do
    offsets[i] = (">i4"):unpack(data, types_at + i * 6)
  end
  local self = { times = {}, offsets = {}, first = offsets[0] }
  for i = 1, h.times do
    self.times[i] = (">i8"):unpack(data, h.at + (i - 1) * 8)
    self.offsets[i] = offsets[data:byte(h.at + h.times * 8 + i - 1)]
  end
  local footer = data:match("^\n([^\n]*)\n", types_at + h.rest + h.leap * 12)
  self.rule = footer and footer ~= "" and read_rule(footer) or nil
  return setmetatable(self, Zone)
end

--- Seconds east of UTC.
---@param seconds integer
---@return integer
function Zone:offset(seconds)
  local times = self.times
  local first, last = 0, #times
  if last > 0 and seconds >= times[last] and self.rule then
    return rule_offset(self.rule, seconds)
  end
  while first < last do
    local middle = (first + last + 1) // 2
    if times[middle] <= seconds then
      first = middle
    else
      last = middle - 1
    end
  end
  if first == 0 then
    return #times == 0 and self.rule and rule_offset(self.rule, seconds) or self.first
  end
  return self.offsets[first]
end

--- The first moment at which a wall's clock shows at least this.
---@param wall integer  as if it were unix seconds of UTC
---@return integer
function Zone:moment(wall)
  local low, high = wall - 86400, wall + 86400 -- no zone is further from UTC
  local candidate
  for _, offset in ipairs { self:offset(low), self:offset(high) } do
    local moment = wall - offset
    if self:offset(moment) == offset and (not candidate or moment < candidate) then
      candidate = moment
    end
  end
  if candidate then
    return candidate
  end
  while high - low > 1 do -- the clock jumps over it
    local middle = (low + high) // 2
    if middle + self:offset(middle) >= wall then
      high = middle
    else
      low = middle
    end
  end
  return high
end

local function fixed(offset)
  return setmetatable({ times = {}, offsets = {}, first = offset }, Zone)
end

zones.UTC = fixed(0)

local function read_offset(name)
  -- a + that was not escaped arrives as a blank
  local sign, hours, minutes = name:match("^([+%- ])(%d%d):(%d%d)$")
  hours, minutes = tonumber(hours), tonumber(minutes)
  if not hours or hours > 15 or minutes > 59 then
    return nil
  end
  return (hours * 3600 + minutes * 60) * (sign == "-" and -1 or 1)
end

local known, nknown, most = {}, 0, 16

---@param name string  as IANA writes it, or +hh:mm
---@return Zone?  nil where there is no such zone on this machine
function zones.find(name)
  local offset = read_offset(name)
  if name == "UTC" or name == "" then
    return zones.UTC
  elseif offset then
    return fixed(offset)
  elseif not known[name] then
    local data = zone_file.read(name)
    local found = data and read_zone(data)
    if not found then
      return nil
    end
    if nknown == most then
      known, nknown = {}, 0
    end
    known[name], nknown = found, nknown + 1
  end
  return known[name]
end

return zones
