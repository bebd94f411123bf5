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

local function run()
  local turn, message = episodes.turn(os.time())
  if not turn then
    log.error("alerts wait: what was told cannot be read", { error = message })
    return
  end
  budget_look.at_budgets(turn)
  look.at_rules(turn)
  turn:commit()
end

if config.storage.backend ~= "none" then
  every(TICK_MS, function()
    if lock.take "alerting" then
      run()
      lock.release "alerting"
    end
  end)
  outbox.start()
end

return true
