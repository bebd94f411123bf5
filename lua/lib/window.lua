--- The window that an answer is about.
local json = require "json"

local window = {}

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
