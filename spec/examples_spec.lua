--- The worked examples that the shipped config.lua serves, and the hook that is
--- live once somebody asks for it.
local server = require "spec.helpers.server"

local DAY = 86400

local function record(id, fields)
  local r = {
    request_id = id, timestamp = os.time() - 60, model = "m", status_code = 200, duration_ms = 100,
    cost_usd = 1,
  }
  for key, value in pairs(fields or {}) do
    r[key] = value
  end
  return r
end

describe("the worked examples #loops", function()
  local s

  lazy_setup(function()
    s =
      server.start { config = "config.settings = { hourly_budget_usd = 20, budget_check_ms = 20 }" }
    s:ingest {
      record("a", { session_client_id = "one", duration_ms = 5 }),
      record("b",
        { session_client_id = "two", status_code = 404, duration_ms = 900, cost_usd = 2 }),
      record("c", { session_client_id = "two", status_code = 503, cost_usd = 3 }),
      record("d", { model = "n", timestamp = os.time() - 2 * DAY, cost_usd = 4 }),
    }
  end)

  lazy_teardown(function()
    s:stop()
  end)

  it("give the cost of each model and day", function()
    local costs = {}
    for _, day in ipairs(s:get("/examples/cost-by-model-and-day").json().days) do
      costs[day.model] = (costs[day.model] or 0) + day.cost_usd
    end
    assert.same({ m = 6, n = 4 }, costs)
  end)

  it("list the slowest requests first", function()
    local requests = s:get("/examples/slowest-requests?limit=2").json().requests
    assert.same({ "b", "c" }, { requests[1].request_id, requests[2].request_id })
  end)

  it("give the error rates of each minute", function()
    local requests, rate_4xx, rate_5xx = 0, 0, 0
    for _, minute in ipairs(s:get("/examples/errors-by-minute").json().minutes) do
      requests = requests + minute.requests
      rate_4xx = rate_4xx + minute.rate_4xx * minute.requests
      rate_5xx = rate_5xx + minute.rate_5xx * minute.requests
    end
    assert.same({ 3, 1, 1 }, { requests, rate_4xx, rate_5xx })
  end)

  it("list the sessions by cost, without the nameless one", function()
    local sessions = s:get("/examples/top-sessions").json().sessions
    assert.same({ "two", "one" }, { sessions[1].session_client_id, sessions[2].session_client_id })
    assert.equal(5, sessions[1].cost_usd)
    assert.equal(2, #sessions)
  end)

  it("count verdicts in a family of their own", function()
    assert.equal(204, s:post("/examples/feedback?model=m&verdict=bad", "").status)
    assert.equal(422, s:post("/examples/feedback?verdict=ugly", "").status)
    assert.is_truthy(
      s:get("/metrics").body:find('feedback_verdicts_total{model="m",verdict="bad"} 1', 1, true))
  end)

  it("publish when an hour costs more than it may", function()
    local stream = s:stream "/examples/budget-alerts"
    s:ingest { record("e", { cost_usd = 50 }) }
    local event = stream:event()
    assert.same({ "budget", 56, 20 },
      { event.json.type, event.json.cost_usd, event.json.budget_usd })
    stream:close()
  end)
end)

describe("the redaction hook", function()
  it("keeps a pseudonym instead of the address, the same for the same one", function()
    local s = server.start {
      config = 'config.settings = { redaction_key = "a secret of the spec" }',
      files = { ["lua/hooks.lua"] = 'return require "examples.redact"' },
    }
    s:ingest {
      record("a", { client_ip = "192.0.2.1" }),
      record("b", { client_ip = "192.0.2.1" }),
      record("c", { client_ip = "192.0.2.2" }),
    }
    local kept = {}
    for i, id in ipairs { "a", "b", "c" } do
      kept[i] = s:get("/logs/entries/" .. id).json().client_ip
    end
    assert.is_truthy(kept[1]:match("^" .. ("%x"):rep(64) .. "$"))
    assert.equal(kept[1], kept[2])
    assert.are_not.equal(kept[1], kept[3])
    s:stop()
  end)
end)
