--- The shapes of prices in LiteLLM's model_prices_and_context_window.json, as rates in
--- dollars per million tokens.
local price_times = require "lib.price_times"

local price_shapes = {}

local million = 1000000

-- 0.000003 dollars a token are 3 dollars a million, not 2.9999999999999996.
local function per_million(per_token)
  return tonumber(("%.12g"):format(per_token * million))
end

-- A number, also as a string ("1e-6").
local function price(value)
  local n = tonumber(value)
  return n and n >= 0 and n < math.huge and n or nil
end

local keys = {
  input_cost_per_token = "input",
  output_cost_per_token = "output",
  cache_read_input_token_cost = "cache_read",
  cache_creation_input_token_cost = "cache_write",
  cache_creation_input_token_cost_above_1hr = "cache_write_1h",
  output_cost_per_reasoning_token = "reasoning",
  input_cost_per_audio_token = "audio_input",
  output_cost_per_audio_token = "audio_output",
  cache_read_input_audio_token_cost = "audio_cache_read",
  input_cost_per_image_token = "image_input",
  output_cost_per_image_token = "image_output",
}

local tiers = { batches = "batch", flex = "flex", priority = "priority" }

local function child(parent, key)
  parent[key] = parent[key] or {}
  return parent[key]
end

-- input_cost_per_token_above_200k_tokens_priority: the name, the threshold and the
-- service tier, each may be missing.
local function put(rates, key, value)
  local name, tier = key:match("^(.*)_(%l+)$")
  if tiers[tier] then
    key, rates = name, child(child(rates, "tiers"), tiers[tier])
  end
  local base, threshold, unit = key:match("^(.*)_above_(%d+)(k?)_tokens$")
  if keys[base or key] and threshold then
    local thousands = tonumber(threshold) / (unit == "k" and 1 or 1000)
    rates = child(child(rates, "above"), math.tointeger(thousands) or thousands)
  end
  local what = keys[base or key]
  if what then
    rates[what] = per_million(value)
  end
end

local function put_all(rates, entry)
  for key, value in pairs(entry) do
    local n = type(key) == "string" and price(value)
    if n then
      put(rates, key, n)
    end
  end
end

-- Qwen's: { range = { from, to }, .. }, each for prompts of up to `to` tokens.
local function put_ranges(rates, list)
  for _, range in ipairs(list) do
    local to = type(range) == "table" and type(range.range) == "table" and tonumber(range.range[2])
    if to then
      local own = { upto = to }
      put_all(own, range)
      rates.ranges = rates.ranges or {}
      table.insert(rates.ranges, own)
    end
  end
  if rates.ranges then
    table.sort(rates.ranges, function(a, b) return a.upto < b.upto end)
  end
end

-- Factors of all rates: { fast = 6, us = 1.1 } in fast mode and for where the model runs; OpenAI's
-- for where data stay, Vertex' for locations other than global.
local function put_factors(rates, entry)
  local special = entry.provider_specific_entry
  for name, factor in pairs(type(special) == "table" and special or {}) do
    if type(factor) == "number" and name == "fast" then
      rates.fast = factor
    elseif type(factor) == "number" then
      child(rates, "geo")[name] = factor
    end
  end
  for _, place in ipairs { "eu", "us" } do
    local factor = price(entry["regional_processing_uplift_multiplier_" .. place])
    if factor then
      child(rates, "geo")[place] = factor
    end
  end
  rates.regional = price(entry.regional_endpoint_uplift_multiplier)
end

-- Priced by the image, the second, the character or the query: tokens for nothing
-- beside such a price are not free.
local function has_other_price(entry)
  for key, value in pairs(entry) do
    if type(key) == "string" and not key:find("token") and key:find("_cost_per_")
        and (price(value) or 0) > 0 then
      return true
    end
  end
  return false
end

local function is_priced(rates, entry)
  if rates.ranges then
    return true
  end
  if not rates.input and not rates.output then
    return false
  end
  return (rates.input or 0) + (rates.output or 0) > 0 or not has_other_price(entry)
end

local function searches(entry)
  local costs = entry.search_context_cost_per_query
  return type(costs) == "table" and price(costs.search_context_size_medium) or nil
end

local function token_rates(entry)
  local rates = {}
  put_all(rates, entry)
  local hit = not rates.cache_read and price(entry.input_cost_per_token_cache_hit)
  rates.cache_read = hit and per_million(hit) or rates.cache_read
  if type(entry.tiered_pricing) == "table" then
    put_ranges(rates, entry.tiered_pricing)
  end
  return rates
end

-- The rates off peak stand in place of the entry's own, whatever the prompt's length.
local function off_peak_rates(entry, cheaper)
  local own = {}
  for key, value in pairs(entry) do
    local base = type(key) == "string" and key:match("^(.*)_above_%d+k?_tokens$")
    own[key] = not cheaper[base] and value or nil
  end
  for key, value in pairs(cheaper) do
    own[key] = value
  end
  return token_rates(own)
end

-- Of a price that changes with the clock; it holds at no time where it is not known how it does.
local function off_peak(entry, find_zone)
  local block, periods = entry.off_peak_pricing, type(entry.pricing_periods) == "table"
  if type(block) ~= "table" then
    return periods and {} or nil
  end
  local is_known = not periods and type(entry.tiered_pricing) ~= "table"
  local schedule = is_known and price_times.read(block, find_zone)
  return { schedule = schedule or nil, rates = off_peak_rates(entry, block) }
end

---@param entry table one model of LiteLLM's file
---@param find_zone? fun(name: string): Zone?
---@return Rates? rates nil when it has no price per token
function price_shapes.rates(entry, find_zone)
  if type(entry) ~= "table" then
    return nil
  end
  local rates = token_rates(entry)
  put_factors(rates, entry)
  rates.off_peak = off_peak(entry, find_zone)
  rates.web_search = searches(entry)
  rates.request = price(entry.input_cost_per_request)
  return is_priced(rates, entry) and rates or nil
end

--- Rates by model from the decoded text of LiteLLM's file.
---@param file table
---@param find_zone? fun(name: string): Zone?  for prices by the days of a week in some zone
---@return table<string, Rates>
function price_shapes.from_litellm(file, find_zone)
  local prices = {}
  for name, entry in pairs(file) do
    prices[name] = price_shapes.rates(entry, find_zone)
  end
  return prices
end

return price_shapes
