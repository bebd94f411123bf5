--- The prices in force: config.lua's pricing.overrides, then the file pricing.file,
--- then the built-in table.
local config = require "config"
local json = require "json"
local log = require "log"
local prices = require "lib.prices"
local pricing = require "lib.pricing"
local zones = require "lib.zones"
local price_file = require "price_file"

local price_table = {}

local function from_file()
  local text, fault = price_file.read()
  if not text then
    if fault then
      log.error("the price file cannot be read: the built-in prices stand", { error = fault })
    end
    return {}
  end
  local decoded, wrong = json.decode(text)
  if type(decoded) ~= "table" then
    log.error("the price file is no JSON object: the built-in prices stand", { error = wrong })
    return {}
  end
  return pricing.from_litellm(decoded, zones.find)
end

local current

--- Made at first use, so that a file of thousands of models costs nothing to those who send none.
---@return Prices
function price_table.current()
  if not current then
    current = pricing.new((config.pricing or {}).overrides or {}, from_file(), prices)
  end
  return current
end

--- For hooks.lua, to price native records too: settles cost_usd and cost_source of a
--- record that was sent without a cost.
---@param record table
---@return table
function price_table.settle(record)
  if not record.cost_source then
    price_table.current():settle(record, record.cost_usd)
  end
  return record
end

return price_table
