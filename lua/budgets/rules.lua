--- Budgets as config.lua writes them, checked and made whole.
local alert_rules = require "alerting.rules"
local config = require "config"
local duration = require "lib.duration"
local faults = require "lib.faults"
local zones = require "lib.zones"

local budgets = {}

---@class Budget
---@field name string
---@field summary string?
---@field by string?             whose: a column; nil: all together
---@field limit_usd number?      of each; nil: only those of limits have one
---@field limits table<string, number>
---@field period string          day, week, month, or the length of a rolling window
---@field rolling integer?       seconds
---@field tz string
---@field zone Zone
---@field thresholds number[]    shares of the limit, ascending
---@field notify string[]

--- What a budget can be for; the parameters of GET /budgets/verdict.
budgets.SCOPES = { "user", "team", "api_key", "project", "model" }

local SCOPE_SET = faults.set(table.concat(budgets.SCOPES, " "))
local PERIODS = faults.set "day week month"
local MOST = 50

local function is_amount(value)
  return type(value) == "number" and value > 0 and value < 1e12
end

local read = { name = faults.read_text, summary = faults.read_text,
  notify = alert_rules.read_notify }

function read.by(value)
  return SCOPE_SET[value] and value or nil, "one of " .. table.concat(budgets.SCOPES, ", ")
end

function read.limit_usd(value)
  return is_amount(value) and value or nil, "dollars, more than 0"
end

function read.limits(value)
  local fine = type(value) == "table"
  for key, amount in pairs(fine and value or {}) do
    fine = fine and type(key) == "string" and is_amount(amount)
  end
  return fine and value or nil, 'dollars by name, such as { ["alice@example.com"] = 50 }'
end

function read.period(value)
  return (PERIODS[value] or duration.seconds(value)) and value or nil,
    'day, week, month, or the length of a rolling window such as "24h" or "30d"'
end

function read.tz(value)
  return type(value) == "string" and zones.find(value) and value or nil,
    "a time zone of this machine, such as Europe/Berlin, or +hh:mm"
end

function read.thresholds(value)
  local fine, last = faults.is_list(value) and #value >= 1 and #value <= 10, 0
  for _, share in ipairs(fine and value or {}) do
    fine = fine and type(share) == "number" and share > last and share <= 10
    last = fine and share or last
  end
  return fine and value or nil, "shares of the limit, ascending, such as { 0.5, 0.8, 1 }"
end

local function check_together(fields, add)
  if not fields.name then
    add("name", "a budget needs one")
  end
  if not fields.limit_usd and not fields.limits then
    add("limit_usd", "a budget needs a limit: limit_usd = NUMBER, or limits = { NAME = NUMBER }")
  end
  if fields.limits and not fields.by then
    add("limits", "whose limits? by = one of " .. table.concat(budgets.SCOPES, ", "))
  end
end

local function complete(fields)
  local period, tz = fields.period or "month", fields.tz or "UTC"
  ---@type Budget
  return {
    name = fields.name, summary = fields.summary, by = fields.by, limit_usd = fields.limit_usd,
    limits = fields.limits or {}, period = period,
    rolling = not PERIODS[period] and duration.seconds(period) or nil,
    tz = tz, zone = zones.find(tz), thresholds = fields.thresholds or { 0.8, 1 },
    notify = fields.notify or alert_rules.all_notifiers(),
  }
end

local function read_budget(entry, add)
  local fields = faults.read(entry, read, add, check_together)
  return fields and complete(fields)
end

--- The budgets of config.lua.
---@param found Faults
---@return Budget[]
function budgets.load(found)
  local list, entries = {}, faults.plain(config.budgets or {})
  for i, entry in ipairs(entries) do
    local place = ("budgets[%d]"):format(i)
    if type(entry) == "table" then
      list[#list + 1] = read_budget(entry, found:at(place, entry.name))
    else
      found:add(place, nil, "expected a budget such as { name = \"all\", limit_usd = 100 }")
    end
  end
  if #entries > MOST then
    found:add("budgets", nil, ("at most %d"):format(MOST))
  end
  found:unique("budgets", list)
  return list
end

return budgets
