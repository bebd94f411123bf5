--- summary: the totals of a window.
local figures = require "analytics.figures"

local summary = {}

---@param group Group
---@return table
function summary.shape(group)
  return figures.with_quantiles({
    total_requests = group.requests,
    total_successful_requests = group.successes,
    total_error_requests = group.errors,
    avg_duration_ms = figures.average_ms(group),
    duration_known = group.duration_known,
    total_cost_usd = group.cost_usd,
    billed_cost_usd = group.billed_cost_usd,
    total_tokens_input = group.tokens_input,
    total_tokens_output = group.tokens_output,
    total_cache_read_tokens = group.cache_read_tokens,
    total_cache_write_tokens = group.cache_write_tokens,
    total_tokens_all = figures.tokens_all(group),
    unpriced_requests = group.unpriced_requests,
  }, group)
end

return summary
