--- The window that an answer is about.
local json = require "json"
local storage = require "storage"

local window = {}

local DAY = 86400

-- A time of 0 is no bound.
local function bound(time)
  return time and time ~= 0 and time or json.null
end

--- As it was asked for; null is an open side.
---@param values table<string, any>  what the route's params read
---@return { start_time: number|Null, end_time: number|Null }
function window.asked(values)
  return { start_time = bound(values.start_time), end_time = bound(values.end_time) }
end

--- The time of the first or last row of all, or of the day that it was in if it has gone; nil when
--- there were none.  Yields.
---@param last boolean
---@return number?
---@return string? message
---@return Reason? reason
function window.end_of_rows(last)
  local rows, message, reason = storage.select { descending = last, limit = 1 }
  if not rows then
    return nil, message, reason
  end
  local days
  days, message, reason = storage.aggregate {
    every = "day", measures = { "requests" }, descending = last, limit = 1,
  }
  if not days then
    return nil, message, reason
  end
  local row, day = rows[1] and rows[1].timestamp, days[1] and days[1].time
  local gone = not last and row and day and day + DAY <= row
  return row and not gone and row or day
end

--- The one that groups are of: retention may have taken what the ends asked for need.
---@param values table<string, any>  what the route's params read
---@param ... Groups  the first that was answered for another window tells it
---@return { start_time: number|Null, end_time: number|Null }
function window.used(values, ...)
  local used = window.asked(values)
  for _, groups in ipairs { ... } do
    if groups.window then
      used.start_time = groups.window.start_time or used.start_time
      used.end_time = groups.window.end_time or used.end_time
      break
    end
  end
  return used
end

--- Whether all that an answer is made of is exact.
---@param ... Groups
---@return boolean
function window.exact(...)
  for _, groups in ipairs { ... } do
    if not groups.exact then
      return false
    end
  end
  return true
end

return window
