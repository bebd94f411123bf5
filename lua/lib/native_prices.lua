--- What the core prices records by that have tokens and tell no cost, where pricing.native is on.
local json = require "json"
local price_table = later "lib.price_table"
local pricing = later "lib.pricing"

local native_prices = {}

--- Where the core finds what a cost follows from, and puts it.
native_prices.columns = {
  model = "model", provider = "provider", tier = "tier",
  input = "tokens_input", output = "tokens_output",
  cache_read = "cache_read_tokens", cache_write = "cache_write_tokens",
  cost = "cost_usd", source = "cost_source",
}

--- Rates by the length of the whole prompt: { upto, input, output, cache_read, cache_write,
--- request }, ascending, in dollars per million tokens and per request; false where one is not
--- known.  Asked once for each combination.  nil: no price is known; true: it depends on more, cost
--- is asked for each record.
---@param model string?
---@param provider string?
---@param tier string?
---@return (number|false)[][]|true|nil
function native_prices.bands(model, provider, tier)
  local rates = price_table.current():rates(model, provider)
  return rates and pricing.bands(rates, tier)
end

--- The cost of a record whose extra may tell what it is billed by; nil where it is not known.
---@param record Record
---@return number?
function native_prices.cost(record)
  local extra = record.extra and json.decode(tostring(record.extra)) or {}
  local usage = pricing.usage_of_row(record, extra)
  price_table.current():settle(usage)
  return usage.cost_usd
end

return native_prices
