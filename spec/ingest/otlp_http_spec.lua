local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local messages = require "spec.helpers.otlp_messages"
local protobuf = require "spec.helpers.protobuf"
local server = require "spec.helpers.server"

local function wire(name)
  return helpers.read_file("spec/wire/" .. name)
end

local requests = {
  logs = "ExportLogsServiceRequest", traces = "ExportTraceServiceRequest",
  metrics = "ExportMetricsServiceRequest",
}

local function as_protobuf(signal, text)
  return protobuf.encode(messages, requests[signal], json.decode(text))
end

local JSON = { ["content-type"] = "application/json" }
local PROTOBUF = { ["content-type"] = "application/x-protobuf" }

describe("OTLP over HTTP #loops", function()
  local s

  before_each(function()
    s = server.start()
  end)
  after_each(function()
    s:stop()
  end)

  local function rows()
    return s:get("/logs/query?limit=1000").json().results
  end

  local function row(id)
    return s:get("/logs/entries/" .. id).json()
  end

  it("stores the same rows from JSON and from protobuf", function()
    for signal, file in pairs { logs = "claude-code-2.1.202-logs.json",
        traces = "genai-1.41-traces.json" } do
      local answer = s:post("/v1/" .. signal, wire(file), JSON)
      assert.equal(200, answer.status)
      assert.equal("application/json", answer.headers["content-type"])
      assert.equal("{}", answer.body)
    end
    local from_json = rows()
    assert.equal(4, #from_json)
    s:post("/logs/reset", "")
    for signal, file in pairs { logs = "claude-code-2.1.202-logs.json",
        traces = "genai-1.41-traces.json" } do
      local answer = s:post("/v1/" .. signal, as_protobuf(signal, wire(file)), PROTOBUF)
      assert.equal(200, answer.status)
      assert.equal("application/x-protobuf", answer.headers["content-type"])
      assert.equal("", answer.body)
    end
    assert.same(from_json, rows())
  end)

  it("makes one row of an export that is repeated", function()
    for _ = 1, 3 do
      s:post("/v1/logs", wire "claude-code-2.1.202-logs.json", JSON)
    end
    assert.equal(2, #rows())
  end)

  it("adds what a span knows to the row that its log made, and leaves the reported cost", function()
    s:post("/v1/logs", wire "claude-code-2.1.202-logs.json", JSON)
    s:post("/v1/traces", wire "claude-code-2.1.202-traces.json", JSON)
    local entry = row "req_011CabcDEF"
    assert.equal(612, entry.time_to_first_token_ms)
    assert.equal(0.0363561, entry.cost_usd)
    assert.equal("reported", entry.extra.cost_source)
    assert.equal(2, #rows())
  end)

  it("takes gzip", function()
    local zipped = helpers.gzip(wire "claude-code-2.1.70-logs.json")
    local answer = s:post("/v1/logs", zipped,
      { ["content-type"] = "application/json", ["content-encoding"] = "gzip" })
    assert.equal(200, answer.status)
    assert.equal(3, #rows())
  end)

  for _, case in ipairs {
    { "an empty object", "{}", JSON, "{}" }, { "no body", "", JSON, "{}" },
    { "no protobuf", "", PROTOBUF, "" },
    { "an empty list", '{"resourceLogs":[]}', JSON, "{}" },
    { "a charset", "{}", { ["content-type"] = "application/json; charset=utf-8" }, "{}" },
    { "a list that is null", '{"resourceLogs":null}', JSON, "{}" },
    { "unknown members", '{"resourceLogs":[],"x":1,"resourceSpans":{}}', JSON, "{}" },
  } do
    local what, body, headers, expected = table.unpack(case)
    it("succeeds with " .. what, function()
      local answer = s:post("/v1/logs", body, headers)
      assert.equal(200, answer.status)
      assert.equal(expected, answer.body)
    end)
  end

  it("answers OpenRouter's test of the connection, by PUT too", function()
    local headers = { ["content-type"] = "application/json", ["x-test-connection"] = "true" }
    for _, method in ipairs { "POST", "PUT" } do
      local body = '{"resourceSpans":[]}'
      local answer = s:request { method = method, path = "/v1/traces", headers = headers,
        body = body }
      assert.equal(200, answer.status)
    end
    local body = wire "openrouter-broadcast-2026-traces.json"
    s:request { method = "PUT", path = "/v1/traces", headers = JSON, body = body }
    assert.equal(0.00477, rows()[1].cost_usd)
  end)

  it("refuses what is no message with 400 and a Status in the request's encoding", function()
    local answer = s:post("/v1/logs", '{"resourceLogs":', JSON)
    assert.equal(400, answer.status)
    assert.equal(3, answer.json().code)
    assert.is_string(answer.json().message)
    answer = s:post("/v1/logs", "\x0a\x7f", PROTOBUF)
    assert.equal(400, answer.status)
    assert.equal("application/x-protobuf", answer.headers["content-type"])
    assert.equal("\x08\x03\x12", answer.body:sub(1, 3))
  end)

  it("says what was expected of a body that cannot be read, and where", function()
    for signal, request in pairs(requests) do
      local answer = s:post("/v1/" .. signal, " {x}", JSON)
      assert.equal("expected a member's name at byte 3, got x}", answer.json().message)
      answer = s:post("/v1/" .. signal, '{"resourceLogs":', JSON)
      assert.equal("expected a value, got the end after 16 bytes", answer.json().message)
      answer = s:post("/v1/" .. signal, "[]", JSON)
      assert.equal("expected an object at byte 1, got []", answer.json().message)
      answer = s:post("/v1/" .. signal, "\x0a\x00\x0a\x7f", PROTOBUF)
      assert.equal(400, answer.status)
      assert.equal(("expected a field of %s at byte 3"):format(request), answer.body:sub(5))
    end
  end)

  local names = {
    logs = { R = "resourceLogs", S = "scopeLogs", I = "logRecords" },
    traces = { R = "resourceSpans", S = "scopeSpans", I = "spans" },
    metrics = { R = "resourceMetrics", S = "scopeMetrics", I = "metrics" },
  }
  local rejected = {
    logs = "rejectedLogRecords", traces = "rejectedSpans", metrics = "rejectedDataPoints",
  }

  -- R, S and I stand for the names of the lists.
  local function post(signal, body)
    return s:post("/v1/" .. signal, (body:gsub("[RSI]", names[signal])), JSON)
  end

  it("refuses what is no list of resources", function()
    for signal, lists in pairs(names) do
      for _, value in ipairs { "5", '"x"', "{}", "true" } do
        local answer = post(signal, '{"R":' .. value .. "}")
        assert.equal(400, answer.status)
        assert.same({ code = 3, message = lists.R .. " is no array" }, answer.json())
      end
    end
  end)

  it("rejects what is of another type than it should be, and takes null for nothing", function()
    for signal in pairs(names) do
      for body, expected in pairs {
        ['{"R":[5,null]}'] = { "2", "an element of R is no object" },
        ['{"R":[{"S":7}]}'] = { "1", "S is no array" },
        ['{"R":[{"S":[[]]}]}'] = { "1", "an element of S is no object" },
        ['{"R":[{"S":[{"I":{}}]}]}'] = { "1", "I is no array" },
        ['{"R":[{"S":[{"I":[null]}]}]}'] = { "1", "an item is no object" },
      } do
        local answer = post(signal, body)
        local message = expected[2]:gsub("[RSI]", names[signal])
        assert.equal(200, answer.status)
        assert.same({ [rejected[signal]] = expected[1], errorMessage = message },
          answer.json().partialSuccess)
      end
      assert.equal("{}", post(signal, '{"R":[{"S":null},{"S":[{"I":null}]}]}').body)
    end
  end)

  it("tells of a resource that it cannot read, and takes what is of it", function()
    local item = '{"S":[{"scope":3,"I":[{"name":"m","gauge":{"dataPoints":[{"asDouble":1}]}}]}],'
    for signal in pairs(names) do
      for resource, expected in pairs {
        ["7"] = "resource is no object", ['{"attributes":7}'] = "resource: attributes is no array",
      } do
        local answer = post(signal, '{"R":[' .. item .. '"resource":' .. resource .. "}]}").json()
        assert.equal("0", answer.partialSuccess[rejected[signal]])
        assert.truthy(answer.partialSuccess.errorMessage:find(expected, 1, true))
        assert.truthy(answer.partialSuccess.errorMessage:find("scope is no object", 1, true))
      end
    end
  end)

  it("rejects a record, a span or a metric with a part of another type", function()
    for _, case in ipairs {
      { "logs", '{"attributes":{}}', "attributes is no array" },
      { "traces", '{"status":"no"}', "status is no object" },
      { "metrics", '{"name":"m","sum":5}', "metric m: sum is no object" },
      { "metrics", '{"name":"m","summary":[1]}', "metric m: summary is no object" },
      { "metrics", '{"name":"m","gauge":{"dataPoints":5}}', "metric m: dataPoints is no array" },
      { "metrics", '{"name":"m","gauge":{"dataPoints":[{"asDouble":1,"attributes":5}]}}',
        "metric m: attributes is no array" },
    } do
      local signal, item, expected = table.unpack(case)
      local answer = post(signal, '{"R":[{"S":[{"I":[' .. item .. "]}]}]}").json()
      assert.same({ [rejected[signal]] = "1", errorMessage = expected }, answer.partialSuccess)
    end
  end)

  it("refuses other content types with 415", function()
    assert.equal(415, s:post("/v1/logs", "{}", { ["content-type"] = "text/plain" }).status)
    assert.equal(415, s:post("/v1/logs", "{}", {}).status)
  end)

  it("rejects one bad record and stores the others", function()
    local message = json.decode(wire "claude-code-2.1.202-logs.json")
    local list = message.resourceLogs[1].scopeLogs[1].logRecords
    table.insert(list, 2, 5)
    local answer = s:post("/v1/logs", json.encode(message), JSON)
    assert.equal(200, answer.status)
    assert.equal("1", answer.json().partialSuccess.rejectedLogRecords)
    assert.equal(2, #rows())
  end)

  it("rejects a broken protobuf record and stores the others", function()
    local good = protobuf.encode(messages, "LogRecord",
      json.decode(wire "claude-code-2.1.202-logs.json").resourceLogs[1].scopeLogs[1].logRecords[2])
    local function nested(bytes)
      return string.pack("B", 0x12) .. protobuf.varint(#bytes) .. bytes
    end
    local resource = nested(nested("\x32\x7f") .. nested(good))
    local body = "\x0a" .. protobuf.varint(#resource) .. resource
    local answer = s:post("/v1/logs", body, PROTOBUF)
    assert.equal(200, answer.status)
    assert.equal("\x0a", answer.body:sub(1, 1))
    assert.equal("\x08\x01\x12", answer.body:sub(3, 5))
    assert.equal(1, #rows())
  end)

  it("takes a body larger than the memory of its scripts", function()
    local small = server.start {
      config = "config.script.memory_bytes = 8 * 1024 * 1024 config.script.total_cpu_ms = 120000",
    }
    local message = json.decode(wire "claude-code-2.1.202-logs.json")
    local scope = message.resourceLogs[1].scopeLogs[1]
    local record, records = json.encode(scope.logRecords[2]), {}
    for i = 1, 5000 do
      records[i] = record:gsub("req_011CabcDEF", "req_" .. i)
    end
    scope.logRecords = json.array { "here" }
    local body = json.encode(message)
      :gsub('"here"', function() return table.concat(records, ",") end)
    assert.is_true(#body > 7000000)
    assert.equal("{}", small:post("/v1/logs", body, JSON).body)
    assert.equal(5000, small:get("/logs/analytics?start_time=0").json().summary.total_requests)
    small:stop()
  end)

  it("counts what is no request by sender and name", function()
    s:post("/v1/logs", wire "claude-code-2.1.202-logs.json", JSON)
    local page = s:get("/metrics").body
    assert.truthy(
      page:find('moonledger_sender_events_total{sender="claude_code",event="user_prompt"} 1', 1,
        true))
  end)

  it("shows metrics under their own names, a repeated delta once, and adds no cost to the records",
      function()
    for _ = 1, 2 do
      assert.equal("{}", s:post("/v1/metrics", wire "claude-code-2.1.202-metrics.json", JSON).body)
    end
    local page = s:get("/metrics").body
    assert.truthy(page:find("claude_code_cost_usage_USD_total{[^}]*} 0.0363561"))
    assert.falsy(page:find "ccproxy_cost_usd_total{")
    assert.equal(0, #rows())
  end)

  it("adds a cumulative sum once, and again when its sender starts anew", function()
    local message = json.decode(wire "otel-js-0.203-metrics.json")
    local sum = message.resourceMetrics[1].scopeMetrics[1].metrics[1].sum
    local function send(value, start)
      sum.dataPoints[1].asInt, sum.dataPoints[1].startTimeUnixNano = value, start
      s:post("/v1/metrics", json.encode(message), JSON)
      return tonumber(s:get("/metrics").body:match "bot_requests_total{[^}]*} (%S+)")
    end
    assert.equal(5, send("5", "1795425960000000000"))
    assert.equal(5, send("5", "1795425960000000000"))
    assert.equal(8, send("8", "1795425960000000000"))
    assert.equal(10, send("2", "1795425970000000000"))
  end)

  it("rejects data points of kinds it does not read", function()
    local answer = s:post("/v1/metrics", wire "otel-js-0.203-metrics.json", JSON)
    assert.equal("1", answer.json().partialSuccess.rejectedDataPoints)
  end)

  it("keeps analytics apart for requests whose price is unknown", function()
    local message = wire("genai-1.36-traces.json"):gsub("gpt%-4o%-2024%-08%-06", "llama-at-home")
    s:post("/v1/traces", message, JSON)
    local summary = s:get("/logs/analytics?start_time=0").json().summary
    assert.equal(1, summary.unpriced_requests)
    assert.equal("unknown", row("chatcmpl-A").extra.cost_source)
  end)
end)

describe("OTLP without storage", function()
  it("is refused with 503, Retry-After and a Status", function()
    local s = server.start { config = [[
      config.storage.backend = "none"
      config.features.logs_endpoints_enabled = false
      config.features.logs_collection_enabled = false
      config.features.dashboard_enabled = false
    ]] }
    local answer = s:post("/v1/logs", wire "claude-code-2.1.202-logs.json", JSON)
    assert.equal(503, answer.status)
    assert.equal(14, answer.json().code)
    assert.truthy(tonumber(answer.headers["retry-after"]))
    s:stop()
  end)
end)

describe("OTLP without collection", function()
  it("is refused with 503, but for metrics, which are not collected", function()
    local s = server.start { config = "config.features.logs_collection_enabled = false" }
    assert.equal(503, s:post("/v1/traces", wire "genai-1.41-traces.json", JSON).status)
    assert.equal(200, s:post("/v1/metrics", wire "claude-code-2.1.202-metrics.json", JSON).status)
    s:stop()
  end)
end)

describe("a body beyond the limit", function()
  it("is refused with 413, also when it only gets there by inflation", function()
    local s = server.start { config = "config.limits.body_bytes = 100000" }
    local big = '{"resourceLogs":[' .. (" "):rep(200000) .. "]}"
    assert.equal(413, s:post("/v1/logs", big, JSON).status)
    local headers = { ["content-type"] = "application/json", ["content-encoding"] = "gzip" }
    assert.equal(413, s:post("/v1/logs", helpers.gzip(big), headers).status)
    s:stop()
  end)
end)

describe("a price file #loops", function()
  it("in LiteLLM's format counts before the built-in table, and overrides before it", function()
    local s = server.start {
      files = { ["prices.json"] = [[{
        "sample_spec": {"input_cost_per_token": "text"},
        "gpt-4o-2024-08-06": {"input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06,
                              "cache_read_input_token_cost": 5e-07},
        "claude-3-5-haiku-20241022": {"input_cost_per_token": 9, "output_cost_per_token": 9}
      }]] },
      config = [[config.pricing = {
        file = "prices.json", overrides = { ["claude-3-5-haiku"] = { input = 1, output = 2 } },
      }]],
    }
    s:post("/v1/traces", wire "genai-1.36-traces.json", JSON)
    -- 400*1 + 600*0.5 + 100*2 = 900
    assert.equal(0.0009, s:get("/logs/entries/chatcmpl-A").json().cost_usd)
    -- the exact name of the file wins over the override of the shorter one: 12*9e6
    -- + 10*9e6 + 5000*0.9e6 per million
    assert.equal(4698, s:get("/logs/entries/msg_raw").json().cost_usd)
    s:stop()
  end)
end)

describe("native records", function()
  it("are priced where lua/hooks.lua says so, and keep the cost that they bring", function()
    local hook =
      'local price_table = require "lib.price_table"\nreturn { on_record = price_table.settle }\n'
    local s = server.start { files = { ["lua/hooks.lua"] = hook } }
    s:ingest {
      { request_id = "bare", model = "gpt-4o", tokens_input = 1000 },
      { request_id = "told", model = "gpt-4o", tokens_input = 1000, cost_usd = 9 },
      { request_id = "none", model = "gpt-4o" },
    }
    local function cost(id)
      local row = s:get("/logs/entries/" .. id).json()
      return { row.cost_usd, row.extra and row.extra.cost_source }
    end
    assert.same({ 0.0025, "computed" }, cost "bare")
    assert.same({ 9, "reported" }, cost "told")
    assert.same({ 0 }, cost "none")
    s:stop()
  end)

  it("keep the cost as it was sent where pricing.native is off", function()
    local s = server.start { config = "config.pricing.native = false" }
    s:ingest { { request_id = "bare", model = "gpt-4o", tokens_input = 1000 } }
    assert.equal(0, s:get("/logs/entries/bare").json().cost_usd)
    s:stop()
  end)
end)
