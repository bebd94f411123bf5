--- The figures that every shape is made of, from a group as storage.aggregate answers it.
local json = require "json"

local figures = {}

--- What a summary and each breakdown tell about response times.
figures.QUANTILES = { 0.5, 0.9, 0.95, 0.99 }

local QUANTILE_NAMES = { "duration_ms_p50", "duration_ms_p90", "duration_ms_p95",
  "duration_ms_p99" }

--- The group of no rows.
---@type Group
figures.NONE = {
  requests = 0, successes = 0, errors = 0, client_errors = 0, server_errors = 0, duration_ms = 0,
  duration_known = 0, time_to_first_token_ms = 0, time_to_first_token_known = 0, cost_usd = 0,
  billed_cost_usd = 0, tokens_input = 0, tokens_output = 0, cache_read_tokens = 0,
  cache_write_tokens = 0, unpriced_requests = 0,
}

---@param group Group
---@return integer
function figures.tokens_all(group)
  return group.tokens_input + group.tokens_output + group.cache_read_tokens
    + group.cache_write_tokens
end

---@param group Group
---@return number  milliseconds, over all rows as the contract has it; 0 without rows
function figures.average_ms(group)
  return group.requests > 0 and group.duration_ms / group.requests or 0
end

--- Over the rows that know it.
---@param sum number
---@param known integer
---@return number|Null
function figures.known_average(sum, known)
  return known > 0 and sum / known or json.null
end

--- A percentage; 0 of nothing.
---@param part integer
---@param total integer
---@return number
function figures.rate(part, total)
  return total > 0 and part / total * 100 or 0
end

--- What every shape tells: cost, tokens, and of how many requests they are known.
---@param group Group
---@return table
function figures.totals(group)
  return {
    duration_known = group.duration_known,
    total_cost_usd = group.cost_usd,
    billed_cost_usd = group.billed_cost_usd,
    unpriced_requests = group.unpriced_requests,
    total_tokens_input = group.tokens_input,
    total_tokens_output = group.tokens_output,
    total_cache_read_tokens = group.cache_read_tokens,
    total_cache_write_tokens = group.cache_write_tokens,
    total_tokens_all = figures.tokens_all(group),
  }
end

--- The same of one group among others, with its requests and how they ended.
---@param group Group
---@return table
function figures.part(group)
  local shape = figures.totals(group)
  shape.request_count = group.requests
  shape.successful_requests = group.successes
  shape.error_requests = group.errors
  shape.success_rate = figures.rate(group.successes, group.requests)
  shape.error_rate = figures.rate(group.errors, group.requests)
  return shape
end

--- Adds the quantiles of response times to a shape: 0 of no rows, null of rows that do not
--- know theirs.
---@param shape table
---@param group Group
---@return table shape
function figures.with_quantiles(shape, group)
  for _, name in ipairs(QUANTILE_NAMES) do
    shape[name] = group[name] or group.requests > 0 and json.null or 0
  end
  return shape
end

return figures
