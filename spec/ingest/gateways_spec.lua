--- What gateways and agents tell in spans, in words of their own and more than once.
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local server = require "spec.helpers.server"

local JSON = { ["content-type"] = "application/json" }

local s
setup(function() s = server.start() end)
teardown(function() s:stop() end)
before_each(function() s:post "/logs/reset" end)

local kinds = { string = "stringValue", boolean = "boolValue", integer = "intValue",
  float = "doubleValue" }

local function list_of(attributes)
  local list = json.array {}
  for key, value in pairs(attributes) do
    local kind = kinds[math.type(value) or type(value)]
    list[#list + 1] = { key = key, value = { [kind] = value } }
  end
  return list
end

-- id is its span's, told has its attributes; failed, parent, name and later (seconds) may be told.
local function span(id, told, more)
  more = more or {}
  local later = more.later or 0
  return {
    traceId = ("c"):rep(32), spanId = ("%016x"):format(id),
    parentSpanId = more.parent and ("%016x"):format(more.parent), name = more.name or "chat",
    startTimeUnixNano = ("%d000000000"):format(1795939201 + later),
    endTimeUnixNano = ("%d000000000"):format(1795939204 + later),
    status = { code = more.failed and 2 or 1 }, attributes = list_of(told),
  }
end

local function post_to(receiver, service, ...)
  local body = { resourceSpans = { {
    resource = { attributes = list_of { ["service.name"] = service } },
    scopeSpans = { { scope = { name = service }, spans = json.array { ... } } },
  } } }
  local answer = receiver:post("/v1/traces", json.encode(body), JSON)
  assert.same({ 200, {} }, { answer.status, answer.json() })
end

local function post(...)
  post_to(s, ...)
end

local function rows(...)
  local found = s:get("/logs/entries?fields=" .. table.concat({ ... }, ",")).json()
  return found.entries
end

-- Tells the same twice, and again from the other end, in one export each and in one for each span:
-- what is stored is always the same.
local function always(service, spans, expected, ...)
  local backwards = {}
  for i, one in ipairs(spans) do
    backwards[#spans + 1 - i] = one
  end
  for _, order in ipairs { spans, backwards } do
    for _, send in ipairs {
      function() post(service, table.unpack(order)) end,
      function() for _, one in ipairs(order) do post(service, one) end end,
    } do
      s:post "/logs/reset"
      send()
      assert.same(expected, rows(...))
      send()
      assert.same(expected, rows(...))
    end
  end
end

describe("LiteLLM's spans", function()
  local function call(told)
    told["gen_ai.operation.name"] = told["gen_ai.operation.name"] or "chat"
    told["gen_ai.request.model"] = told["gen_ai.request.model"] or "my-sonnet"
    return told
  end

  it("tell the cost, and whose it is", function()
    always("litellm-proxy", { span(1, call {
      ["gen_ai.response.model"] = "claude-sonnet-4-5", ["gen_ai.usage.input_tokens"] = 10000,
      ["gen_ai.usage.output_tokens"] = 200, ["litellm.cost.total"] = 0.0123,
      ["litellm.team.alias"] = "platform", ["litellm.team.id"] = "t-1",
      ["litellm.api_key.hash"] = "hash99", ["litellm.end_user.id"] = "eu-1",
      ["litellm.request.streaming"] = true, ["litellm.call_type"] = "acompletion",
    }) }, { { model = "claude-sonnet-4-5", cost_usd = 0.0123, team = "platform",
      api_key = "hash99", user = "eu-1", streaming = true, endpoint = "chat" } },
      "model", "cost_usd", "team", "api_key", "user", "streaming", "endpoint")
  end)

  for version, prefix in pairs { "metadata.", "litellm.metadata." } do
    it("name the owners of a key in the words of version " .. version, function()
      post("litellm", span(2, call {
        [prefix .. "user_api_key_alias"] = "ci", [prefix .. "user_api_key_team_alias"] = "platform",
        [prefix .. "user_api_key_user_id"] = "u1",
      }))
      assert.same({ { api_key = "ci", team = "platform", user = "u1" } },
        rows("api_key", "team", "user"))
    end)
  end

  it("tell the cache in the usage, which version 1 writes as Python does", function()
    local usage = "{'prompt_tokens': 10000, 'total_tokens': 10200, 'cache_read_input_tokens': 8000,"
      .. " 'cache_creation_input_tokens': 1000, 'prompt_tokens_details': {'audio_tokens': None,"
      .. " 'cache_creation_token_details': {'ephemeral_5m_input_tokens': 400,"
      .. " 'ephemeral_1h_input_tokens': 600}}, 'is_byok': False, 'reused': True}"
    always("litellm", { span(6, call {
      ["gen_ai.usage.input_tokens"] = 10000, ["gen_ai.usage.output_tokens"] = 200,
      ["gen_ai.usage.total_tokens"] = 10200, ["gen_ai.cost.total_cost"] = 0.013,
      ["metadata.usage_object"] = usage,
    }) }, { { tokens_input = 1000, cache_read_tokens = 8000, cache_write_tokens = 1000,
      tokens_output = 200, cost_usd = 0.013 } },
      "tokens_input", "cache_read_tokens", "cache_write_tokens", "tokens_output", "cost_usd")
  end)

  for version, name in pairs { "error.code", "litellm.provider.error.code" } do
    it("that failed have the provider's status in version " .. version, function()
      local function failure(id, code)
        local told = call { ["error.type"] = "APIError", [name] = code }
        return span(id, told, { failed = true })
      end
      post("litellm", failure(3, "429"), failure(4, "rate_limit"), failure(5, "7"))
      local found = {}
      for _, row in ipairs(rows("status_code", "error_type")) do
        assert.equal("APIError", row.error_type)
        found[row.status_code] = (found[row.status_code] or 0) + 1
      end
      assert.same({ [429] = 1, [500] = 2 }, found)
    end)
  end

  -- Version 1 has the call's id for that of an answer; both have it where the answer has none.
  for version, told in pairs {
    { ["gen_ai.response.id"] = "0c3f8a52-1f0e-4f5e-9b0a-5f2c7d1e8a90", ["error.code"] = "429" },
    { ["litellm.call_id"] = "0c3f8a52-1f0e-4f5e-9b0a-5f2c7d1e8a90",
      ["litellm.provider.error.code"] = "429" },
  } do
    it("that failed are what the callback tells, in version " .. version, function()
      local id = "0c3f8a52-1f0e-4f5e-9b0a-5f2c7d1e8a90"
      local ways = {
        function()
          local log = { id = id, call_id = id, trace_id = "s", call_type = "acompletion",
            status = "failure", model = "my-sonnet", startTime = 1795939201,
            endTime = 1795939204, error_information = {
              error_code = "429", error_class = "RateLimitError", error_message = "slow down" } }
          assert.equal(200, s:post("/ingest/litellm", json.encode(log), JSON).status)
        end,
        function()
          told["error.type"] = "RateLimitError"
          post("litellm", span(7, call(told), { failed = true }))
        end,
      }
      for _, order in ipairs { { 1, 2 }, { 2, 1 }, { 1, 2, 1, 2 }, { 2, 2, 1 } } do
        s:post "/logs/reset"
        for _, way in ipairs(order) do
          ways[way]()
        end
        assert.same({ { request_id = id, status_code = 429, error_type = "RateLimitError",
          duration_ms = 3000.0 } }, rows("request_id", "status_code", "error_type", "duration_ms"))
      end
    end)
  end

  it("are no requests where nothing is generated", function()
    local function fetched(id, told)
      told["gen_ai.response.id"] = "resp_0123456789abcdef0123456789abcdef"
      told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"] = 1000, 100
      return span(id, call(told), { later = id * 600 })
    end
    always("litellm", {
      fetched(0, { ["litellm.call_type"] = "aresponses", ["litellm.cost.total"] = 0.00225 }),
      fetched(1, { ["litellm.call_type"] = "aget_responses" }),
      fetched(2, { ["gen_ai.operation.name"] = "litellm.responses_management" }),
      span(3, call { ["litellm.call_type"] = "alist_batches" }),
      span(4, call { ["litellm.call_type"] = "call_mcp_tool" }),
    }, { { cost_usd = 0.00225, tokens_input = 1000 } }, "cost_usd", "tokens_input")
  end)
end)

describe("Gemini CLI's spans", function()
  it("tell once more what its logs tell, with less of it", function()
    local log = { timeUnixNano = "1795939204000000000", attributes = list_of {
      ["event.name"] = "gemini_cli.api_response", model = "gemini-2.5-pro", prompt_id = "p#1",
      input_token_count = 12000, cached_content_token_count = 8000, output_token_count = 300,
      thoughts_token_count = 500, total_token_count = 12800,
    } }
    local logs = json.encode { resourceLogs = { {
      resource = { attributes = list_of { ["service.name"] = "gemini-cli" } },
      scopeLogs = { { logRecords = { log } } },
    } } }
    local function post_spans()
      post("gemini-cli", span(1, {
        ["gen_ai.operation.name"] = "llm_call", ["gen_ai.request.model"] = "gemini-2.5-pro",
        ["gen_ai.usage.input_tokens"] = 12000, ["gen_ai.usage.output_tokens"] = 300,
      }, { parent = 2 }), span(2, { ["gen_ai.operation.name"] = "user_prompt" }))
    end
    post_spans()
    for _ = 1, 2 do
      assert.equal(200, s:post("/v1/logs", logs, JSON).status)
      post_spans()
      -- 4000*1.25 + 8000*0.125 + 800*10 = 5000 + 1000 + 8000
      assert.same({ { tokens_input = 4000, cache_read_tokens = 8000, tokens_output = 800,
        cost_usd = 0.014 } },
        rows("tokens_input", "cache_read_tokens", "tokens_output", "cost_usd"))
    end
  end)
end)

describe("OpenRouter's broadcast", function()
  local id = "gen-1795939200-AbCdEfGhIjKl"

  local function call(number, told, more)
    told["gen_ai.operation.name"] = "chat"
    told["gen_ai.request.model"] = "anthropic/claude-sonnet-4.5"
    told["gen_ai.response.id"] = id .. (more and more.part or "")
    return span(number, told, more)
  end

  local columns = { "tokens_input", "cache_read_tokens", "cache_write_tokens", "tokens_output",
    "cost_usd", "status_code", "duration_ms", "api_key", "time_to_first_token_ms" }
  local expected = { tokens_input = 1000, cache_read_tokens = 8000, cache_write_tokens = 1000,
    tokens_output = 200, cost_usd = 0.0144, status_code = 200, duration_ms = 3000.0,
    api_key = "ci-key", time_to_first_token_ms = 812.5 }

  it("tells of one call, whatever it repeats of it", function()
    always("openrouter", {
      call(1, {
        ["gen_ai.usage.input_tokens"] = 10000, ["gen_ai.usage.output_tokens"] = 200,
        ["gen_ai.usage.input_tokens.cached"] = 8000,
        ["gen_ai.usage.input_tokens.cache_write_5m"] = 0,
        ["gen_ai.usage.input_tokens.cache_write_1h"] = 1000,
        ["gen_ai.usage.total_cost"] = 0.0144,
        ["trace.metadata.openrouter.api_key_name"] = "ci-key",
        ["trace.metadata.openrouter.first_token_ms"] = 812.5,
      }),
      call(2, { ["gen_ai.usage.input_tokens"] = 10000, ["gen_ai.usage.output_tokens"] = 200 },
        { parent = 1, part = ":generation" }),
      call(3, {}, { parent = 1, part = ":attempt-0", failed = true }),
      call(4, {}, { parent = 1, part = ":attempt-1" }),
    }, { expected }, table.unpack(columns))
  end)

  it("may be a test", function()
    always("openrouter", { call(1, { ["gen_ai.usage.total_cost"] = 0.0005,
      ["gen_ai.usage.input_tokens"] = 25 }, { name = "Test Generation" }) }, {}, "cost_usd")
  end)
end)

describe("Cloudflare's spans", function()
  it("name the provider in words of their own", function()
    always("ai-gateway", { span(1, {
      ["gen_ai.request.model"] = "gpt-4o", ["gen_ai.model.provider"] = "openai",
      ["gen_ai.usage.input_tokens"] = 1000, ["gen_ai.usage.output_tokens"] = 100,
      ["gen_ai.usage.cost"] = 0.0035,
    }) }, { { model = "gpt-4o", provider = "openai", cost_usd = 0.0035, endpoint = "chat" } },
      "model", "provider", "cost_usd", "endpoint")
  end)
end)

describe("a reset", function()
  local function call(id, parent)
    return span(id, { ["gen_ai.operation.name"] = "chat", ["gen_ai.request.model"] = "gpt-4o",
      ["gen_ai.usage.input_tokens"] = 10, ["gen_ai.usage.output_tokens"] = id },
      { parent = parent })
  end

  it("forgets what a span holds with the rows, also of an earlier run", function()
    local folder <close> = helpers.folder()
    local path = folder.path .. "/reset.db"
    local first = server.start { database = path }
    post_to(first, "bot", call(2, 1))
    post_to(first, "bot", call(1))
    assert.equal(1, first:get("/logs/query").json().count)
    first:stop()

    local second = server.start { database = path }
    assert.equal(200, second:post("/logs/reset").status)
    second:kill()

    local third = server.start { database = path }
    post_to(third, "bot", call(1))
    assert.equal(1, third:get("/logs/query").json().count)
    assert.equal(200, third:post("/logs/reset").status)
    post_to(third, "bot", call(1))
    assert.equal(1, third:get("/logs/query").json().count)
    third:stop()
  end)
end)
