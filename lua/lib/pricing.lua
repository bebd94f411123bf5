--- What a request cost, from a price table: pure, rates and token counts in, dollars out.
--- The rules are those of LiteLLM's price file and of ccusage (cost.rs), where they agree; where they do not:
--- the long-context rate of a tier applies to the whole request once its whole prompt (fresh, read from and written
--- to the cache) is longer than the threshold, as the providers bill.

local pricing = {}

---@class Usage
---@field input integer?           fresh input, without what came from or went to a cache
---@field output integer?          reasoning included
---@field cache_read integer?
---@field cache_write integer?     all cache writes
---@field cache_write_1h integer?  those of them that go to the one-hour cache
---@field reasoning integer?       those of output that are reasoning
---@field fast boolean?

local million = 1000000

-- 0.000003 dollars a token are 3 dollars a million, not 2.9999999999999996.
local function per_million(per_token)
  return tonumber(("%.12g"):format(per_token * million))
end

local keys = {
  input_cost_per_token = "input",
  output_cost_per_token = "output",
  cache_read_input_token_cost = "cache_read",
  cache_creation_input_token_cost = "cache_write",
  cache_creation_input_token_cost_above_1hr = "cache_write_1h",
  output_cost_per_reasoning_token = "reasoning",
}

---@param entry table one model of LiteLLM's file
---@return Rates? rates nil when it has no price per token
local function rates_of(entry)
  if type(entry) ~= "table" or type(entry.input_cost_per_token) ~= "number" then
    return nil
  end
  local rates = { input = 0, output = 0 }
  for key, value in pairs(entry) do
    if type(value) == "number" then
      local base, thousands = key:match("^(.*)_above_(%d+)k_tokens$")
      local name = keys[base or key]
      if name and thousands then
        rates.above = rates.above or {}
        local tier = math.tointeger(tonumber(thousands))
        rates.above[tier] = rates.above[tier] or {}
        rates.above[tier][name] = per_million(value)
      elseif name then
        rates[name] = per_million(value)
      end
    end
  end
  local special = entry.provider_specific_entry
  if type(special) == "table" and type(special.fast) == "number" then
    rates.fast = special.fast
  end
  return rates
end

--- Rates by model from the decoded text of LiteLLM's model_prices_and_context_window.json.
---@param file table
---@return table<string, Rates>
function pricing.from_litellm(file)
  local prices = {}
  for name, entry in pairs(file) do
    prices[name] = rates_of(entry)
  end
  return prices
end

-- Names under which a model may stand in a table, the most exact first: as sent; without "[1m]", provider ("openai/",
-- "us.anthropic.") and date or version ("-20250929", "-2025-08-07", "@20250929", "-v1:0"); Claude's dots as dashes.
local function candidates(model)
  local names, seen = {}, {}
  local function add(name)
    if name ~= "" and not seen[name] then
      seen[name] = true
      names[#names + 1] = name
    end
  end
  local function undated(name)
    local short = name:gsub("%-v%d+:%d+$", ""):gsub("@.*$", ""):gsub("%-latest$", "")
    add(short)
    add((short:gsub("%-%d%d%d%d%d%d%d%d$", ""):gsub("%-%d%d%d%d%-%d%d%-%d%d$", "")))
  end

  add(model)
  local plain = model:gsub("%[1[mM]%]$", "")
  add(plain)
  undated(plain)
  local bare = plain:match("([^/]+)$") or plain
  add(bare)
  undated(bare)
  local family = bare:match("%f[%w](claude%-.*)$")
  if family then
    family = family:gsub("%.", "-")
    add(family)
    undated(family)
  end
  return names
end

---@class Prices
---@field private tables table<string, Rates>[] searched in order
---@field private found table<string, Rates|false> answers so far
local Prices = {}
Prices.__index = Prices

--- Looks models up in several tables, the first of which wins.
---@param ... table<string, Rates> overrides first
---@return Prices
function pricing.new(...)
  return setmetatable({ tables = { ... }, found = {}, nfound = 0 }, Prices)
end

local function search(tables, model, provider)
  for _, name in ipairs(candidates(model)) do
    for _, prices in ipairs(tables) do
      local rates = provider and prices[provider .. "/" .. name] or prices[name]
      if rates then
        return rates
      end
    end
  end
  return false
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
  local key = provider and provider .. "/" .. model or model
  local rates = self.found[key]
  if rates == nil then
    rates = search(self.tables, model, provider)
    if self.nfound == max_found then
      self.found, self.nfound = {}, 0
    end
    self.found[key], self.nfound = rates, self.nfound + 1
  end
  return rates or nil
end

-- The tier's own rate wins over the base rate of the same name; a cache rate that neither has follows from the tier's
-- input rate.
local function tier_rates(rates, prompt)
  local tier, best = {}, -1
  for thousands, candidate in pairs(rates.above or {}) do
    if prompt > thousands * 1000 and thousands > best then
      tier, best = candidate, thousands
    end
  end
  local function rate(name)
    return tier[name] or rates[name]
  end
  local input = rate("input")
  return {
    input = input,
    output = rate("output"),
    cache_read = rate("cache_read") or input * 0.1,
    cache_write = rate("cache_write") or input * 1.25,
    cache_write_1h = rate("cache_write_1h") or input * 2,
    reasoning = rate("reasoning") or rate("output"),
  }
end

--- Dollars for usage at rates, to the pico-dollar that sums are kept in.
---@param rates Rates
---@param usage Usage
---@return number
function pricing.cost(rates, usage)
  local input, output = usage.input or 0, usage.output or 0
  local read, written = usage.cache_read or 0, usage.cache_write or 0
  local hour = math.min(usage.cache_write_1h or 0, written)
  local reasoning = math.min(usage.reasoning or 0, output)
  local rate = tier_rates(rates, input + read + written)
  local total = input * rate.input + (output - reasoning) * rate.output + reasoning * rate.reasoning
    + read * rate.cache_read + (written - hour) * rate.cache_write + hour * rate.cache_write_1h
  return tonumber(("%.12f"):format(total * (usage.fast and rates.fast or 1) / million))
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
    fast = record.speed == "fast",
  }
end

local function has_tokens(record)
  return (record.tokens_input or 0) + (record.tokens_output or 0)
    + (record.cache_read_tokens or 0) + (record.cache_write_tokens or 0) > 0
end

--- Settles cost_usd and cost_source of a record: what the sender reported wins; else it is computed from the tokens;
--- else it is unknown, which is not zero.  A record without tokens and without a reported cost stays as it is.
---@param record table in the schema's column names
---@param reported number? dollars
function Prices:settle(record, reported)
  if reported and reported >= 0 then
    record.cost_usd, record.cost_source = reported, "reported"
    return
  end
  if not has_tokens(record) then
    return
  end
  local rates = self:rates(record.model, record.provider)
  if rates then
    record.cost_usd, record.cost_source = pricing.cost(rates, usage_of(record)), "computed"
  else
    record.cost_usd, record.cost_source = nil, "unknown"
  end
end

return pricing
