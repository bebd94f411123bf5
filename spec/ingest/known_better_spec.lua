--- One call that Claude Code's telemetry and its transcript tell of, each knowing something of its
--- cost that the other one does not: in either order, whenever, the figures are the same.
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local server = require "spec.helpers.server"

local JSON = { ["content-type"] = "application/json" }

local function attribute(key, value)
  return { key = key, value = { stringValue = tostring(value) } }
end

-- The log of a request that ended half a second after its last line in the transcript.
local function telemetry(usage, cost)
  local attributes = {
    attribute("request_id", "req_1"), attribute("session.id", "s"), attribute("speed", "normal"),
    attribute("model", usage.model), attribute("duration_ms", 9000),
    attribute("input_tokens", usage.input_tokens), attribute("output_tokens", usage.output_tokens),
    attribute("cache_read_tokens", usage.cache_read_input_tokens),
    attribute("cache_creation_tokens", usage.cache_creation_input_tokens),
  }
  if cost then
    table.insert(attributes, attribute("cost_usd", cost))
  end
  return json.encode { resourceLogs = { {
    resource = { attributes = { attribute("service.name", "claude-code") } },
    scopeLogs = { { logRecords = { {
      timeUnixNano = "1795600000500000000", eventName = "claude_code.api_request",
      attributes = attributes,
    } } } },
  } } }
end

local function transcript(usage)
  return json.encode {
    sessionId = "s", timestamp = "2026-11-25T09:46:40Z", requestId = "req_1", cwd = "/repo",
    message = { id = "msg_1", model = usage.model, usage = usage },
  } .. "\n"
end

describe("a call that telemetry and a transcript tell of", function()
  local s, folder
  setup(function()
    folder = helpers.folder()
    s = server.start { database = folder.path .. "/m.db", config = "config.watch = false" }
  end)
  teardown(function()
    s:stop()
    helpers.remove_folder(folder.path)
  end)

  local function import(usage)
    helpers.write_file(folder.path .. "/t.jsonl", transcript(usage))
    local result = server.run { "import", "--url", s.url, "--format", "claude",
      folder.path .. "/t.jsonl" }
    assert.equal(0, result.code, result.stderr)
  end

  local function restart()
    s:stop()
    s = server.start { database = folder.path .. "/m.db", config = "config.watch = false" }
  end

  -- Requests, cost, tokens of the prompt, of it read, of it written, output: by model.
  local function figures()
    local found = {}
    for model, of in pairs(s:get("/logs/analytics?start_time=1").json().model_breakdown) do
      found[model] = { of.request_count, of.total_cost_usd, of.total_tokens_input,
        of.total_cache_read_tokens, of.total_cache_write_tokens, of.total_tokens_output }
    end
    return found
  end

  local function in_each_order(usage, cost, check)
    local tell = {
      log = function() s:post("/v1/logs", telemetry(usage, cost), JSON) end,
      lines = function() import(usage) end,
      restart = restart,
    }
    for _, order in ipairs {
      { "log", "lines" }, { "lines", "log" }, { "log", "restart", "lines", "log", "lines" },
      { "lines", "restart", "log", "restart", "lines", "lines", "log" },
    } do
      assert.equal(200, s:post("/logs/reset").status)
      for _, step in ipairs(order) do
        tell[step]()
      end
      check(table.concat(order, ", "))
    end
  end

  local advised = {
    model = "claude-sonnet-4-6", input_tokens = 2, output_tokens = 500,
    cache_read_input_tokens = 220000, cache_creation_input_tokens = 8000,
    iterations = {
      { type = "message", input_tokens = 2, output_tokens = 500,
        cache_read_input_tokens = 220000, cache_creation_input_tokens = 8000 },
      { type = "advisor_message", model = "claude-opus-4-7", input_tokens = 160000,
        output_tokens = 8000, cache_read_input_tokens = 0, cache_creation_input_tokens = 0 },
    },
  }

  -- 2*3 + 500*15 + 220000*0.3 + 8000*3.75 = 103506; 160000*5 + 8000*25 = 1000000; the log tells
  -- both in one
  local told_apart = {
    ["claude-sonnet-4-6"] = { 1, 0.103506, 2, 220000, 8000, 500 },
    ["claude-opus-4-7"] = { 1, 1.0, 160000, 0, 0, 8000 },
  }

  it("has its advisor counted once, at the advisor's model", function()
    in_each_order(advised, 1.103506, function(order)
      assert.same(told_apart, figures(), order)
    end)
  end)

  it("costs what was reported when prices change", function()
    local config = helpers.read_file(s.root .. "/config.lua")
    helpers.write_file(s.root .. "/config.lua", (config:gsub("return config%s*$",
      'config.pricing.overrides = { ["claude-opus-4-7"] = { input = 2, output = 10 } }\n'
        .. 'return config\n')))
    s:signal "HUP"
    helpers.eventually(function() return s:log():find "generation=2" end)
    local result = server.run { "reprice", "--url", s.url }
    assert.truthy(result.stdout:find("2 with a new cost", 1, true), result.stdout)
    -- 160000*2 + 8000*10 = 400000; the rest of what was reported
    local now = figures()
    assert.same({ 0.703506, 0.4 }, { now["claude-sonnet-4-6"][2], now["claude-opus-4-7"][2] })
    assert.truthy(
      server.run({ "reprice", "--url", s.url }).stdout:find("0 with a new cost", 1, true))
    helpers.write_file(s.root .. "/config.lua", config)
    restart()
  end)

  it("has a reported cost that is less than the advisor's beside it", function()
    in_each_order(advised, 0.1, function(order)
      local now = figures()
      assert.same({ 0.1, 1.0 }, { now["claude-sonnet-4-6"][2], now["claude-opus-4-7"][2] }, order)
    end)
  end)

  local searched = {
    model = "claude-sonnet-4-5", input_tokens = 10, output_tokens = 100,
    cache_read_input_tokens = 0, cache_creation_input_tokens = 10000,
    cache_creation = { ephemeral_5m_input_tokens = 0, ephemeral_1h_input_tokens = 10000 },
    service_tier = "standard", inference_geo = "not_available",
    server_tool_use = { web_search_requests = 1 },
  }

  it("costs what the one computes that knows more", function()
    -- 10*3 + 100*15 + 10000*6 = 61530, and a search at 0.01
    local right = { ["claude-sonnet-4-5"] = { 1, 0.07153, 10, 0, 10000, 100 } }
    in_each_order(searched, nil, function(order)
      assert.same(right, figures(), order)
    end)
    -- who knows nothing of the cache, and ended last
    s:ingest { { request_id = "req_1", model = "claude-sonnet-4-5", tokens_input = 10010,
      tokens_output = 100, timestamp = 1795600009 } }
    assert.same(right, figures())
  end)

  it("costs what reprice makes of it, until somebody knows more", function()
    local blind = { model = "claude-sonnet-4-5", input_tokens = 10, output_tokens = 100,
      cache_read_input_tokens = 0, cache_creation_input_tokens = 10000 }
    s:post("/logs/reset")
    s:post("/v1/logs", telemetry(blind), JSON)
    s:ingest { { request_id = "req_1", cost_usd = 9, cost_source = "computed",
      cache_write_tokens = 10000, tokens_input = 10, tokens_output = 100, speed = "normal",
      timestamp = 1795600009 } }
    assert.equal(9, figures()["claude-sonnet-4-5"][2])
    server.run { "reprice", "--url", s.url }
    -- 10*3 + 100*15 + 10000*3.75 = 39030
    assert.equal(0.03903, figures()["claude-sonnet-4-5"][2])
    import(searched)
    assert.equal(0.07153, figures()["claude-sonnet-4-5"][2])
  end)
end)
