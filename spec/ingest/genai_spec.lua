--- Calls in the words of SDKs and frameworks, as they send them: each body comes as JSON, again,
--- and as protobuf, and is the same rows for all that.
local any = require "spec.helpers.otlp_any"
local json = require "spec.helpers.json"
local messages = require "spec.helpers.otlp_messages"
local protobuf = require "spec.helpers.protobuf"
local server = require "spec.helpers.server"

local JSON = { ["content-type"] = "application/json" }
local PROTOBUF = { ["content-type"] = "application/x-protobuf" }

local FIELDS = "endpoint,model,status_code,tokens_input,tokens_output,cache_read_tokens,"
  .. "cache_write_tokens,cost_usd,request_id,tier,extra"

local function pairs_of(attributes)
  local list = {}
  for key, value in pairs(attributes) do
    list[#list + 1] = { key = key, value = any(value) }
  end
  return list
end

local function with(...)
  local all = {}
  for _, from in ipairs { ... } do
    for key, value in pairs(from) do
      all[key] = value
    end
  end
  return all
end

local serial = 0

-- Spans beside each other in a trace of its own, a second apart.
local function traces(scope, spans)
  local list = {}
  for i, attributes in ipairs(spans) do
    serial = serial + 1
    list[i] = {
      traceId = ("%032x"):format(serial), spanId = ("%016x"):format(i), name = "span",
      startTimeUnixNano = "1795600000000000000",
      endTimeUnixNano = ("179560000%d000000000"):format(i), attributes = pairs_of(attributes),
    }
  end
  return { resourceSpans = { {
    resource = { attributes = pairs_of { ["service.name"] = "shop" } },
    scopeSpans = { { scope = { name = scope }, spans = list } },
  } } }
end

local function logs(events)
  local list = {}
  for i, attributes in ipairs(events) do
    serial = serial + 1
    list[i] = {
      timeUnixNano = ("179560000%d000000000"):format(i), traceId = ("%032x"):format(serial),
      spanId = ("%016x"):format(i), eventName = "gen_ai.client.inference.operation.details",
      attributes = pairs_of(attributes),
    }
  end
  return { resourceLogs = { {
    resource = { attributes = pairs_of { ["service.name"] = "shop" } },
    scopeLogs = { { scope = { name = "test" }, logRecords = list } },
  } } }
end

local requests =
  { ["/v1/traces"] = "ExportTraceServiceRequest", ["/v1/logs"] = "ExportLogsServiceRequest" }

describe("a call in the words of", function()
  local s
  lazy_setup(function() s = server.start() end)
  lazy_teardown(function() s:stop() end)
  before_each(function() s:post "/logs/reset" end)

  local function send(path, message)
    local text = json.encode(message)
    assert.same({}, s:post(path, text, JSON).json())
    assert.same({}, s:post(path, text, JSON).json())
    assert.equal(200, s:post(path, protobuf.encode(messages, requests[path], message),
      PROTOBUF).status)
  end

  -- The rows there are, the oldest first, by the names that the expectation has.
  local function expect(rows)
    local found = s:get("/logs/query?limit=100&fields=" .. FIELDS).json().results
    local shown = {}
    for i = 1, #found do
      local row = found[#found + 1 - i]
      shown[i] = {}
      for name in pairs(rows[i] or { request_id = true, endpoint = true }) do
        shown[i][name] = row[name] ~= json.null and row[name] or row.extra[name]
      end
    end
    assert.same(rows, shown)
  end

  local function chat(model, more)
    return with({ ["gen_ai.operation.name"] = "chat", ["gen_ai.request.model"] = model }, more)
  end

  local function langfuse(model, usage)
    return { ["langfuse.observation.type"] = "generation",
      ["langfuse.observation.model.name"] = model,
      ["langfuse.observation.usage_details"] = json.encode(usage) }
  end

  local usage = { ["gen_ai.usage.input_tokens"] = 1000, ["gen_ai.usage.output_tokens"] = 100 }

  -- gpt-4o: 400*2.5 + 600*1.25 + 100*10 = 1000 + 750 + 1000 = 2750
  local cached = { tokens_input = 400, cache_read_tokens = 600, tokens_output = 100,
    cost_usd = 0.00275 }

  for sender, case in pairs {
    ["LangSmith in Python, whose details are its str of a dict"] = { chat("gpt-4o", with(usage, {
      ["gen_ai.usage.input_token_details"] = "{'audio': 0, 'cache_read': 600}",
      ["gen_ai.usage.output_token_details"] = "{'audio': 0, 'reasoning': 0}",
    })), cached },
    ["LangSmith in JavaScript, whose details are JSON"] = { chat("gpt-4o", with(usage, {
      ["gen_ai.usage.input_token_details"] = '{"cache_read":600}',
    })), cached },
    ["Langfuse's OpenAI"] = { langfuse("gpt-4o", {
      prompt_tokens = 1000, completion_tokens = 100, total_tokens = 1100,
      prompt_tokens_details = { cached_tokens = 600, audio_tokens = 0 },
    }), cached },
    ["Langfuse's OpenAI Responses"] = { langfuse("gpt-4o", {
      input_tokens = 1000, output_tokens = 100, total_tokens = 1100,
      input_tokens_details = { cached_tokens = 600 },
    }), cached },
    -- Whatever LangChain tells in detail is taken out of input and output.
    ["Langfuse's LangChain"] = { langfuse("gpt-4o", {
      input = 400, output = 60, total = 1100, input_cache_read = 600, output_reasoning = 40,
      input_audio = 0, output_audio = 0,
    }), with(cached, { reasoning_tokens = 40 }) },
    -- gemini-2.5-flash: 600*0.3 + 400*1 + 100*2.5 = 180 + 400 + 250 = 830
    ["Langfuse's LangChain, with sound"] = { langfuse("gemini-2.5-flash", {
      input = 600, output = 100, total = 1100, input_audio = 400,
    }), { tokens_input = 1000, audio_input_tokens = 400, tokens_output = 100,
      cost_usd = 0.00083 } },
    -- claude-sonnet-4-5: 1000*3 + 8000*0.3 + 500*3.75 + 300*15 = 3000 + 2400 + 1875 + 4500
    ["Langfuse beside the conventions, which count the cache in"] = {
      with(chat("claude-sonnet-4-5", { ["gen_ai.usage.input_tokens"] = 9500,
        ["gen_ai.usage.output_tokens"] = 300 }), langfuse("claude-sonnet-4-5", {
        input = 1000, output = 300, input_cache_read = 8000, input_cache_write = 500,
        total = 9800,
      })),
      { tokens_input = 1000, cache_read_tokens = 8000, cache_write_tokens = 500,
        tokens_output = 300, cost_usd = 0.011775 },
    },
    ["Langfuse by hand"] = { langfuse("claude-sonnet-4-5", {
      input = 1000, output = 300, cache_read = 8000, cache_write = 500, reasoning = 100,
    }), { tokens_input = 1000, cache_read_tokens = 8000, cache_write_tokens = 500,
      tokens_output = 300, reasoning_tokens = 100, cost_usd = 0.011775 } },
    -- gemini-2.5-flash: 136*0.3 + 92*2.5 = 40.8 + 230 = 270.8
    ["Google's ADK, which counts thoughts beside the output"] = { {
      ["gen_ai.system"] = "gcp.vertex.agent", ["gen_ai.request.model"] = "gemini-2.5-flash",
      ["gen_ai.usage.input_tokens"] = 136, ["gen_ai.usage.output_tokens"] = 86,
      ["gen_ai.usage.experimental.reasoning_tokens"] = 6,
    }, { tokens_input = 136, tokens_output = 92, reasoning_tokens = 6, cost_usd = 0.0002708 } },
    ["Logfire's OpenAI, which passes on the usage"] = { chat("gpt-4o", with(usage, {
      ["gen_ai.usage.raw"] = json.encode { input_tokens = 1000, output_tokens = 100,
        total_tokens = 1100, input_tokens_details = { cached_tokens = 600 },
        output_tokens_details = { reasoning_tokens = 30 } },
    })), with(cached, { reasoning_tokens = 30 }) },
    -- claude-sonnet-4-5: 100*3 + 800*0.3 + 100*3.75 + 100*15 = 300 + 240 + 375 + 1500
    ["Logfire's Anthropic, whose input is fresh there"] = {
      chat("claude-sonnet-4-5", with(usage, {
        ["gen_ai.usage.raw"] = json.encode { input_tokens = 100, output_tokens = 100,
          cache_read_input_tokens = 800, cache_creation_input_tokens = 100 },
      })),
      { tokens_input = 100, cache_read_tokens = 800, cache_write_tokens = 100,
        tokens_output = 100, cost_usd = 0.002415 },
    },
    ["pydantic-ai's Google, with sound"] = { chat("gemini-2.5-flash", with(usage, {
      ["gen_ai.usage.details.audio_prompt_tokens"] = 400,
      ["gen_ai.usage.details.text_prompt_tokens"] = 600,
    })), { tokens_input = 1000, audio_input_tokens = 400, cost_usd = 0.00083 } },
    ["Mastra, with sound"] = { chat("gemini-2.5-flash", with(usage, {
      ["gen_ai.usage.audio_input_tokens"] = 400, ["gen_ai.usage.audio_output_tokens"] = 30,
    })), { tokens_input = 1000, audio_input_tokens = 400, audio_output_tokens = 30,
      tokens_output = 100 } },
    ["the Vercel AI SDK through OpenRouter"] = { with(usage, {
      ["ai.operationId"] = "ai.generateText.doGenerate", ["gen_ai.response.model"] = "gpt-4o",
      ["ai.response.providerMetadata"] = json.encode { openrouter = { usage = {
        promptTokens = 1000, completionTokens = 100, totalTokens = 1100,
        promptTokensDetails = { cachedTokens = 600 },
        completionTokensDetails = { reasoningTokens = 30 },
      } } },
    }), with(cached, { reasoning_tokens = 30 }) },
    -- What MLflow says is JSON, texts too.
    MLflow = { {
      ["mlflow.spanType"] = '"CHAT_MODEL"', ["mlflow.llm.model"] = '"gpt-4o"',
      ["mlflow.llm.provider"] = '"openai"',
      ["mlflow.chat.tokenUsage"] = json.encode { input_tokens = 1000, output_tokens = 100,
        total_tokens = 1100, cache_read_input_tokens = 600 },
      ["mlflow.llm.cost"] = json.encode { input_cost = 0.002, output_cost = 0.001,
        total_cost = 0.003 },
    }, with(cached, { endpoint = "chat", model = "gpt-4o", cost_usd = 0.003,
      cost_source = "reported" }) },
    ["Semantic Kernel's first versions"] = { {
      ["gen_ai.operation.name"] = "chat.completions", ["gen_ai.request.model"] = "gpt-4o",
      ["gen_ai.response.prompt_tokens"] = 1000, ["gen_ai.response.completion_tokens"] = 100,
    }, { endpoint = "chat.completions", tokens_input = 1000, tokens_output = 100,
      cost_usd = 0.0035 } },
  } do
    it(sender, function()
      send("/v1/traces", traces("test", { case[1] }))
      expect { case[2] }
    end)
  end

  it("MLflow is none around others", function()
    send("/v1/traces", traces("mlflow", {
      { ["mlflow.spanType"] = '"AGENT"', ["mlflow.llm.model"] = '"gpt-4o"',
        ["mlflow.llm.cost"] = '{"total_cost":0.003}' },
      { ["mlflow.spanType"] = '"EMBEDDING"', ["mlflow.llm.model"] = '"my-embedder"' },
    }))
    expect { { endpoint = "embeddings", model = "my-embedder" } }
  end)

  it("Semantic Kernel may fail", function()
    send("/v1/traces", traces("test", { { ["gen_ai.operation.name"] = "text.completions",
      ["gen_ai.request.model"] = "gpt-4o", ["error.type"] = "RateLimitError" } }))
    expect { { endpoint = "text.completions", status_code = 429 } }
  end)

  it("OpenLIT, LiteLLM and Spring AI may have a cost and no tokens, or neither", function()
    local function of(operation, model, cost)
      return { ["gen_ai.operation.name"] = operation, ["gen_ai.request.model"] = model,
        ["gen_ai.usage.cost"] = cost }
    end
    send("/v1/traces", traces("openlit", {
      of("image", "dall-e-3", 0.04), of("audio", "tts-1", 0.003),
      of("text_to_speech", "eleven_v2", 0.012), of("speech_to_text", "whisper-1", 0.006),
      of("avector_store_search", "gpt-4o", 0.0025), of("image", "dall-e-3"),
      of("paint", "dall-e-3", 0.08), of("paint", "dall-e-3"), of("invoke_agent", "gpt-4o", 0.5),
    }))
    expect {
      { endpoint = "image", cost_usd = 0.04 }, { endpoint = "audio", cost_usd = 0.003 },
      { endpoint = "text_to_speech", cost_usd = 0.012 },
      { endpoint = "speech_to_text", cost_usd = 0.006 },
      { endpoint = "avector_store_search", cost_usd = 0.0025 },
      { endpoint = "image", model = "dall-e-3" },
      { endpoint = "paint", cost_usd = 0.08, unknown_operation = "paint" },
    }
  end)

  it("Azure's agents is one run, however often it is asked for, and whoever tells it", function()
    local id = "run_6f1d2c3b4a5968778695a1b2"
    local function of(operation, more)
      return with({ ["gen_ai.operation.name"] = operation, ["gen_ai.request.model"] = "gpt-4o",
        ["gen_ai.thread.run.id"] = id }, more)
    end
    send("/v1/traces", traces("azure.ai.agents", {
      of "start_thread_run", of "get_thread_run", of("get_thread_run", usage),
      of("get_thread_run", usage), of("process_thread_run", usage),
    }))
    expect { { request_id = id, tokens_input = 1000, tokens_output = 100, cost_usd = 0.0035 } }
  end)

  it("LiteLLM is a batch, however often it is fetched, at the price of batches", function()
    local function of(id, more)
      return with({ ["gen_ai.operation.name"] = "aretrieve_batch", ["gen_ai.response.id"] = id,
        ["gen_ai.request.model"] = "gpt-4o" }, more)
    end
    local first, second = "batch_6f1d2c3b4a5968778695", "batch_7f1d2c3b4a5968778695"
    local told = with(usage, { ["gen_ai.cost.total_cost"] = 0.0175 })
    send("/v1/traces", traces("litellm", {
      of(first), of(first, told), of(first, told), of(second, usage),
    }))
    -- (1000*2.5 + 100*10) / 2 = 1750
    expect {
      { request_id = first, cost_usd = 0.0175, cost_source = "reported" },
      { request_id = second, cost_usd = 0.00175, tier = "batch" },
    }
  end)

  it("logs that tell of a failure, or of a cost", function()
    send("/v1/logs", logs {
      chat("gpt-4o", usage), chat("gpt-4o", { ["error.type"] = "429" }),
      chat("gpt-4o", { ["gen_ai.usage.cost"] = 0.01 }), chat "gpt-4o",
      { ["gen_ai.operation.name"] = "execute_tool", ["error.type"] = "500" },
    })
    expect {
      { endpoint = "chat", status_code = 200, cost_usd = 0.0035 },
      { endpoint = "chat", status_code = 429 },
      { endpoint = "chat", status_code = 200, cost_usd = 0.01 },
    }
  end)
end)
