local helpers = require "spec.helpers"
local machine = require "spec.bench.machine"

-- A budget for each kind of name, and one of all together.
local CONFIG = [[
config.budgets = { { name = "all", limit_usd = 500 } }
for _, by in ipairs { "user", "team", "api_key", "project", "model" } do
  table.insert(config.budgets, { name = by, by = by, limit_usd = 20, period = "day" })
end]]

local FIVE = "/budgets/verdict?user=alice&team=red&api_key=key-1&project=moon&model=claude-opus-4-5"

local function measure(path, options)
  return function()
    local s = machine.ours { config = CONFIG }
    s:ingest { { user = "alice", team = "red", api_key = "key-1", project = "moon",
      model = "claude-opus-4-5", cost_usd = 3 } }
    helpers.eventually(function()
      return s:get("/budgets/verdict?user=alice").json().spent == 3
    end)
    local found = machine.wrk(s, path, { connections = 16, seconds = options.seconds })
    s:stop()
    return { cpu_us = found.cpu_us, req_s = found.req_s, errors = found.errors }
  end
end

return {
  summary = "whether one more call may be made, beside /health/live, wrk -t1 -c16",
  subjects = function(options)
    return {
      { name = "five names", run = measure(FIVE, options) },
      { name = "one name", run = measure("/budgets/verdict?user=alice", options) },
      { name = "health_live", run = measure("/health/live", options) },
    }
  end,
  targets = {
    { metric = "cpu_us", against = "health_live", at_most = 2 },
    { metric = "cpu_us", of = "one name", against = "health_live", at_most = 2 },
    { metric = "errors", at_most = 0 },
  },
}
