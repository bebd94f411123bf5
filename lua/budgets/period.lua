--- The time that a budget is for.
local calendar = require "lib.calendar"
local measured = require "alerting.measured"

local period = {}

local LONGEST = 40 * 86400 -- a month and more

--- The one that now is in.
---@param budget Budget
---@param now integer
---@return Condition[]
---@return integer since
---@return integer? reset_at  when the next begins; nil: it rolls
function period.of(budget, now)
  if budget.rolling then
    local where = measured.last(budget.rolling, now)
    return where, where[1][3], nil
  end
  local bounds = calendar.bounds(budget.zone, budget.period, now, now + LONGEST, 64)
  local since, reset_at = bounds[1], bounds[2]
  return { { "timestamp", ">=", since }, { "timestamp", "<", reset_at } }, since, reset_at
end

return period
