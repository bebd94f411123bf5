--- Spans of one call inside each other or, as twins, beside each other, and logs of them: how many
--- rows they are and what these tell, in one export or in two, whichever comes first, again and
--- again.
local json = require "spec.helpers.json"
local helpers = require "spec.helpers"
local server = require "spec.helpers.server"

local JSON = { ["content-type"] = "application/json" }

local began = (os.time() - 600) * 1000000000

local trace = 0

local function any(value)
  if math.type(value) == "integer" then
    return { intValue = tostring(value) }
  end
  return type(value) == "number" and { doubleValue = value }
    or { stringValue = value:gsub("TRACE", trace) }
end

local function attributes_of(t)
  local list = {}
  for key, value in pairs(t) do
    list[#list + 1] = { key = key, value = any(value) }
  end
  return json.array(list)
end

-- An id as the protocol has it, or a sender's own.
local function id_of(id)
  return type(id) == "number" and ("%016x"):format(id) or id
end

-- Spans are told in the order in which they end: { id, parent, seconds from, to, attributes,
-- name, scope, failed }.
local function span_of(s)
  return {
    traceId = ("%032x"):format(trace), spanId = id_of(s[1]),
    parentSpanId = id_of(s[2]), name = s.name or "span",
    startTimeUnixNano = ("%d"):format(began + s[3] * 1000000000),
    endTimeUnixNano = ("%d"):format(began + s[4] * 1000000000),
    attributes = attributes_of(s[5]),
    status = s.failed and { code = 2, message = s.failed } or nil,
  }
end

local function log_of(l)
  return {
    traceId = ("%032x"):format(trace), spanId = ("%016x"):format(l.log), eventName = l.name,
    timeUnixNano = ("%d"):format(began + l[1] * 1000000000), attributes = attributes_of(l[2]),
  }
end

local resource = { attributes = attributes_of { ["service.name"] = "shop" } }

local function send(s, told)
  local groups = { spans = {}, logs = {} }
  for _, t in ipairs(told) do
    table.insert(t.log and groups.logs or groups.spans, t.log and { logRecords = { log_of(t) } }
      or { scope = { name = t.scope or "test" }, spans = { span_of(t) } })
  end
  local spans = { resourceSpans = { { resource = resource, scopeSpans = groups.spans } } }
  local logs = { resourceLogs = { { resource = resource, scopeLogs = groups.logs } } }
  for path, body in pairs { ["/v1/traces"] = #groups.spans > 0 and spans,
      ["/v1/logs"] = #groups.logs > 0 and logs } do
    local answer = body and s:post(path, json.encode(body), JSON)
    assert(not body or answer.status == 200 and answer.body == "{}", answer and answer.body)
  end
end

local function reversed(list)
  local back = {}
  for i = #list, 1, -1 do
    back[#back + 1] = list[i]
  end
  return back
end

-- What is told, in exports: the last one is the outermost span, or a log.
local function orders_of(told)
  local inner, outer = { table.unpack(told, 1, #told - 1) }, { told[#told] }
  local orders = {
    ["inner first, in two exports"] = { inner, outer },
    ["outer first, in two exports"] = { outer, inner },
  }
  if #inner > 1 then
    orders["outer first, in two exports, the others reversed"] = { outer, reversed(inner) }
  end
  if not told[#told].log then
    orders["inner first, in one export"] = { told }
    orders["outer first, in one export"] = { reversed(told) }
  end
  return orders
end

local function sorted(list)
  table.sort(list, function(a, b) return json.encode(a) < json.encode(b) end)
  return list
end

-- The values of the columns of all rows, and when these were, but for the microseconds by which a
-- wrapper stands back.
local function rows(s, columns)
  local found, times = {}, {}
  local fields = table.concat(columns, ","):gsub("cost_source", "extra")
  for i, row in ipairs(s:get("/logs/entries?fields=timestamp," .. fields).json().entries) do
    row.cost_source = row.extra and row.extra.cost_source
    found[i], times[i] = {}, row.timestamp:sub(1, -5)
    for k, column in ipairs(columns) do
      found[i][k] = row[column]
    end
  end
  return sorted(found), sorted(times)
end

describe("spans inside each other #loops", function()
  local s
  setup(function() s = server.start() end)
  teardown(function() s:stop() end)

  -- In every order they are these rows: lists of values of the columns.
  local function are(what, told, columns, expected)
    it("are " .. what, function()
      local first_times
      for order, exports in pairs(orders_of(told)) do
        s:post("/logs/reset")
        trace = trace + 1
        for _, again in ipairs { "", ", again" } do
          for _, export in ipairs(exports) do
            send(s, export)
          end
          local found, times = rows(s, columns)
          first_times = first_times or times
          assert.same({ expected, first_times }, { found, times }, order .. again)
        end
      end
    end)
  end

  local counts = { "tokens_input", "cache_read_tokens", "tokens_output", "cost_usd" }
  local chat = { ["gen_ai.operation.name"] = "chat", ["gen_ai.request.model"] = "gpt-4o" }
  local function usage(input, output, more)
    return helpers.with(helpers.with(chat, { ["gen_ai.usage.input_tokens"] = input,
      ["gen_ai.usage.output_tokens"] = output }), more or {})
  end

  -- Sonnet 4: 1000*3 + 20000*0.3 + 100*15 = 3000 + 6000 + 1500 millionths
  local sonnet = { ["gen_ai.request.model"] = "us.anthropic.claude-sonnet-4-20250514-v1:0" }
  are("one row that knows the cache by its wrapper (Strands, botocore)", {
    { 2, 1, 0.1, 1.9, usage(1000, 100, helpers.with(sonnet, { ["gen_ai.system"] = "aws.bedrock" })),
      scope = "opentelemetry.instrumentation.botocore.bedrock-runtime" },
    { 1, nil, 0, 2, usage(1000, 100, helpers.with(sonnet, {
      ["gen_ai.system"] = "strands-agents", ["gen_ai.usage.total_tokens"] = 21100,
      ["gen_ai.usage.cache_read_input_tokens"] = 20000, ["session.id"] = "s" })),
      scope = "strands.telemetry.tracer" },
  }, { "tokens_input", "cache_read_tokens", "tokens_output", "cost_usd", "provider",
    "session_client_id", "duration_ms" },
    { { 1000, 20000, 100, 0.0105, "bedrock", "s", 1800.0 } })

  for what, id in pairs { ["by one id"] = { ["gen_ai.response.id"] = "chatcmpl-of-trace-TRACE" },
      ["without ids"] = {} } do
    are("one row with the cost that its wrapper reports, " .. what .. " (pydantic-ai)", {
      { 2, 1, 0.1, 1.9, usage(5000, 100, id) },
      { 1, nil, 0, 2, usage(5000, 100, helpers.with(id, { ["operation.cost"] = 0.0085,
        ["gen_ai.usage.details.cache_read_tokens"] = 4000 })) },
    }, { "tokens_input", "cache_read_tokens", "tokens_output", "cost_usd", "cost_source" },
      { { 1000, 4000, 100, 0.0085, "reported" } })
  end

  -- 400*2.5 + 600*1.25 + 100*10 = 2750 millionths
  are("one row that has what the innermost knows better (LangChain)", {
    { 3, 2, 0.2, 0.8, usage(1000, 100, { ["gen_ai.usage.cache_read.input_tokens"] = 600 }) },
    { 2, 1, 0.1, 0.9, usage(1000, 100) },
    { 1, nil, 0, 1, usage(1000, 100) },
  }, counts, { { 400, 600, 100, 0.00275 } })

  -- 0.02 a million
  local function embedding(n)
    return { ["gen_ai.operation.name"] = "embeddings", ["gen_ai.usage.input_tokens"] = n,
      ["gen_ai.request.model"] = "text-embedding-3-small" }
  end
  are("as many rows as there are calls (embedMany)", {
    { 2, 1, 0, 0.5, embedding(10000) }, { 3, 1, 0.5, 1, embedding(20000) },
    { 1, nil, 0, 1.1, embedding(30000) },
  }, counts, { { 10000, 0, 0, 0.0002 }, { 20000, 0, 0, 0.0004 } })

  local failed = helpers.with(chat, { ["error.type"] = "429" })
  are("two rows where one was tried again", {
    { 2, 1, 0, 1, failed, failed = "429" }, { 3, 1, 1, 2, usage(100, 10) },
    { 1, nil, 0, 2.2, usage(100, 10) },
  }, { "status_code", "tokens_input", "tokens_output" }, { { 200, 100, 10 }, { 429, 0, 0 } })

  are("one row where the same call failed", {
    { 2, 1, 0.1, 0.9, helpers.with(chat, { ["error.type"] = "ThrottlingException",
      ["http.status_code"] = 429 }), failed = "slow down" },
    { 1, nil, 0, 1, chat, failed = "slow down" },
  }, { "status_code", "error_type" }, { { 429, "ThrottlingException" } })

  are("two rows where one failed and one did not, without counts", {
    { 2, 1, 0.1, 0.4, failed, failed = "429" }, { 3, 1, 0.5, 0.9, chat }, { 1, nil, 0, 1, chat },
  }, { "status_code" }, { { 200 }, { 429 } })

  local rerank = { ["gen_ai.operation.name"] = "rerank", ["gen_ai.request.model"] = "rerank-v3.5" }
  are("one row without counts too (AI SDK)", {
    { 2, 1, 0.1, 0.9, rerank }, { 1, nil, 0, 1, rerank },
  }, { "endpoint", "status_code" }, { { "rerank", 200 } })

  local odd = { "call=1,\n:counted", ("é"):rep(12) .. "=", "x" }
  are("one row where ids are no ids of OpenTelemetry", {
    { odd[1], odd[2], 0.1, 0.9, usage(100, 10) }, { odd[2], odd[3], 0, 1, usage(100, 10) },
    { odd[3], nil, 0, 1.1, usage(100, 10) },
  }, { "tokens_input", "tokens_output" }, { { 100, 10 } })

  are("two rows where one outlives the other", {
    { 2, 1, 0.1, 1.5, rerank }, { 1, nil, 0, 1, rerank },
  }, { "endpoint", "duration_ms" }, { { "rerank", 1000.0 }, { "rerank", 1400.0 } })

  local function strands(input, output)
    return { ["gen_ai.system"] = "strands-agents", ["gen_ai.request.model"] = "gpt-4o",
      ["gen_ai.agent.name"] = "A", ["gen_ai.usage.prompt_tokens"] = input,
      ["gen_ai.usage.completion_tokens"] = output }
  end
  are("none where an agent counts its calls together (Strands 0.1)", {
    { 3, 2, 0, 1, strands(1000, 100) }, { 2, 1, 0, 1.5, { ["event_loop.cycle_id"] = "1" } },
    { 5, 4, 2, 3, strands(1500, 50) }, { 4, 1, 2, 3.5, { ["event_loop.cycle_id"] = "2" } },
    { 1, nil, 0, 4, strands(2500, 150) },
  }, { "tokens_input", "tokens_output" }, { { 1000, 100 }, { 1500, 50 } })

  are("calls of their own where an agent is called by a tool of one (ADK)", {
    { 4, 3, 0.3, 0.6, strands(300, 30) },
    { 3, 2, 0.2, 0.7, { ["gen_ai.operation.name"] = "invoke_agent" } },
    { 2, 1, 0.1, 0.8, { ["gen_ai.operation.name"] = "execute_tool" } },
    { 1, nil, 0, 1, strands(200, 20) },
  }, { "tokens_input", "tokens_output" }, { { 200, 20 }, { 300, 30 } })

  -- 400*2.5 + 100*10 = 3500 of 1000 + 100, reported by the gateway
  are("one row across a gateway (Strands, LiteLLM)", {
    { 4, 3, 0.3, 0.7, usage(1000, 100, { ["gen_ai.operation.name"] = "acompletion",
      ["gen_ai.cost.total_cost"] = 0.0035 }), scope = "litellm" },
    { 3, 2, 0.2, 0.8, { ["http.route"] = "/v1/chat/completions" }, scope = "litellm" },
    { 2, 1, 0.1, 0.9, { ["http.request.method"] = "POST", ["url.full"] = "http://gw/v1/chat" } },
    { 1, nil, 0, 1, usage(1000, 100) },
  }, { "tokens_input", "tokens_output", "cost_usd", "cost_source" },
    { { 1000, 100, 0.0035, "reported" } })

  are("one row with the log of the wrapper", {
    { 2, 1, 0, 1, usage(100, 10) }, { 1, nil, 0, 1.2, usage(100, 10) },
    { log = 1, name = "gen_ai.client.inference.operation.details", 1.2, usage(100, 10) },
  }, { "tokens_input", "tokens_output" }, { { 100, 10 } })

  are("one row with the log of the call", {
    { 2, 1, 0, 1, usage(100, 10) }, { 1, nil, 0, 1.2, usage(100, 10) },
    { log = 2, name = "gen_ai.client.inference.operation.details", 1, usage(100, 10) },
  }, { "tokens_input", "tokens_output" }, { { 100, 10 } })

  local function langsmith(kind, more)
    return helpers.with({ ["langsmith.span.kind"] = kind, ["gen_ai.operation.name"] = "chat",
      ["gen_ai.system"] = "langchain" }, more or {})
  end
  are("one row where prompts and retrievers are called chats (LangSmith)", {
    { 2, 1, 0, 0.1, langsmith "prompt" }, { 3, 1, 0.1, 1, langsmith("llm", usage(1000, 100)) },
    { 4, 1, 1, 1.1, langsmith "retriever" }, { 1, nil, 0, 1.2, langsmith "chain" },
  }, { "endpoint", "tokens_input", "tokens_output" }, { { "chat", 1000, 100 } })

  local openai, langchain = "instrumentation-openai", "instrumentation-langchain"
  local id = { ["gen_ai.response.id"] = "chatcmpl-of-trace-TRACE" }
  local session = { ["session.id"] = "s" }
  local cached = { ["gen_ai.usage.cache_read.input_tokens"] = 600 }
  local known = { "tokens_input", "cache_read_tokens", "tokens_output", "cost_usd",
    "session_client_id", "duration_ms", "model" }

  -- 400*2.5 + 600*1.25 + 100*10 = 2750 millionths
  local both = { 400, 600, 100, 0.00275, "s", 700.0, "gpt-4o" }
  local agent = { ["gen_ai.operation.name"] = "invoke_agent" }
  local dated = { ["gen_ai.request.model"] = "gpt-4o-2024-08-06" }
  local function beside(inner, outer)
    return { 2, 1, 0.2, 0.9, inner, scope = openai }, { 3, 1, 0.1, 1, outer, scope = langchain }
  end
  for what, pair in pairs {
    ["who both count"] = { usage(1000, 100, helpers.with(cached, id)),
      usage(1000, 100, helpers.with(cached, session)) },
    ["one of whom knows the cache"] = { usage(1000, 100, helpers.with(cached, id)),
      usage(1000, 100, session) },
    ["the other of whom knows it"] = { usage(1000, 100, id),
      usage(1000, 100, helpers.with(cached, session)) },
    ["in a stream, where one does not count"] = { helpers.with(chat, id),
      usage(1000, 100, helpers.with(cached, session)) },
    ["where the other does not count"] = { usage(1000, 100, helpers.with(cached, id)),
      helpers.with(chat, session) },
  } do
    local inner, outer = beside(pair[1], pair[2])
    are("one row of two instrumentations " .. what .. " (LangChain.js)", { inner, outer }, known,
      { both })
    are("one row of two instrumentations " .. what .. ", with what is around",
      { inner, outer, { 1, nil, 0, 1.1, agent, scope = "app" } }, known, { both })
  end

  local inner, outer = beside(usage(1000, 100, helpers.with(cached, dated)),
    usage(1000, 100, helpers.with(cached, session)))
  are("one row where the answer has a model's date", { inner, outer },
    { "tokens_input", "tokens_output", "session_client_id", "model" },
    { { 400, 100, "s", "gpt-4o-2024-08-06" } })

  inner, outer = beside(usage(1000, 100), usage(1000, 100, session))
  are("one row with the cost of a call around both", { inner, outer,
    { 1, nil, 0, 1.1, usage(1000, 100, { ["operation.cost"] = 0.0042 }) },
  }, { "tokens_input", "tokens_output", "cost_usd", "session_client_id" },
    { { 1000, 100, 0.0042, "s" } })

  are("one row where both failed", {
    { 2, 1, 0.2, 0.9, failed, failed = "429", scope = openai },
    { 3, 1, 0.1, 1, helpers.with(chat, session), failed = "429", scope = langchain },
  }, { "status_code", "session_client_id" }, { { 429, "s" } })

  local function parallel(a, b, c, d)
    return { { 2, 1, 0.2, 0.9, a, scope = openai }, { 3, 1, 0.1, 1, b, scope = langchain },
      { 4, 1, 0.3, 1.1, c, scope = openai }, { 5, 1, 0.25, 1.2, d, scope = langchain } }
  end
  local few = { "tokens_input", "tokens_output" }
  are("two rows of two such calls at once", parallel(usage(100, 10), usage(100, 10),
    usage(200, 20), usage(200, 20)), few, { { 100, 10 }, { 200, 20 } })
  are("two rows of two such calls at once with the same counts", parallel(usage(100, 10),
    usage(100, 10), usage(100, 10), usage(100, 10)), few, { { 100, 10 }, { 100, 10 } })

  local two = { { 100, 10 }, { 100, 10 } }
  for what, pair in pairs {
    ["of one instrumentation"] = { { 2, 1, 0.2, 0.9, usage(100, 10), scope = openai },
      { 3, 1, 0.1, 1, usage(100, 10), scope = openai } },
    ["after each other"] = { { 2, 1, 0, 1, usage(100, 10), scope = openai },
      { 3, 1, 1, 2, usage(100, 10), scope = langchain } },
    ["that overlap"] = { { 2, 1, 0, 1, usage(100, 10), scope = openai },
      { 3, 1, 0.5, 1.5, usage(100, 10), scope = langchain } },
    ["of two models"] = { { 2, 1, 0.2, 0.9, usage(100, 10), scope = openai },
      { 3, 1, 0.1, 1, usage(100, 10, { ["gen_ai.request.model"] = "gpt-4o-mini" }),
        scope = langchain } },
    ["with ids of their own"] = { { 2, 1, 0.2, 0.9, usage(100, 10, id), scope = openai },
      { 3, 1, 0.1, 1, usage(100, 10, { ["gen_ai.response.id"] = "chatcmpl-TRACE-of-another" }),
        scope = langchain } },
    ["in two parents"] = { { 2, 1, 0.2, 0.9, usage(100, 10), scope = openai },
      { 3, 4, 0.1, 1, usage(100, 10), scope = langchain } },
    ["in none"] = { { 2, nil, 0.2, 0.9, usage(100, 10), scope = openai },
      { 3, nil, 0.1, 1, usage(100, 10), scope = langchain } },
  } do
    are("two rows of two calls " .. what, pair, few, two)
  end
  are("two rows of a stream and a call that began within it", {
    { 2, 1, 2, 8, usage(100, 10), scope = openai },
    { 3, 1, 0, 10, chat, scope = langchain },
  }, few, { { 0, 0 }, { 100, 10 } })
  are("two rows where one has neither counts nor a model", {
    { 2, 1, 0.2, 0.9, { ["gen_ai.operation.name"] = "chat" }, scope = openai },
    { 3, 1, 0.1, 1, usage(100, 10), scope = langchain },
  }, few, { { 0, 0 }, { 100, 10 } })
  are("two rows of two calls with other counts", {
    { 2, 1, 0.2, 0.9, usage(100, 10), scope = openai },
    { 3, 1, 0.1, 1, usage(100, 11), scope = langchain },
  }, few, { { 100, 10 }, { 100, 11 } })
  are("two rows where only one failed", {
    { 2, 1, 0.2, 0.9, failed, failed = "429", scope = openai },
    { 3, 1, 0.1, 1, usage(100, 10), scope = langchain },
  }, { "status_code", "tokens_input" }, { { 200, 100 }, { 429, 0 } })
  are("as many rows as there are calls within one beside them", {
    { 2, 1, 0.1, 0.9, usage(100, 10), scope = openai },
    { 3, 1, 1, 1.9, usage(200, 20), scope = openai },
    { 4, 1, 0, 2, usage(300, 30), scope = langchain },
  }, few, { { 100, 10 }, { 200, 20 }, { 300, 30 } })
  are("a row for each of two streams within one beside them", {
    { 2, 1, 0.1, 0.9, chat, scope = openai }, { 3, 1, 1, 1.8, chat, scope = openai },
    { 4, 1, 0, 2, usage(300, 30), scope = langchain },
  }, few, { { 0, 0 }, { 0, 0 }, { 300, 30 } })
end)
