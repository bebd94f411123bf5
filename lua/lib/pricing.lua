--- What a request cost, from a price table: pure, rates and token counts in, dollars
--- out. The rules are those of LiteLLM's price file and of ccusage (cost.rs), where
--- they agree; where they do not: the long-context rate of a tier applies to the whole
--- request once its whole prompt (fresh, read from and written to the cache) is longer
--- than the threshold, as the providers bill. What a provider bills by and no rate is
--- known for makes the cost unknown; the standard price is no answer for it.
local model_names = require "lib.model_names"
local price_shapes = require "lib.price_shapes"
local price_times = require "lib.price_times"
local providers = require "lib.providers"

local pricing = {}

---@class Usage
---@field input integer?           fresh input, without what came from or went to a cache
---@field output integer?          reasoning included
---@field cache_read integer?
---@field cache_write integer?     all cache writes
---@field cache_write_1h integer?  those of them that go to the one-hour cache
---@field reasoning integer?       those of output that are reasoning
---@field audio_input integer?     those of input that are audio; so the next ones
---@field audio_output integer?
---@field image_input integer?
---@field image_output integer?
---@field web_searches integer?
---@field tier string?             service tier; nil: standard
---@field speed string?            "fast"; nil: standard
---@field geo string?              where the model ran, when that was asked for
---@field time any                 when it ended, as records have it

local million = 1000000

pricing.from_litellm = price_shapes.from_litellm

---@class Prices
---@field private tables table<string, Rates>[] searched in order
---@field private found table<string, table<string, Rates|false>> by model and provider
local Prices = {}
Prices.__index = Prices

--- Looks models up in several tables, the first of which wins.
---@param ... table<string, Rates> overrides first
---@return Prices
function pricing.new(...)
  return setmetatable({ tables = { ... }, found = {}, nfound = 0 }, Prices)
end

local free = { input = 0, output = 0, cache_read = 0, cache_write = 0, cache_write_1h = 0 }

local factors = { "fast", "regional", "geo", "web_search" }

-- The rates with the factors of a later table where they have none: a price file may
-- know a model's price and not what a batch of it costs, which is half of any price.
local function completed(rates, later)
  local own = {}
  for _, name in ipairs(factors) do
    own[name] = rates[name] or later[name]
  end
  own.tiers = {}
  for _, from in ipairs { later.tiers or {}, rates.tiers or {} } do
    for tier, price in pairs(from) do
      own.tiers[tier] = (from == rates.tiers or type(price) == "number") and price or nil
    end
  end
  return setmetatable(own, { __index = rates })
end

local function in_region(rates)
  return rates.regional and setmetatable({ factor = rates.regional }, { __index = rates }) or rates
end

local function rates_of(prices, model, provider)
  return provider and (prices[provider .. "/" .. model]
    or prices[providers.word(provider) .. "/" .. model]) or prices[model]
end

-- The first rates there are, completed from the tables behind theirs.
local function search(tables, model, provider)
  local found, place, regional
  for _, candidate in ipairs(model_names.candidates(model)) do
    for i, prices in ipairs(tables) do
      local rates = (not place or i > place) and rates_of(prices, candidate.name, provider)
      if rates and not found then
        found, place, regional = rates, i, candidate.regional
      elseif rates then
        found, place = completed(found, rates), i
      end
    end
  end
  if not found then
    return model_names.is_free(model) and free
  end
  return regional and in_region(found) or found
end

-- Names come from clients: what is remembered of them is bounded.
local max_found = 1000
local longest_name = 256

---@param model string? as a sender named it
---@param provider string? tried as "provider/model"
---@return Rates?
function Prices:rates(model, provider)
  if not model or #model > longest_name then
    return nil
  end
  local found = self.found[model]
  local rates = found and found[provider or ""]
  if rates == nil then
    rates = search(self.tables, model, provider) or false
    if self.nfound == max_found then
      self.found, self.nfound = {}, 0
    end
    found = self.found[model] or {}
    found[provider or ""] = rates
    self.found[model], self.nfound = found, self.nfound + 1
  end
  return rates or nil
end

-- What stands for "as usual" in the words of Anthropic, OpenAI, Google and Bedrock.
local standard = {
  standard = true, default = true, auto = true, normal = true,
  on_demand = true, not_available = true, global = true,
  standard_only = true, null = true, none = true,
}

local other_words = {
  batches = "batch", on_demand_priority = "priority", on_demand_flex = "flex",
  service_tier_priority = "priority",
  service_tier_flex = "flex", service_tier_default = "default", service_tier_standard = "standard",
}

-- The word in one spelling; nil when it is the standard one.
local function special(word)
  word = word and word:lower():gsub("[%s%-]", "_")
  word = other_words[word] or word
  return word and word ~= "" and not standard[word] and word or nil
end

-- A factor of the standard rates, or rates in their place; nil when the price of the tier is not
-- known.
local function price_of_tier(rates, tier)
  tier = special(tier)
  local own = not tier and 1 or (rates.tiers or {})[tier]
  return (type(own) == "number" or own and (own.input or own.output)) and own or nil
end

local function factor_of(rates, usage)
  local speed, geo = special(usage.speed), special(usage.geo)
  local fast = not speed and 1 or speed == "fast" and rates.fast
  local place = not geo and 1 or (rates.geo or {})[geo]
  return fast and place and fast * place * (rates.factor or 1)
end

-- Those in force at the time; nil where that is not known.
local function at_time(rates, time)
  local off_peak = rates.off_peak
  if not off_peak then
    return rates
  end
  local is_cheap = off_peak.schedule and price_times.include(off_peak.schedule, time)
  if is_cheap == nil then
    return nil
  end
  return is_cheap and off_peak.rates or rates
end

local function tokens_of(thousands)
  return math.floor(thousands * 1000 + 0.5)
end

-- The rates above the highest threshold that the prompt is longer than.
local function above_threshold(rates, prompt)
  local above, best = {}, -1
  for thousands, candidate in pairs(rates.above or {}) do
    if prompt > tokens_of(thousands) and thousands > best then
      above, best = candidate, thousands
    end
  end
  return above
end

-- The rates for a prompt of this length: those of Qwen's range, the last one for
-- whatever is longer, or the base rates with those above a threshold.
local function at_length(rates, prompt)
  for i, range in ipairs(rates.ranges or {}) do
    if prompt <= range.upto or i == #rates.ranges then
      return range, {}
    end
  end
  return rates, above_threshold(rates, prompt)
end

-- The rate above a threshold wins over the base rate of the same name; a cache rate
-- that neither has follows from the input rate.
local function rates_at(rates, prompt)
  local base, above = at_length(rates, prompt)
  local function rate(name)
    return above[name] or base[name]
  end
  local input, output = rate("input"), rate("output")
  return {
    input = input,
    output = output,
    cache_read = rate("cache_read") or input and input * 0.1,
    cache_write = rate("cache_write") or input and input * 1.25,
    cache_write_1h = rate("cache_write_1h") or input and input * 2,
    reasoning = rate("reasoning") or output,
    audio_input = rate("audio_input"), audio_output = rate("audio_output"),
    image_input = rate("image_input"), image_output = rate("image_output"),
  }
end

local kinds = {
  "input", "output", "reasoning", "cache_read", "cache_write",
  "cache_write_1h", "audio_input", "image_input",
  "audio_output", "image_output",
}

local is_output = { output = true, reasoning = true, audio_output = true, image_output = true }

-- How much dearer or cheaper a tier is, by its input or output; nil where it tells none.
local function ratio(rate, usual)
  return rate and usual and usual > 0 and rate / usual or nil
end

-- A rate that a tier lacks, as most lack those of the cache or of long prompts, is the standard
-- one times the tier's ratio.
local function rates_of_tier(rates, own, prompt)
  local base, above = at_length(rates, prompt)
  above = base == rates and above or base
  local usual, own_above, tier = rates_at(rates, prompt), above_threshold(own, prompt), {}
  for _, kind in ipairs(kinds) do
    local like = is_output[kind] and "output" or "input"
    local times = ratio(own_above[like], usual[like]) or ratio(own[like], rates[like])
    tier[kind] = own_above[kind] or not above[kind] and own[kind]
      or times and usual[kind] and usual[kind] * times
  end
  return tier
end

-- What a million tokens of each kind cost, and a factor of it all.
local function billed_rates(rates, tier, prompt)
  if type(tier) == "number" then
    return rates_at(rates, prompt), tier
  end
  return rates_of_tier(rates, tier, prompt), 1
end

-- Tokens by the rate that they are billed at.
local function split(usage)
  local input, output = usage.input or 0, usage.output or 0
  local written = usage.cache_write or 0
  local hour = math.min(usage.cache_write_1h or 0, written)
  local audio_in = math.min(usage.audio_input or 0, input)
  local image_in = math.min(usage.image_input or 0, input - audio_in)
  local audio_out = math.min(usage.audio_output or 0, output)
  local image_out = math.min(usage.image_output or 0, output - audio_out)
  local reasoning = math.min(usage.reasoning or 0, output - audio_out - image_out)
  return {
    input = input - audio_in - image_in, audio_input = audio_in, image_input = image_in,
    output = output - audio_out - image_out - reasoning, reasoning = reasoning,
    audio_output = audio_out, image_output = image_out,
    cache_read = usage.cache_read or 0, cache_write = written - hour, cache_write_1h = hour,
  }
end

--- Dollars for usage at rates, to the pico-dollar that sums are kept in; nil where
--- something it is billed by has no known price.
---@param rates Rates
---@param usage Usage
---@return number?
function pricing.cost(rates, usage)
  local base, tier = at_time(rates, usage.time), price_of_tier(rates, usage.tier)
  local factor = base and tier and factor_of(rates, usage)
  local searches = usage.web_searches or 0
  if not factor or searches > 0 and not rates.web_search then
    return nil
  end
  local tokens, total = split(usage), 0
  local rate, times = billed_rates(base, tier,
    (usage.input or 0) + (usage.cache_read or 0) + (usage.cache_write or 0))
  for _, kind in ipairs(kinds) do
    if tokens[kind] > 0 then
      if not rate[kind] then
        return nil
      end
      total = total + tokens[kind] * rate[kind]
    end
  end
  local calls = searches * (rates.web_search or 0) + (rates.request or 0)
  return tonumber(("%.12f"):format(total * factor * times / million + calls))
end

-- The rates of those whose price is four numbers, for a prompt that is no longer than upto; false:
-- the price of the others needs more than that.
local simple = setmetatable({}, { __mode = "k" })

local function simplified(rates)
  local found = simple[rates]
  if found == nil then
    found = false
    local upto = math.huge
    for thousands in pairs(rates.above or {}) do
      upto = math.min(upto, tokens_of(thousands))
    end
    local rate = rates_at(rates, 0)
    if not rates.ranges and not rates.request and not rates.reasoning and not rates.factor
        and not rates.off_peak and rate.input and rate.output then
      found = {
        input = rate.input, output = rate.output, cache_read = rate.cache_read,
        cache_write = rate.cache_write, upto = upto,
      }
    end
    simple[rates] = found
  end
  return found
end

-- What a plain call costs; nil for one that is billed by more than fresh, cached and written ones.
local function simple_cost(rates, record, input, output, read, write)
  local rate = simplified(rates)
  if not rate or input + read + write > rate.upto
      or record.service_tier or record.speed or record.inference_geo
      or record.cache_write_1h_tokens or record.web_searches or record.audio_input_tokens
      or record.audio_output_tokens or record.image_input_tokens
      or record.image_output_tokens then
    return nil
  end
  local total = input * rate.input + output * rate.output
    + read * rate.cache_read + write * rate.cache_write
  return total < 1e9 and math.floor(total * 1e6 + 0.5) / 1e12 or nil
end

-- The prompt lengths up to which the rates are the same, ascending; the last is endless.
local function lengths(rates, tier)
  local list = {}
  for i, range in ipairs(rates.ranges or {}) do
    list[i] = range.upto
  end
  if #list > 0 then
    list[#list] = nil -- the last range is for whatever is longer
  end
  for _, of in ipairs { rates, type(tier) == "table" and tier or nil } do
    for thousands in pairs(of.above or {}) do
      list[#list + 1] = tokens_of(thousands)
    end
  end
  table.sort(list)
  list[#list + 1] = math.huge
  return list
end

--- Rates by the length of the whole prompt: { upto, input, output, cache_read, cache_write,
--- request }, ascending; false is one that is not known.  nil: the tier has no known price; true:
--- the price depends on more than these, pricing.cost tells it.
---@param rates Rates
---@param tier string?
---@return (number|false)[][]|true|nil
function pricing.bands(rates, tier)
  local price = price_of_tier(rates, tier)
  if not price or rates.off_peak then
    return price and true
  end
  local bands, longest = {}, 0
  for i, upto in ipairs(lengths(rates, price)) do
    longest = upto < math.huge and upto or longest + 1
    local rate, factor = billed_rates(rates, price, longest)
    factor = factor * (rates.factor or 1)
    local function of(kind)
      return rate[kind] and rate[kind] * factor or false
    end
    bands[i] = {
      upto, of "input", of "output", of "cache_read", of "cache_write", rates.request or 0,
    }
  end
  return bands
end

---@param record table
---@return Usage
local function usage_of(record)
  return {
    input = record.tokens_input,
    output = record.tokens_output,
    cache_read = record.cache_read_tokens,
    cache_write = record.cache_write_tokens,
    cache_write_1h = record.cache_write_1h_tokens,
    reasoning = record.reasoning_tokens,
    audio_input = record.audio_input_tokens,
    audio_output = record.audio_output_tokens,
    image_input = record.image_input_tokens,
    image_output = record.image_output_tokens,
    web_searches = record.web_searches,
    tier = record.service_tier,
    speed = record.speed,
    geo = record.inference_geo,
    time = record.timestamp,
  }
end

--- The members of a record that its cost follows from.
pricing.members = {
  "model", "provider", "tokens_input", "tokens_output", "cache_read_tokens", "cache_write_tokens",
  "cache_write_1h_tokens", "reasoning_tokens", "audio_input_tokens",
  "audio_output_tokens", "image_input_tokens",
  "image_output_tokens", "web_searches", "service_tier", "speed", "inference_geo", "timestamp",
}

--- The members of a stored row that its cost follows from; what has no column is in extra.
---@param row table
---@param extra table  the row's, decoded
---@return table
function pricing.usage_of_row(row, extra)
  local usage = {}
  for _, name in ipairs(pricing.members) do
    local value = row[name]
    usage[name] = value == nil and extra[name] or value
  end
  usage.service_tier = usage.service_tier or row.tier
  return usage
end

--- Settles cost_usd and cost_source of a record: what the sender reported wins; else it
--- is computed from the tokens; else it is unknown, which is not zero.  A record
--- without tokens and without a reported cost stays as it is.
---@param record table in the schema's column names
---@param reported number? dollars
function Prices:settle(record, reported)
  if reported and reported >= 0 then
    record.cost_usd, record.cost_source = reported, "reported"
    return
  end
  local input, output = record.tokens_input or 0, record.tokens_output or 0
  local read, write = record.cache_read_tokens or 0, record.cache_write_tokens or 0
  if input + output + read + write + (record.web_searches or 0) <= 0 then
    return
  end
  local rates = self:rates(record.model, record.provider)
  record.cost_usd = rates and (simple_cost(rates, record, input, output, read, write)
    or pricing.cost(rates, usage_of(record)))
  record.cost_source = record.cost_usd and "computed" or "unknown"
end

return pricing
