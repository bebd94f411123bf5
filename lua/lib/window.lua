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

return window
