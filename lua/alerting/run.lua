--- What happens without being asked: rules and budgets are looked at, and what they tell goes out.
--- Loaded with config.lua, before the routes; loop 0 alone has the turns.
local alert_rules = later "alerting.rules"
local budget_look = later "budgets.look"
local budget_rules = later "budgets.rules"
local config = require "config"
local episodes = later "alerting.episodes"
local faults = later "lib.faults"
local lock = require "alerting.lock"
local log = require "log"
local look = later "alerting.look"
local notifiers = later "alerting.notifiers"
local outbox = later "alerting.outbox"
local storage = require "storage"

local TICK_MS = 500

local function is_empty(entries)
  return entries == nil or type(entries) == "table" and pairs(entries)(entries) == nil
end

local is_configured =
  not (is_empty(config.alerts) and is_empty(config.budgets) and is_empty(config.notify))

if is_configured then
  local found = faults.new()
  notifiers.load(found)
  look.watch(alert_rules.load(found))
  budget_look.watch(budget_rules.load(found))
  found:raise()
end

local watches = not (is_empty(config.alerts) and is_empty(config.budgets))
local is_done, complained_at = false, 0

-- Of what config.lua once had.
local function is_anything_kept()
  local rows = storage.sql "SELECT 1 FROM kept WHERE topic = 'alerting' LIMIT 1"
  return not rows or #rows > 0
end

-- Once there is nothing to watch, and what was is over.
local function run(now)
  if not is_configured and not is_anything_kept() then
    is_done = true
    return
  end
  local turn, message = episodes.turn(now)
  if turn then
    budget_look.at_budgets(turn)
    look.at_rules(turn)
    is_done = turn:commit() and not watches
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
  if is_configured then
    outbox.start()
  end
end

return true
