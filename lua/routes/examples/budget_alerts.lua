--- A topic of one's own: an event when the cost of the last hour passes
--- settings.hourly_budget_usd, once per crossing.
local config = require "config"
local filters = require "lib.filters"
local kv = require "kv"
local sse = require "sse"
local storage = require "storage"

local BUDGET_USD = config.settings.hourly_budget_usd or 10
local CHECK_MS = config.settings.budget_check_ms or 10000

every(CHECK_MS, function()
  local now = os.time()
  local groups = storage.aggregate { where = filters.last_hours(1, now + 1) }
  local cost = groups and groups[1] and groups[1].cost_usd or 0
  local over = cost > BUDGET_USD
  if over and not kv.get "budget.over" then
    sse.publish("budget",
      { type = "budget", cost_usd = cost, budget_usd = BUDGET_USD, timestamp = now })
  end
  kv.set("budget.over", over)
end)

return {
  summary = "A stream of warnings when an hour costs more than it may.",
  answers = "text/event-stream",

  ---@param req Request
  ---@return Stream
  handle = function(req)
    return sse.stream { topic = "budget", resume = req.headers["last-event-id"] }
  end,
}
