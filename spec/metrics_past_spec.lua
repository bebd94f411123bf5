local server = require "spec.helpers.server"

describe("GET /metrics of records", function()
  it("leaves out what is older than metrics.max_age, and says how many", function()
    local s = server.start()
    s:ingest {
      { request_id = "old", model = "m", timestamp = 1750000000, tokens_input = 5 },
      { request_id = "new", model = "m", tokens_input = 7, cost_usd = 0 },
    }
    s:ingest { { request_id = "old", model = "m", tokens_input = 50 } } -- what it gains is as old
    local text = s:get("/metrics").body
    assert.truthy(text:find("\nmoonledger_past_records_total 1\n", 1, true), text)
    local tokens = 'ccproxy_tokens_total{type="input",model="m",service_type="unknown"} 7\n'
    assert.truthy(text:find(tokens, 1, true))
    assert.equal(1, select(2, text:gsub("\nup{", "")))
    s:stop()
  end)

  it("has the labels and first tokens that config.lua asks for", function()
    local s = server.start {
      config = [[config.metrics.labels = { "team" }; config.metrics.max_age = 0]],
    }
    s:ingest {
      { request_id = "a", model = "m", team = "red", timestamp = 1750000000,
        time_to_first_token_ms = 300 },
      { request_id = "b", model = "m", timestamp = 1750000000, cost_usd = 2 },
    }
    local text = s:get("/metrics").body
    for _, line in ipairs {
      'ccproxy_requests_total{method="unknown",endpoint="unknown",model="m",status="200",'
        .. 'service_type="unknown",team="red"} 1',
      'ccproxy_cost_usd_total{model="m",cost_type="total",service_type="unknown",team="unknown"} 2',
      'ccproxy_time_to_first_token_seconds_count{model="m",endpoint="unknown",'
        .. 'service_type="unknown",team="red"} 1',
      'ccproxy_time_to_first_token_seconds_sum{model="m",endpoint="unknown",'
        .. 'service_type="unknown",team="red"} 0.3',
    } do
      assert.truthy(text:find(line .. "\n", 1, true), line)
    end
    s:stop()
  end)

  it("is refused a label that is no column", function()
    local ok, message = pcall(server.start, { config = [[config.metrics.labels = { "nobody" }]] })
    assert.is_false(ok)
    assert.truthy(message:find('metrics.labels: lua/schema.lua has no column "nobody"', 1, true),
      message)
  end)
end)
