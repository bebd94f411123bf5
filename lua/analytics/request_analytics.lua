--- request_analytics: how requests ended, as counts and percentages.
local figures = require "analytics.figures"

local request_analytics = {}

---@param group Group
---@return table
function request_analytics.shape(group)
  return {
    total_requests = group.requests,
    successful_requests = group.successes,
    error_requests = group.errors,
    success_rate = figures.rate(group.successes, group.requests),
    error_rate = figures.rate(group.errors, group.requests),
  }
end

return request_analytics
