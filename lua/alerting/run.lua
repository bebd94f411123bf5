--- What happens without being asked: rules and budgets are looked at, and what they tell goes out.
--- Loaded with config.lua, before the routes; loop 0 alone has the turns.
local alert_rules = require "alerting.rules"
local budget_look = require "budgets.look"
local budget_rules = require "budgets.rules"
local config = require "config"
local episodes = require "alerting.episodes"
local faults = require "lib.faults"
local lock = require "alerting.lock"
local log = require "log"
local look = require "alerting.look"
local notifiers = require "alerting.notifiers"
local outbox = require "alerting.outbox"

local TICK_MS = 500

local found = faults.new()
notifiers.load(found)
look.watch(alert_rules.load(found))
budget_look.watch(budget_rules.load(found))
found:raise()

local rules_or_budgets = #(config.alerts or {}) + #(config.budgets or {})
local is_done, complained_at = false, 0

-- Once there is nothing to watch, and what was is over.
local function run(now)
  local turn, message = episodes.turn(now)
  if turn then
    budget_look.at_budgets(turn)
    look.at_rules(turn)
    is_done = turn:commit() and rules_or_budgets == 0
  elseif now - complained_at >= 60 then
    complained_at = now
    log.error("alerts wait: what was told cannot be read", { error = message })
  end
end

local function tick()
  local held <close> = not is_done and lock.take "alerting" or nil
  if held then
    run(os.time())
  end
end

if config.storage.backend ~= "none" then
  every(TICK_MS, tick)
  outbox.start()
end

return true
