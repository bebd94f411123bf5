--- service_type_breakdown, model_breakdown: the same figures for each value of a column.
local figures = require "analytics.figures"

local breakdown = {}

local function figures_of(group)
  return figures.with_quantiles({
    request_count = group.requests,
    successful_requests = group.successes,
    error_requests = group.errors,
    success_rate = figures.rate(group.successes, group.requests),
    error_rate = figures.rate(group.errors, group.requests),
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

--- Rows where the column is empty have no line; they count in the summary.
---@param groups Group[]
---@param column string
---@return table<string, table>
function breakdown.shape(groups, column)
  local shape = {}
  for _, group in ipairs(groups) do
    if group[column] ~= "" then
      shape[group[column]] = figures_of(group)
    end
  end
  return shape
end

return breakdown
