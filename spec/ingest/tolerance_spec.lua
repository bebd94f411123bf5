--- Nothing that a sender told is lost: one tolerance for every way in, and an
--- answer that says what became of it.
local json = require "spec.helpers.json"
local server = require "spec.helpers.server"

local JSON = { ["content-type"] = "application/json" }

describe("whatever way it comes in", function()
  local s
  lazy_setup(function() s = server.start() end)
  lazy_teardown(function() s:stop() end)
  before_each(function() s:post "/logs/reset" end)

  local function post(path, body)
    local response = s:post(path, body, JSON)
    return response.status, response.json()
  end

  local function rows()
    return s:get("/logs/query?limit=100").json().results
  end

  local function entry(id)
    return s:get("/logs/entries/" .. id).json()
  end

  local function litellm(id, text)
    return ('{"id":"%s","call_type":"acompletion","status":"success","model":"gpt-5-mini",'
      .. '"startTime":1795600000,"endTime":1795600001,"prompt_tokens":5,"completion_tokens":5,'
      .. '"response_cost":0.1,"end_user":"%s"}'):format(id, text)
  end

  local function logs(id, text)
    return ([[{"resourceLogs":[{"resource":{"attributes":[
      {"key":"service.name","value":{"stringValue":"claude-code"}},
      {"key":"team","value":{"stringValue":"%s"}}]},
      "scopeLogs":[{"logRecords":[{"timeUnixNano":"1795600001000000000","attributes":[
      {"key":"event.name","value":{"stringValue":"api_request"}},
      {"key":"request_id","value":{"stringValue":"%s"}},
      {"key":"model","value":{"stringValue":"claude-sonnet-4-5"}},
      {"key":"input_tokens","value":{"intValue":"10"}},
      {"key":"cost_usd","value":{"doubleValue":0.01}},
      {"key":"skill.name","value":{"stringValue":"%s"}}]}]}]}]}]]):format(text, id, text)
  end

  for what, text in pairs {
    ["half a surrogate pair"] = "tidy \\ud83d", ["half of the other kind"] = "tidy \\uDE00",
    ["a byte that is not UTF-8"] = "tidy \xff",
  } do
    it(what .. " reads U+FFFD", function()
      assert.equal(200, (post("/ingest/litellm", "[" .. litellm("call-json-1", text) .. "]")))
      assert.equal("tidy \u{FFFD}", entry("call-json-1").extra.end_user)
      assert.same({ 200, {} }, { post("/v1/logs", logs("req_json_2", text)) })
      local row = entry "req_json_2"
      assert.same({ "tidy \u{FFFD}", "tidy \u{FFFD}" },
        { row.extra.attributes["skill.name"], row.extra.resource.team })
      assert.equal(2, #rows())
    end)
  end

  it("a whole pair stays what it is", function()
    post("/ingest/litellm", litellm("call-json-3", "\\ud83d\\ude00"))
    assert.equal("\u{1F600}", entry("call-json-3").extra.end_user)
  end)

  it("an integer stays exact", function()
    local body = logs("req_json_4", "x")
      :gsub('("skill.name","value":{)"stringValue":"x"', '%1"intValue":9007199254740993')
    assert.same({ 200, {} }, { post("/v1/logs", body) })
    assert.truthy(
      s:get("/logs/entries/req_json_4").body:find('"skill.name":9007199254740993', 1, true))
  end)

  it("a record that cannot be read is rejected with a reason, and no other", function()
    local body = "[" .. litellm("call-json-5", "a") .. ',7,{"x":1},'
      .. litellm("call-json-6", "b") .. "]"
    local status, answer = post("/ingest/litellm", body)
    assert.same({ 200, 2, 2 }, { status, answer.accepted, answer.rejected })
    assert.truthy(answer.errors[1].message:find "element 2"
      and answer.errors[2].message:find "element 3")
  end)

  it("OTLP may have protobuf's own field names, enums by name, ids in base64", function()
    local body = [[{"resource_spans":[{"resource":{"attributes":[{"key":"service.name",
      "value":{"string_value":"shop"}}]},"scope_spans":[{"scope":{"name":"x"},"spans":[{
      "trace_id":"W47/95gQOALSabYzgT/GDA==","span_id":"7uGbfsPBsXQ=","kind":"SPAN_KIND_CLIENT",
      "start_time_unix_nano":"1795600000000000000","end_time_unix_nano":1795600001500000000,
      "status":{"code":"STATUS_CODE_ERROR","message":"gone"},
      "attributes":[{"key":"gen_ai.operation.name","value":{"string_value":"chat"}},
      {"key":"gen_ai.request.model","value":{"string_value":"gpt-5"}},
      {"key":"gen_ai.usage.input_tokens","value":{"int_value":"7"}},
      {"key":"app.is_new","value":{"bool_value":true}}]}]}]}]}]]
    assert.same({ 200, {} }, { post("/v1/traces", body) })
    local row = entry "5b8efff798103802d269b633813fc60c:eee19b7ec3c1b174"
    assert.same({ "shop", "gpt-5", 7, 500, 1500.0, "gone", true }, {
      row.service_type, row.model, row.tokens_input, row.status_code, row.duration_ms,
      row.extra.error_message, row.extra.attributes["app.is_new"],
    })
  end)

  local function other_log(attributes)
    local list = {}
    for key, value in pairs(attributes) do
      list[#list + 1] = { key = key, value = { stringValue = tostring(value) } }
    end
    return json.encode { resourceLogs = { {
      resource =
        { attributes = { { key = "service.name", value = { stringValue = "my-agent" } } } },
      scopeLogs = { { logRecords = { {
        timeUnixNano = "1795600001000000000", body = { stringValue = "llm.finished" },
        attributes = list,
      } } } },
    } } }
  end

  it(
      "a log of somebody unknown that has a model and tokens is a row, marked, however often it "
        .. "comes", function()
    local body = other_log { ["event.name"] = "llm.finished", model = "gpt-5", input_tokens = 1000,
      output_tokens = 100,
      duration_ms = 250 }
    for _ = 1, 2 do
      assert.same({ 200, {} }, { post("/v1/logs", body) })
    end
    local found = rows()
    assert.equal(1, #found)
    -- 1000*1.25 + 100*10 = 2250
    assert.same({ "my-agent", "gpt-5", 1000, 100, 0.00225, 250.0 }, {
      found[1].service_type, found[1].model, found[1].tokens_input, found[1].tokens_output,
      found[1].cost_usd, found[1].duration_ms,
    })
    assert.equal("llm.finished", entry(found[1].request_id).extra.unknown_operation)
    post("/v1/logs", other_log { ["event.name"] = "llm.finished", input_tokens = 10,
      ["gen_ai.operation.name"] = "chat", model = "gpt-5" })
    for _, row in ipairs(rows()) do
      assert.equal(row.tokens_input == 1000 and "llm.finished" or nil,
        entry(row.request_id).extra.unknown_operation)
    end
  end)

  for what, case in pairs {
    ["logs of somebody unknown"] = { "/v1/logs", other_log { ["event.name"] = "cart.opened" },
      "none is of a model" },
    ["spans of a web server"] =
        { "/v1/traces", json.encode { resourceSpans = { { scopeSpans = { { spans = {
      { traceId = ("a"):rep(32), spanId = ("b"):rep(16), name = "GET /" },
    } } } } } }, "none is of a model" },
    ["another signal"] = { "/v1/logs", '{"resourceSpans":[]}', "nothing in resourceLogs" },
    ["something else altogether"] =
      { "/v1/traces", '{"events":[1,2]}', "nothing in resourceSpans" },
  } do
    it("no plain success is for " .. what, function()
      local status, answer = post(case[1], case[2])
      assert.equal(200, status)
      assert.truthy(answer.partialSuccess.errorMessage:find(case[3], 1, true),
        answer.partialSuccess.errorMessage)
      assert.equal(0, #rows())
    end)
  end

  it("nor for lines of another kind", function()
    local status, answer = post("/ingest/ccproxy", '{"event":"server_started","level":"info"}')
    assert.same({ 200, 0, 0 }, { status, answer.accepted, answer.rejected })
    assert.truthy(answer.errors[1].message:find("no request", 1, true))
  end)

  -- A call inside a framework's span, by way of two exports: 1000*1.25 + 100*10 = 2250.
  it("a call that two instrumentations report in two exports is one row, whichever comes first",
      function()
    local function export(trace, id, parent, answer)
      local function attribute(key, value)
        return { key = key, value = { stringValue = value } }
      end
      return json.encode { resourceSpans = { { scopeSpans = { { spans = { {
        traceId = trace:rep(32), spanId = id, parentSpanId = parent,
        startTimeUnixNano = "1795600000000000000",
        endTimeUnixNano = "1795600001000000000", attributes = {
          attribute("gen_ai.operation.name", "chat"), attribute("gen_ai.request.model", "gpt-5"),
          attribute("gen_ai.usage.input_tokens", "1000"),
          attribute("gen_ai.usage.output_tokens", "100"),
          answer and attribute("gen_ai.response.id", answer),
        },
      } } } } } } }
    end
    local inner, outer = "00000000000000a2", "00000000000000a1"
    -- and by way of a gateway, which knows the inner one's answer
    post("/v1/traces", export("3", outer))
    post("/v1/traces", export("3", inner, outer, "chatcmpl-G"))
    post("/logs/ingest", '{"request_id":"chatcmpl-G","duration_ms":5}')
    for trace, order in pairs { ["1"] = { true, false, true, false },
        ["2"] = { false, true, false, true } } do
      for _, first in ipairs(order) do
        post("/v1/traces", first and export(trace, inner, outer) or export(trace, outer))
      end
    end
    local found = rows()
    assert.equal(3, #found)
    for _, row in ipairs(found) do
      assert.equal(0.00225, row.cost_usd)
    end
  end)

  it("a series of two processes, of late and of repeated points is their sum", function()
    local function send(start, time, value)
      post("/v1/metrics", json.encode { resourceMetrics = { { scopeMetrics = { { metrics = { {
        name = "shop.calls", unit = "1", sum = {
          isMonotonic = true, aggregationTemporality = "AGGREGATION_TEMPORALITY_CUMULATIVE",
          dataPoints = { {
            startTimeUnixNano = ("17956000%02d000000000"):format(start),
            timeUnixNano = ("17956001%02d000000000"):format(time), asInt = tostring(value),
          } },
        },
      } } } } } } })
      return tonumber(s:get("/metrics").body:match "shop_calls_total{[^}]*} (%S+)")
    end
    assert.equal(100, send(0, 10, 100))
    assert.equal(150, send(1, 10, 50))  -- another process
    assert.equal(160, send(0, 20, 110))
    assert.equal(170, send(1, 20, 60))
    assert.equal(170, send(1, 20, 60))  -- again
    assert.equal(170, send(1, 10, 50))  -- late
    assert.equal(170, send(0, 15, 105)) -- late, between two that came
    assert.equal(175, send(2, 30, 5))   -- began again, and says so
    assert.equal(183, send(1, 30, 8))   -- .. and does not
    assert.equal(190, send(0, 40, 117))
  end)

  it("what was added counts once, however often it comes and in what order", function()
    local function send(...)
      local points = {}
      for i, value in ipairs { ... } do
        points[i] = {
          startTimeUnixNano = ("17956000%02d000000000"):format(value),
          timeUnixNano = ("17956001%02d000000000"):format(value), asInt = tostring(value),
        }
      end
      post("/v1/metrics", json.encode { resourceMetrics = { { scopeMetrics = { { metrics = { {
        name = "shop.added", unit = "1",
        sum = { isMonotonic = true, aggregationTemporality = 1, dataPoints = points },
      } } } } } } })
      return tonumber(s:get("/metrics").body:match "shop_added_total{[^}]*} (%S+)")
    end
    assert.equal(30, send(10, 20))
    assert.equal(30, send(10, 20)) -- the whole export again
    assert.equal(70, send(40))
    assert.equal(85, send(15))     -- late
    assert.equal(85, send(40, 15))
  end)
end)
