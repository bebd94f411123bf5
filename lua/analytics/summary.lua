--- summary: the totals of a window.
local figures = require "analytics.figures"

local summary = {}

---@param group Group
---@return table
function summary.shape(group)
  local shape = figures.totals(group)
  shape.total_requests = group.requests
  shape.total_successful_requests = group.successes
  shape.total_error_requests = group.errors
  shape.avg_duration_ms = figures.average_ms(group)
  return figures.with_quantiles(shape, group)
end

return summary
