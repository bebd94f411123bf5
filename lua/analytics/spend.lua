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
  local shape = figures.part(group)
  shape.avg_duration_ms = figures.known_average(group.duration_ms, group.duration_known)
  shape.time_to_first_token_known = group.time_to_first_token_known
  shape.avg_time_to_first_token_ms =
    figures.known_average(group.time_to_first_token_ms, group.time_to_first_token_known)
  for _, name in ipairs(QUANTILE_NAMES) do
    shape[name] = group[name] or json.null
  end
  return shape
end

--- The figures of no rows.
spend.NONE = spend.shape(figures.NONE)

return spend
