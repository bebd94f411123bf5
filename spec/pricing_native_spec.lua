local server = require "spec.helpers.server"

local function get(s, id)
  return s:get("/logs/query?fields=cost_usd,extra&request_id=" .. id).json().results[1]
end

local json = require "spec.helpers.json"

describe("a native record with tokens and no cost", function()
  local s
  setup(function()
    s = server.start { files = { ["prices.json"] = [[{ "nightly": {
      "input_cost_per_token": 1e-6, "output_cost_per_token": 4e-6, "off_peak_pricing": {
        "windows": [{ "hours_utc": ["16:30-00:30"], "weekdays": [2] }],
        "weekday_timezone": "Asia/Shanghai", "input_cost_per_token": 5e-7 } } }]] },
    config = [[config.pricing.file = "prices.json"
    config.pricing.overrides = {
      plain = { input = 2, output = 10, cache_read = 0.5, cache_write = 3,
        tiers = { batch = 0.5 }, fast = 3 },
      long = { input = 1, output = 2, above = { [200] = { input = 4, output = 8 } } },
      half = { input = 1 },
    }]] }
    s:ingest {
      { request_id = "plain", model = "plain", tokens_input = 1000, tokens_output = 100,
        cache_read_tokens = 2000, cache_write_tokens = 10 },
      { request_id = "null", model = "plain", tokens_input = 1, cost_usd = json.null },
      { request_id = "zero", model = "plain", tokens_input = 1000, cost_usd = 0 },
      { request_id = "told", model = "plain", tokens_input = 1000, cost_usd = 7 },
      { request_id = "batch", model = "plain", tokens_input = 1000, tier = "batch" },
      { request_id = "alias", model = "plain", tokens_input = 1000, service_tier = "batch",
        ttft_ms = 250 },
      { request_id = "usual", model = "plain", tokens_input = 1000, speed = "normal",
        service_tier = "standard" },
      { request_id = "fast", model = "plain", tokens_input = 1000, speed = "fast" },
      { request_id = "within", model = "plain", tokens_input = 1000, speed = "fast",
        asked = { speed = "normal" } },
      { request_id = "tier", model = "plain", tokens_input = 1000, tier = "gold" },
      { request_id = "short", model = "long", tokens_input = 200000 },
      { request_id = "long", model = "long", tokens_input = 150000, cache_read_tokens = 60000,
        tokens_output = 10 },
      { request_id = "half", model = "half", tokens_input = 10, tokens_output = 10 },
      { request_id = "nobody", model = "nobody-knows", tokens_input = 10 },
      { request_id = "nameless", tokens_output = 3 },
      { request_id = "none", model = "plain" },
      { request_id = "day", model = "nightly", tokens_input = 1000,
        timestamp = "2026-09-07T12:00:00Z" },
      { request_id = "night", model = "nightly", tokens_input = 1000, -- Tuesday in Shanghai
        timestamp = "2026-09-07T17:00:00Z" },
      { request_id = "next night", model = "nightly", tokens_input = 1000,
        timestamp = "2026-09-08T17:00:00Z" },
      { request_id = "hour", model = "plain", cache_write_tokens = 1000,
        cache_write_1h_tokens = 1000 },
    }
  end)
  teardown(function() s:stop() end)

  -- Dollars a million tokens, by hand.
  local costs = {
    plain = (1000 * 2 + 100 * 10 + 2000 * 0.5 + 10 * 3) / 1e6, null = 2 / 1e6,
    batch = 0.001, alias = 0.001, short = 0.2, long = (150000 * 4 + 60000 * 0.4 + 10 * 8) / 1e6,
    day = 0.001, night = 0.0005, ["next%20night"] = 0.001,
    hour = 1000 * 4 / 1e6, usual = 0.002, fast = 0.006, within = 0.006,
  }
  for id, cost in pairs(costs) do
    it("is priced: " .. id, function()
      local row = get(s, id)
      assert.near(cost, row.cost_usd, 1e-12)
      assert.equal("computed", row.extra.cost_source)
    end)
  end

  it("has the dimensions that it is told by the names of prices and agents", function()
    local rows = s:get("/logs/query?tier=batch&fields=request_id,time_to_first_token_ms").json()
    local found = {}
    for _, row in ipairs(rows.results) do
      found[row.request_id] = row.time_to_first_token_ms
    end
    assert.same({ batch = json.null, alias = 250 }, found)
  end)

  for _, id in ipairs { "tier", "half", "nobody", "nameless" } do
    it("is of unknown cost where no price is known: " .. id, function()
      local row = get(s, id)
      assert.equal(json.null, row.cost_usd)
      assert.equal("unknown", row.extra.cost_source)
    end)
  end

  it("keeps a cost that was told, nothing included", function()
    assert.equal(0, get(s, "zero").cost_usd)
    assert.equal(7, get(s, "told").cost_usd)
    assert.is_nil(get(s, "told").extra.cost_source)
    assert.equal("reported", get(s, "zero").extra.cost_source)
    assert.same({ cost_usd = json.null, extra = {} }, get(s, "none"))
  end)

  it("costs the same when it is asked again", function()
    assert.equal(0, s:post("/-/reprice", "", {}).json().changed)
  end)

  it("counts as unpriced", function()
    local figures = s:get("/logs/analytics?start_time=0").json().summary
    assert.equal(4, figures.unpriced_requests)
    assert.truthy(s:get("/metrics").body:find(
      'moonledger_unpriced_requests_total{model="nobody-knows"} 1', 1, true))
  end)

  it("is priced in a large body as in a small one", function()
    local lines = {}
    for i = 1, 3000 do
      lines[i] = ('{"request_id":"many%d","model":"plain","tokens_input":%d,"note":"%s"}'):format(
        i, i, ("x"):rep(60))
    end
    local r = s:post("/logs/ingest", table.concat(lines, "\n"),
      { ["content-type"] = "application/x-ndjson" })
    assert.equal(3000, r.json().accepted)
    assert.near(3000 * 2 / 1e6, get(s, "many3000").cost_usd, 1e-12)
  end)

  it("is priced by a hook's record too, and one of a script's own format", function()
    local other = server.start {
      config = [[config.pricing.overrides = { plain = { input = 2, output = 10 } }
        table.insert(config.routes, { "POST", "/own", "routes.own" })]],
      files = {
        ["lua/routes/own.lua"] = [[
          local storage = require "storage"
          return { summary = "x", scope = "ingest", handle = function()
            return { json = storage.insert { { request_id = "own", model = "plain",
              tokens_input = 5 } } }
          end }]],
        ["lua/hooks.lua"] = "return { on_record = function(record) return record end }",
      },
    }
    assert.equal(200, other:post("/own", "", {}).status)
    assert.near(10 / 1e6, get(other, "own").cost_usd, 1e-12)
    other:ingest { { request_id = "hooked", model = "plain", tokens_input = 6 } }
    assert.near(12 / 1e6, get(other, "hooked").cost_usd, 1e-12)
    other:stop()
  end)

  it("costs nothing where pricing.native is off", function()
    local off = server.start { config = "config.pricing.native = false" }
    off:ingest { { request_id = "a", model = "claude-opus-4-5", tokens_input = 1000 } }
    assert.equal(0, off:get("/logs/query?request_id=a").json().results[1].cost_usd)
    assert.same({ cost_usd = json.null, extra = {} }, get(off, "a"))
    off:stop()
  end)
end)
