local json = require "spec.helpers.json"
local decoders = require "spec.helpers.decode"
local helpers = require "spec.helpers"

local decoder = decoders.new()
teardown(function() decoder:stop() end)

local function decode(name)
  return decoder:json("logs", helpers.read_file("spec/wire/" .. name))
end

local function names(events)
  local list = {}
  for i, event in ipairs(events) do
    list[i] = event.sender .. " " .. event.name
  end
  return list
end

local session = "6e2a8c02-aec9-4272-bcde-9843b25ad407"

describe("Claude Code's log", function()
  local batch = decode "claude-code-2.1.202-logs.json"

  it("has a row for each request that was answered or failed for good", function()
    assert.equal(2, #batch.records)
    assert.equal(0, batch.rejected)
  end)

  it("becomes a whole row", function()
    assert.same({
      request_id = "req_011CabcDEF",
      timestamp = 1795426004200000000,
      method = "POST", endpoint = "messages", path = "/v1/messages",
      service_type = "claude_code",
      model = "claude-sonnet-4-5-20250929",
      status_code = 200,
      duration_ms = 3980,
      tokens_input = 12, tokens_output = 842, cache_read_tokens = 51342, cache_write_tokens = 2210,
      cost_usd = 0.0363561, cost_source = "reported",
      session_client_id = session,
      user_agent = "claude-code/2.1.202",
      speed = "normal", effort = "high",
      user = "dev@example.com", user_id = "b7f1", team = "platform", agent = "repl_main_thread",
      prompt_id = "0b6f4a1e-5a39-4b65-9f0e-0f2b7a3f5c11",
      attributes = {
        ["organization.id"] = "8c5b6c1e-0000-4000-8000-1f2e3d4c5b6a",
        ["user.account_uuid"] = "0d4e2f6a-1111-4222-8333-444455556666",
        ["terminal.type"] = "vscode",
      },
      resource = { ["service.version"] = "2.1.202", ["team.id"] = "platform" },
    }, batch.records[1])
  end)

  it("keeps a failure's status, message and attempts, and no cost", function()
    local failure = batch.records[2]
    assert.equal(529, failure.status_code)
    assert.equal("Overloaded", failure.error_message)
    assert.equal(11, failure.attempt)
    assert.equal(41200, failure.duration_ms)
    assert.is_nil(failure.cost_usd)
    assert.is_nil(failure.cost_source)
  end)

  it("makes an id that is the same when the export is repeated", function()
    local id = session .. ":5:1795426009000000000:claude-sonnet-4-5-20250929"
    assert.equal(id, batch.records[2].request_id)
  end)

  it("tells all else as events, without what was typed", function()
    assert.same({
      "claude_code user_prompt", "claude_code tool_result", "claude_code tool_decision",
      "claude_code api_retries_exhausted",
    }, names(batch.events))
    assert.equal(42, batch.events[1].attributes.prompt_length)
    assert.is_nil(batch.events[1].attributes.prompt)
    assert.is_nil(batch.events[2].attributes.tool_input)
    assert.equal(session, batch.events[1].session)
  end)
end)

describe("Claude Code since 2.1.332", function()
  local function attributes(list)
    local found = {}
    for key, value in pairs(list) do
      found[#found + 1] = { key = key, value = { stringValue = value } }
    end
    return found
  end

  local log = decoder:json("logs", { resourceLogs = { { scopeLogs = { {
    scope = { name = "com.anthropic.claude_code.events" }, logRecords = { {
      timeUnixNano = "1795600001000000000", attributes = attributes {
        ["event.name"] = "api_request", request_id = "req_1", model = "claude-opus-4-6",
        input_tokens = "128", output_tokens = "94", cache_creation_tokens = "372",
        cache_creation_5m_tokens = "312", cache_creation_1h_tokens = "60", duration_ms = "373",
        ["anthropic.provider"] = "firstParty",
      } } } } } } } }).records[1]

  -- Of three attempts, of which the last one took 126 ms.
  local span = decoder:json("traces", { resourceSpans = { { scopeSpans = { {
    scope = { name = "com.anthropic.claude_code.tracing" }, spans = { {
      name = "claude_code.llm_request", traceId = ("ab"):rep(16), spanId = ("cd"):rep(8),
      startTimeUnixNano = "1795600000000000000", endTimeUnixNano = "1795600001503000000",
      attributes = attributes { request_id = "req_2", model = "claude-haiku-4-5",
        duration_ms = "1503", success = "false", status_code = "529", error = "Overloaded",
        error_class = "server_overload", ["anthropic.provider"] = "bedrock", attempt = "3" },
    } } } } } } }).records[1]

  it("tells the hour's part of what went to the cache, and the provider", function()
    assert.same({ "anthropic", 372, 60, 373 }, { log.provider, log.cache_write_tokens,
      log.cache_write_1h_tokens, log.duration_ms })
  end)

  it("has spans as long as all attempts, which is no call's duration", function()
    assert.same({ "bedrock", 529, "server_overload", 1503 },
      { span.provider, span.status_code, span.error_type, span.attempts_ms })
    assert.is_nil(span.duration_ms)
  end)
end)

describe("an older Claude Code", function()
  local batch = decode "claude-code-2.1.70-logs.json"

  it("sends numbers as text", function()
    local record = batch.records[1]
    assert.equal(0.144065, record.cost_usd)
    assert.equal(337, record.tokens_input)
    assert.equal("integer", math.type(record.tokens_output))
  end)

  it("may leave the cost out, which is then computed", function()
    -- fast: (1000*5 + 100*25) * 6 = 45000 dollars per million
    assert.equal(0.045, batch.records[2].cost_usd)
    assert.equal("computed", batch.records[2].cost_source)
  end)

  it("gives a connection error no status: it stands as 599", function()
    assert.equal(599, batch.records[3].status_code)
    assert.equal("connection_error", batch.records[3].error_type)
  end)
end)

describe("Claude Desktop's empty doubleValue", function()
  local batch = decode "claude-desktop-1.4-logs.json"

  it("costs that value and nothing else", function()
    assert.equal(2, #batch.records)
    assert.equal(1000, batch.records[1].tokens_input)
    -- 1000*3 + 100*15 = 4500
    assert.equal(0.0045, batch.records[1].cost_usd)
    assert.equal("computed", batch.records[1].cost_source)
    assert.equal(0.01, batch.records[2].cost_usd)
  end)

  it("comes with the time in observedTimeUnixNano", function()
    assert.equal(1795426013000000000, batch.records[1].timestamp)
  end)
end)

describe("Codex", function()
  local batch = decode "codex-0.46-logs.json"

  it("counts tokens from response.completed: input without the cache, reasoning within output",
      function()
    local record = batch.records[1]
    assert.equal(5000, record.tokens_input)
    assert.equal(15000, record.cache_read_tokens)
    assert.equal(500, record.tokens_output)
    assert.equal(320, record.reasoning_tokens)
    -- 5000*1.25 + 500*10 + 15000*0.125 = 6250 + 5000 + 1875 = 13125
    assert.equal(0.013125, record.cost_usd)
    assert.equal("codex", record.service_type)
  end)

  it("has the time from the request, which codex.api_request tells, to its completion", function()
    -- 24.5 - (20.2 - 0.812) seconds
    assert.equal(5112, batch.records[1].duration_ms)
  end)

  it("gives a repeated usage event the same id", function()
    assert.equal(batch.records[1].request_id, batch.records[2].request_id)
    assert.is_truthy(batch.records[1].request_id)
  end)

  it("has a row for a request that failed, none for one that will be completed", function()
    assert.equal(3, #batch.records)
    assert.equal(429, batch.records[3].status_code)
    assert.equal("Rate limit reached", batch.records[3].error_message)
  end)

  it("names its events", function()
    assert.same({
      "codex conversation_starts", "codex user_prompt", "codex api_request", "codex sse_event",
      "codex tool_decision",
    }, names(batch.events))
  end)
end)

describe("Codex, after an answer has begun", function()
  local at = 0

  -- An event of one conversation, a second after the last.
  local function event(name, attributes)
    at = at + 1
    local list = {
      { key = "event.name", value = { stringValue = "codex." .. name } },
      { key = "conversation.id", value = { stringValue = "conv-failing" } },
      { key = "model", value = { stringValue = "gpt-5" } },
    }
    for key, value in pairs(attributes) do
      list[#list + 1] = { key = key, value = { stringValue = value } }
    end
    return { timeUnixNano = ("1795600%03d000000000"):format(at), attributes = list }
  end

  local function record(name, attributes)
    local logs =
      { event("api_request", { ["http.response.status_code"] = "200", duration_ms = "500" }),
      event(name, attributes) }
    local message = { resourceLogs = { { scopeLogs = { { logRecords = logs } } } } }
    return decoder:json("logs", message).records[1]
  end

  for what, case in pairs {
    ["the provider that is overloaded"] = { "sse_event", { ["event.kind"] = "response.failed",
      ["error.message"] =
        '{"type":"response.failed","response":{"error":{"code":"server_is_overloaded",'
        .. '"message":"try later"}}}' }, { 503, "server_is_overloaded", "try later" } },
    ["a limit"] = { "sse_event", { ["event.kind"] = "response.failed",
      ["error.message"] =
        '{"response":{"error":{"code":"rate_limit_exceeded","message":"slow down"}}}' },
      { 429, "rate_limit_exceeded", "slow down" } },
    ["a failure without words"] = { "sse_event", { ["event.kind"] = "response.failed" }, { 500 } },
    ["a stream that breaks off"] =
      { "sse_event", { ["error.message"] = "idle timeout waiting for SSE" },
      { 599, "connection_error", "idle timeout waiting for SSE" } },
    ["an end without usage"] = { "sse_event", { ["event.kind"] = "response.completed",
      ["error.message"] = "missing field usage" }, { 500, nil, "missing field usage" } },
    ["a broken websocket"] =
      { "websocket_request", { success = "false", ["error.message"] = "connection reset" },
      { 599, "connection_error", "connection reset" } },
    ["a request without success"] =
      { "api_request", { success = "false" }, { 599, "connection_error" } },
  } do
    it("fails by " .. what, function()
      local r = record(case[1], case[2])
      assert.same(case[3], { r.status_code, r.error_type, r.error_message })
      assert.is_nil(r.cost_source)
    end)
  end

  it("does not fail by an event on the way", function()
    assert.is_nil(record("sse_event", { ["event.kind"] = "response.output_item.done" }))
    assert.is_nil(record("websocket_request", { success = "true" }))
  end)

  it("tells of the first token, the effort, and whom the conversation asks", function()
    local started = event("conversation_starts", { provider_name = "Groq" })
    started.attributes[2].value.stringValue = "conv-groq"
    local answered = event("sse_event", { ["event.kind"] = "response.completed", ttft_ms = "82",
      model_reasoning_effort = "low", input_token_count = "10", output_token_count = "2" })
    answered.attributes[2].value.stringValue = "conv-groq"
    local message =
      { resourceLogs = { { scopeLogs = { { logRecords = { started, answered } } } } } }
    local r = decoder:json("logs", message).records[1]
    assert.same({ "groq", 82, "low" }, { r.provider, r.ttft_ms, r.effort })
  end)

  it("is found by the provider's id where it was refused", function()
    local r = record("api_request", { ["http.response.status_code"] = "429",
      ["auth.request_id"] = "req_1", endpoint = "/responses" })
    assert.same({ 429, "req_1" }, { r.status_code, r.other_id })
  end)

  it("names the tier that it was billed by", function()
    -- fresh 1000*1.25 + read 1000*0.125 + out 100*10 = 2375, twice that in the priority tier
    local r =
      record("sse_event", { ["event.kind"] = "response.completed", input_token_count = "2000",
      cached_token_count = "1000", output_token_count = "100", tool_token_count = "2100",
      service_tier = "priority" })
    assert.equal(0.00475, r.cost_usd)
  end)
end)

describe("a call of Codex", function()
  local nconversations, durations = 0, {}

  -- The rows of events that come twice, each as its status, counts and error.
  local function rows(list)
    nconversations = nconversations + 1
    local logs = {}
    for i, event in ipairs(list) do
      local second, name, told = table.unpack(event, 1, 3)
      local attributes = { { key = "event.name", value = { stringValue = "codex." .. name } } }
      told = told or {}
      told["conversation.id"] = "conv-" .. nconversations
      for key, value in pairs(told) do
        attributes[#attributes + 1] = { key = key, value = { stringValue = value } }
      end
      logs[i] = { timeUnixNano = ("%d"):format((1795600000 + second) * 1e9),
        attributes = attributes }
    end
    local message = { resourceLogs = { { scopeLogs = { { logRecords = logs } } } } }
    local found, ids = {}, {}
    durations = {}
    for _ = 1, 2 do
      for _, r in ipairs(decoder:json("logs", message).records) do
        if not ids[r.request_id] then
          ids[r.request_id] = true
          durations[#durations + 1] = r.duration_ms or false
          found[#found + 1] = ("%d %s %s %s"):format(r.status_code, r.tokens_input or "-",
            r.tokens_output or "-", r.error_message or "-")
        end
      end
    end
    return found
  end

  local function request(second, more)
    local told = { ["http.response.status_code"] = "200", duration_ms = "500",
      endpoint = "/responses" }
    for key, value in pairs(more or {}) do
      told[key] = value
    end
    return { second, "api_request", told }
  end

  local function frame(second, kind, fault)
    return { second, "sse_event", { ["event.kind"] = kind, duration_ms = "2",
      ["error.message"] = fault } }
  end

  local function completed(second, input, output)
    return { second, "sse_event", { ["event.kind"] = "response.completed",
      input_token_count = input, output_token_count = output, cached_token_count = "0",
      tool_token_count = "99" } }
  end

  -- How the stream ended, which is told beside the frame that ended it.
  local function failed_end(second, fault)
    return { second, "sse_event", { ["event.kind"] = "response.completed",
      ["error.message"] = fault } }
  end

  it("over HTTP is one row, although its last frame is told before its counts", function()
    assert.same({ "200 300 80 -" }, rows { request(1), frame(2, "response.created"),
      frame(4, "response.completed"), completed(4.001, "300", "80") })
  end)

  local limit = '{"type":"response.failed","response":{"error":{"code":"rate_limit_exceeded",'
    .. '"message":"slow down"}}}'

  for what, case in pairs {
    ["a frame that says why"] = { { request(1), frame(2, "response.failed", limit),
      failed_end(2.001, "stream disconnected: slow down") }, { "429 - - slow down" } },
    ["a stream that breaks off"] = { { request(1), frame(2, nil, "idle timeout"),
      failed_end(2, "stream disconnected: idle timeout") }, { "599 - - idle timeout" } },
    ["a frame that cannot be read"] = { { request(1),
      frame(2, "response.completed", "missing field usage"),
      failed_end(2.001, "missing field usage") }, { "500 - - missing field usage" } },
    ["a websocket"] = { { { 2, "websocket_request", { success = "false", duration_ms = "12",
      ["error.message"] = "closed" } }, failed_end(2.001, "stream disconnected: closed") },
      { "599 - - closed" } },
    ["an end without a frame, after another attempt that failed"] = { { request(1),
      frame(2, "response.failed", limit), failed_end(2.001, "slow down"),
      request(4), failed_end(5, "stream closed") },
      { "429 - - slow down", "500 - - stream closed" } },
  } do
    it("that fails in its stream is one row: " .. what, function()
      assert.same(case[2], rows(case[1]))
    end)
  end

  it("has no duration where the last begin that is told was that of a call that failed", function()
    local list = { request(1), frame(2, "response.failed", limit), completed(4, "300", "80") }
    assert.same({ "429 - - slow down", "200 300 80 -" }, rows(list))
    assert.same({ 1500.0, false }, durations)
  end)

  it("is none the worse for a frame that nobody understands", function()
    assert.same({ "200 100 10 -" }, rows { request(1), frame(2, "message", "expected value"),
      frame(4, "response.completed"), completed(4.001, "100", "10") })
  end)

  it("is none where only the prompt was prepared", function()
    assert.same({ "200 200 80 -" }, rows { completed(1, "12000", "0"), completed(2, "200", "80") })
  end)

  it("is none where models are listed", function()
    assert.same({}, rows {
      request(1, { endpoint = "/models", success = "false", ["error.message"] = "timeout" }),
      request(2, { endpoint = "/models", ["http.response.status_code"] = "403" }) })
    assert.same({ "403 - - -" }, rows { request(3, { ["http.response.status_code"] = "403" }) })
  end)
end)

describe("Gemini CLI", function()
  local batch = decode "gemini-cli-0.9-logs.json"

  it("counts a call once although it tells of it twice", function()
    assert.equal(2, #batch.records)
  end)

  it("counts input without the cache and thoughts as output", function()
    local record = batch.records[1]
    assert.equal(4000, record.tokens_input)
    assert.equal(8000, record.cache_read_tokens)
    assert.equal(750, record.tokens_output)
    -- 4000*1.25 + 750*10 + 8000*0.125 = 5000 + 7500 + 1000 = 13500
    assert.equal(0.0135, record.cost_usd)
    assert.is_nil((record.attributes or {}).response_text)
  end)

  it("reads a status that is text", function()
    assert.equal(429, batch.records[2].status_code)
    assert.equal("ApiError", batch.records[2].error_type)
  end)
end)

describe("an OTLP log message", function()
  local function records(list)
    return { resourceLogs = { { scopeLogs = { { logRecords = list } } } } }
  end
  local function pair(key, value)
    return { key = key, value = value }
  end
  local name = pair("event.name", { stringValue = "claude_code.api_request" })

  for sentence, message in pairs {
    ["without resourceLogs"] = {}, ["with an empty list"] = { resourceLogs = json.array {} },
    ["with an empty resource"] = { resourceLogs = { {} } },
  } do
    it(sentence .. " is empty", function()
      local batch = decoder:json("logs", message)
      assert.same({}, batch.records)
      assert.equal(0, batch.rejected)
    end)
  end

  it("may have items that are none: the others are taken", function()
    local batch = decoder:json("logs", records { 7, { attributes = { name } }, "x" })
    assert.equal(1, #batch.records)
    assert.equal(2, batch.rejected)
  end)

  for _, case in ipairs {
    { "a name with prefix", "claude_code.api_request", nil, nil },
    { "a bare name and the body", "api_request", nil, "claude_code.api_request" },
    { "the field eventName", nil, "claude_code.api_request", nil },
    { "the body alone", nil, nil, "claude_code.api_request" },
  } do
    local sentence, attribute, field, body = table.unpack(case, 1, 4)
    it("is recognised by " .. sentence, function()
      local batch = decoder:json("logs", records { {
        eventName = field, body = body and { stringValue = body },
        attributes = attribute and { pair("event.name", { stringValue = attribute }) },
      } })
      assert.equal(1, #batch.records)
    end)
  end

  for _, case in ipairs {
    { "an integer", { intValue = 5 }, 5 }, { "text of an integer", { intValue = "5" }, 5 },
    { "a double", { doubleValue = 5.0 }, 5 }, { "text", { stringValue = "5" }, 5 },
    { "more than 31 bits", { intValue = "4294967297" }, 4294967297 },
    { "a negative number", { intValue = -1 }, nil }, { "no number", { stringValue = "NaN" }, nil },
    { "hexadecimal", { stringValue = "0x10" }, nil },
    { "an infinite number", { doubleValue = "Infinity" }, nil },
    { "an empty value", {}, nil },
    { "a list", { arrayValue = { values = { { intValue = 5 } } } }, nil },
  } do
    local sentence, value, expected = table.unpack(case, 1, 3)
    it("may have tokens as " .. sentence, function()
      local batch =
        decoder:json("logs", records { { attributes = { name, pair("input_tokens", value) } } })
      assert.equal(expected, batch.records[1].tokens_input)
    end)
  end

  it("with a time of 0 has none", function()
    local batch =
      decoder:json("logs", records { { timeUnixNano = "0", attributes = { name } } })
    assert.is_nil(batch.records[1].timestamp)
  end)

  it("drops long values", function()
    local long = pair("notes", { stringValue = ("x"):rep(60000) })
    local batch = decoder:json("logs", records { { attributes = { name, long } } })
    assert.is_nil((batch.records[1].attributes or {}).notes)
  end)
end)

describe("Qwen Code's log", function()
  local batch = decode "qwen-code-0.24-logs.json"

  it("is a call by the provider's id, or one that failed", function()
    local answered, failed = batch.records[1], batch.records[2]
    assert.equal(2, #batch.records)
    assert.same({ "chatcmpl-8a1b2c3d4e5f6071", 156, 2104, 182, 200, "qwen-code", 2577 },
      { answered.request_id, answered.tokens_input, answered.cache_read_tokens,
        answered.tokens_output, answered.status_code, answered.service_type, answered.ttft_ms })
    assert.same({ "5b8efff798038103d269b633813fc60c:eee19b7ec3c1b176", 400, "BadRequestError",
      "qwen:3b0ed102-2420-4063-a5ac-92452d644f0d:2026-11-23T09:27:14.816Z" },
      { failed.request_id, failed.status_code, failed.error_type, failed.other_id })
  end)
end)
