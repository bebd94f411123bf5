--- The figures of a group for people who ask who spent what: unknown is null, never 0.
local figures = require "analytics.figures"
local json = require "json"

local spend = {}

spend.QUANTILES = figures.QUANTILES
spend.SKETCHES = { "duration_ms", "time_to_first_token_ms", "output_tokens_per_second" }

local QUANTILE_NAMES = {}
for _, sketch in ipairs(spend.SKETCHES) do
  for _, quantile in ipairs(spend.QUANTILES) do
    local percent = math.floor(quantile * 100 + 0.5)
    QUANTILE_NAMES[#QUANTILE_NAMES + 1] = ("%s_p%d"):format(sketch, percent)
  end
end

--- Measures that each figure which groups can be ordered by is the sum of.
spend.ORDERS = {
  request_count = { "requests" },
  successful_requests = { "successes" },
  error_requests = { "errors" },
  unpriced_requests = { "unpriced_requests" },
  total_cost_usd = { "cost_usd" },
  billed_cost_usd = { "billed_cost_usd" },
  total_tokens_input = { "tokens_input" },
  total_tokens_output = { "tokens_output" },
  total_cache_read_tokens = { "cache_read_tokens" },
  total_cache_write_tokens = { "cache_write_tokens" },
  total_tokens_all = { "tokens_input", "tokens_output", "cache_read_tokens", "cache_write_tokens" },
}

---@param group Group
---@return table
function spend.shape(group)
  local shape = {
    request_count = group.requests,
    successful_requests = group.successes,
    error_requests = group.errors,
    success_rate = figures.rate(group.successes, group.requests),
    error_rate = figures.rate(group.errors, group.requests),
    avg_duration_ms = figures.known_average(group.duration_ms, group.duration_known),
    duration_known = group.duration_known,
    avg_time_to_first_token_ms =
      figures.known_average(group.time_to_first_token_ms, group.time_to_first_token_known),
    time_to_first_token_known = group.time_to_first_token_known,
    total_cost_usd = group.cost_usd,
    billed_cost_usd = group.billed_cost_usd,
    unpriced_requests = group.unpriced_requests,
    total_tokens_input = group.tokens_input,
    total_tokens_output = group.tokens_output,
    total_cache_read_tokens = group.cache_read_tokens,
    total_cache_write_tokens = group.cache_write_tokens,
    total_tokens_all = figures.tokens_all(group),
  }
  for _, name in ipairs(QUANTILE_NAMES) do
    shape[name] = group[name] or json.null
  end
  return shape
end

--- The figures of no rows.
spend.NONE = spend.shape(figures.NONE)

return spend
