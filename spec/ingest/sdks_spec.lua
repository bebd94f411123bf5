--- Calls as the SDKs that send them were seen to write them, each cut down to what it is about.
local any = require "spec.helpers.otlp_any"
local decoders = require "spec.helpers.decode"
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"

local decoder = decoders.new()
teardown(function() decoder:stop() end)

local serial = 0

-- The record of a span of half a second, from 2026-11-25T09:46:40Z on.
local function record(attributes, scope, status)
  serial = serial + 1
  local list = json.array {}
  for key, value in pairs(attributes) do
    list[#list + 1] = { key = key, value = any(value) }
  end
  return decoder:json("traces", { resourceSpans = { { scopeSpans = { {
    scope = { name = scope or "test" },
    spans = { {
      traceId = ("%032x"):format(serial), spanId = ("%016x"):format(serial), name = "span",
      startTimeUnixNano = "1795600000000000000", endTimeUnixNano = "1795600000500000000",
      attributes = list, status = status,
    } },
  } } } } }).records[1]
end

-- What a record says by the names that the expectation has.
local function expect(expected, found)
  local shown = {}
  for name in pairs(expected) do
    shown[name] = found[name]
  end
  assert.same(expected, shown)
end

local function vercel(operation, provider, model, more)
  return helpers.with({ ["ai.operationId"] = operation, ["ai.model.provider"] = provider,
    ["ai.model.id"] = model }, more)
end

local function chat(model, more)
  return helpers.with({ ["gen_ai.operation.name"] = "chat", ["gen_ai.request.model"] = model },
    more)
end

local function langfuse(more)
  return helpers.with({ ["langfuse.observation.type"] = "generation",
    ["langfuse.observation.model.name"] = "gpt-5" }, more)
end

local function langsmith(more)
  return chat("gpt-5", helpers.with({ ["langsmith.span.kind"] = "llm" }, more))
end

local function openinference(more)
  return helpers.with({ ["openinference.span.kind"] = "LLM", ["llm.model_name"] = "gpt-5" }, more)
end

local gemini = "gemini-2.5-flash"
local sonnet = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"

local function google(place, usage)
  return json.encode { [place] = { usageMetadata = usage, safetyRatings = json.null } }
end

local function bedrock(version, input, output, read, written)
  return vercel("ai.generateObject.doGenerate", "amazon-bedrock", sonnet, {
    ["ai.request.headers.user-agent"] = "ai/" .. version,
    ["ai.usage.inputTokens"] = input, ["ai.usage.outputTokens"] = output,
    ["ai.usage.totalTokens"] = input + output, ["ai.usage.cachedInputTokens"] = read,
    ["ai.response.providerMetadata"] =
      ('{"amazonBedrock":{"usage":{"cacheWriteInputTokens":%d}}}'):format(written),
  })
end

describe("the counts of", function()
  for place in pairs { google = 1, vertex = 1 } do
    -- 5094 - 2214 = 2880; 5632 = 5094 + 438 + 100: thoughts stand beside, 438 + 100 = 538
    it("the Vercel AI SDK 5 with Google, whose metadata knows the rest: " .. place, function()
      expect({ tokens_input = 2880, cache_read_tokens = 2214, tokens_output = 538,
        reasoning_tokens = 100 },
        record(vercel("ai.generateText.doGenerate", "google.generative-ai", gemini, {
          ["ai.usage.promptTokens"] = 5094, ["ai.usage.completionTokens"] = 438,
          ["gen_ai.usage.input_tokens"] = 5094, ["gen_ai.usage.output_tokens"] = 438,
          ["ai.response.providerMetadata"] = google(place, { cachedContentTokenCount = 2214,
            thoughtsTokenCount = 100, promptTokenCount = 5094, candidatesTokenCount = 438,
            totalTokenCount = 5632 }),
        })))
    end)
  end

  it("the Vercel AI SDK 6 with Google, which has thoughts inside the output", function()
    -- 2598 - 1638 = 960; 2944 = 2598 + 346
    expect({ tokens_input = 960, cache_read_tokens = 1638, tokens_output = 346,
      reasoning_tokens = 100 },
      record(vercel("ai.generateObject.doGenerate", "google.generative-ai", gemini, {
        ["ai.usage.promptTokens"] = 2598, ["ai.usage.completionTokens"] = 346,
        ["ai.response.providerMetadata"] = google("google", { cachedContentTokenCount = 1638,
          thoughtsTokenCount = 100, promptTokenCount = 2598, candidatesTokenCount = 246,
          totalTokenCount = 2944, serviceTier = "standard" }),
      })))
  end)

  it("Bedrock's objects, without the cache before the Vercel AI SDK 6", function()
    local told = { cache_read_tokens = 1450, cache_write_tokens = 320, tokens_output = 570 }
    expect(helpers.with(told, { tokens_input = 6890 }),
      record(bedrock("5.0.277", 6890, 570, 1450, 320)))
    -- 6890 - 1450 - 320
    expect(helpers.with(told, { tokens_input = 5120 }),
      record(bedrock("6.0.326", 6890, 570, 1450, 320)))
    -- 9221 - 5335 - 517
    expect({ tokens_input = 3369, cache_read_tokens = 5335, cache_write_tokens = 517 },
      record(bedrock("7.0.173", 9221, 767, 5335, 517)))
  end)

  it("Bedrock's objects that are streamed, which tell no version", function()
    local told = { ["ai.usage.inputTokens"] = 4099, ["ai.usage.outputTokens"] = 373,
      ["ai.usage.totalTokens"] = 4472, ["ai.usage.cachedInputTokens"] = 3365,
      ["ai.response.providerMetadata"] = '{"bedrock":{"usage":{"cacheWriteInputTokens":123}}}' }
    -- 4099 - 3365 - 123
    expect({ tokens_input = 611, cache_read_tokens = 3365, cache_write_tokens = 123 },
      record(vercel("ai.streamObject.doStream", "amazon-bedrock", sonnet, told)))
    -- of a text, 6 would have told noCacheTokens
    expect({ tokens_input = 4099, cache_read_tokens = 3365, cache_write_tokens = 123 },
      record(vercel("ai.streamText.doStream", "amazon-bedrock", sonnet, told)))
    -- before 5 there was no total
    expect({ tokens_input = 6204, cache_read_tokens = 960, cache_write_tokens = 222 },
      record(vercel("ai.streamObject.doStream", "amazon-bedrock", sonnet, {
        ["ai.usage.promptTokens"] = 6204, ["ai.usage.completionTokens"] = 472,
        ["ai.response.providerMetadata"] =
          '{"bedrock":{"usage":{"cacheReadInputTokens":960,"cacheWriteInputTokens":222}}}',
      })))
  end)

  local beside = { ["gen_ai.usage.input_tokens"] = 8906, ["gen_ai.usage.output_tokens"] = 858,
    ["gen_ai.usage.total_tokens"] = 9764, ["gen_ai.usage.cache_read.input_tokens"] = 2890,
    ["gen_ai.usage.cache_creation.input_tokens"] = 578 }

  it("OpenLLMetry's Anthropic in JavaScript, without the cache whatever their total", function()
    expect({ tokens_input = 8906, cache_read_tokens = 2890, cache_write_tokens = 578 },
      record(chat("claude-sonnet-4-5", beside), "@traceloop/instrumentation-anthropic"))
  end)

  it("Strands, without the cache of those models whose API leaves it out", function()
    expect({ tokens_input = 8906, cache_read_tokens = 2890 },
      record(chat("claude-sonnet-4-5", beside), "strands-agents"))
    -- 12751 - 2981
    expect({ tokens_input = 9770, cache_read_tokens = 2981 }, record(chat("gpt-5", {
      ["gen_ai.system"] = "strands-agents", ["gen_ai.usage.input_tokens"] = 12751,
      ["gen_ai.usage.output_tokens"] = 1127, ["gen_ai.usage.total_tokens"] = 13878,
      ["gen_ai.usage.cache_read.input_tokens"] = 2981,
    }), "strands-agents"))
  end)

  it("Anthropic's own SDK, with what is written for an hour and the tier", function()
    -- 10332 - 5565 - 1076 = 3691; claude-sonnet-4-5: 3691*3 + 5565*0.3 + 533*3.75 + 543*6 + 813*15
    -- = 11073 + 1669.5 + 1998.75 + 3258 + 12195 = 30194.25
    expect({ tokens_input = 3691, cache_write_tokens = 1076, cache_write_1h_tokens = 543,
      service_tier = "standard", cost_usd = 0.03019425 }, record(chat("claude-sonnet-4-5", {
      ["gen_ai.usage.input_tokens"] = 10332, ["gen_ai.usage.output_tokens"] = 813,
      ["gen_ai.usage.cache_read.input_tokens"] = 5565,
      ["gen_ai.usage.cache_write.input_tokens"] = 1076,
      ["anthropic.usage.cache_creation.ephemeral_5m_input_tokens"] = 533,
      ["anthropic.usage.cache_creation.ephemeral_1h_input_tokens"] = 543,
      ["anthropic.response.service_tier"] = "standard",
    }), "com.anthropic.sdk.typescript"))
  end)

  for tier, cost in pairs { priority = 0.05777525, flex = 0.0144438125 } do
    it("LangSmith, whose details name the tier " .. tier, function()
      -- gpt-5: 11970*1.25 + 3641*0.125 + 1347*10 = 14962.5 + 455.125 + 13470 = 28887.625;
      -- priority twice that, flex half
      expect({ tokens_input = 11970, cache_read_tokens = 3641, tokens_output = 1347,
        reasoning_tokens = 100, service_tier = tier, cost_usd = cost }, record(langsmith {
        ["gen_ai.usage.input_tokens"] = 15611, ["gen_ai.usage.output_tokens"] = 1347,
        ["gen_ai.usage.total_tokens"] = 16958,
        ["gen_ai.usage.input_token_details"] =
          ('{"audio":0,"%s_cache_read":3641,"%s":11970}'):format(tier, tier),
        ["gen_ai.usage.output_token_details"] =
          ('{"audio":0,"%s_reasoning":100,"%s":1247}'):format(tier, tier),
      }))
    end)
  end
end)

describe("a failure", function()
  local failed = { code = 2 }

  it("is what Langfuse calls one, with a status of neither and a cost of zeros", function()
    local r = record(langfuse {
      ["langfuse.observation.level"] = "ERROR",
      ["langfuse.observation.status_message"] = "Error: 429 slow down",
      ["langfuse.observation.cost_details"] = '{"input":0,"output":0,"total":0}',
    })
    expect({ status_code = 429, error_message = "Error: 429 slow down" }, r)
    assert.same({}, { r.cost_usd, r.cost_source })
    expect({ status_code = 500, error_message = "Error: overloaded" }, record(langfuse {
      ["langfuse.observation.level"] = "ERROR",
      ["langfuse.observation.status_message"] = "Error: overloaded",
    }))
    expect({ status_code = 200 }, record(langfuse { ["langfuse.observation.level"] = "WARNING" }))
  end)

  it("has no cost of zeros, while a call that counts its tokens may", function()
    expect({ cost_usd = 0, cost_source = "reported" }, record(langfuse {
      ["langfuse.observation.usage_details"] = '{"input":10,"output":5,"total":15}',
      ["langfuse.observation.cost_details"] = '{"input":0,"output":0,"total":0}',
    }))
  end)

  it("is a run of LangSmith's without an answer, which succeeds and tells of it in an event",
      function()
    local asked = { ["gen_ai.prompt"] = "{}" }
    expect({ status_code = 500 }, record(langsmith(asked), "langsmith", { code = 1 }))
    for _, answered in ipairs { { ["gen_ai.completion"] = "{}" }, {}, -- of which content is cut out
        { ["gen_ai.usage.output_tokens"] = 0 }, { ["gen_ai.response.id"] = "chatcmpl-1" } } do
      expect({ status_code = 200 }, record(langsmith(answered), "langsmith", { code = 1 }))
    end
    expect({ status_code = 200 }, record(langsmith(asked), "shop", { code = 1 }))
  end)

  for message, status in pairs {
    ["429 slow down"] = 429, ["Error: 429 slow down"] = 429, ["429"] = 429,
    ['429 {"type":"error"}'] = 429, ["RESOURCE_EXHAUSTED: 429 quota"] = 429,
    ["Error code: 401 - {'error': 'no key'}"] = 401, ["503: try later"] = 503,
    ["slow down"] = 500, ["200 is odd"] = 500, ["4290 tokens"] = 500, ["429th try"] = 500,
    ["of 429 tries"] = 500, ["max_tokens: 512 is too large"] = 500,
  } do
    it("has the status that its message begins with: " .. message, function()
      expect({ status_code = status, error_message = message },
        record(chat "gpt-5", nil, { code = 2, message = message }))
    end)
  end

  for kind, status in pairs {
    RateLimitError = 429, ["openai.RateLimitError"] = 429, rate_limit_error = 429,
    overloaded_error = 529, AuthenticationError = 401, ["503"] = 503, TypeError = 500,
  } do
    it("has the status that its kind stands for: " .. kind, function()
      expect({ status_code = status, error_type = kind },
        record(chat("gpt-5", { ["error.type"] = kind, ["http.response.status_code"] = 200 }),
          nil, failed))
    end)
  end

  it("has the status that was told, whatever its message", function()
    expect({ status_code = 400 }, record(chat("gpt-5", { ["http.response.status_code"] = 400 }),
      nil, { code = 2, message = "429 slow down" }))
  end)
end)

describe("the time to the first token", function()
  for sender, case in pairs {
    ["the Vercel AI SDK 7, in seconds"] = { 212.7, chat("gpt-5", {
      ["gen_ai.client.operation.time_to_first_chunk"] = 0.2127 }) },
    ["the Vercel AI SDK's objects"] = { 97.75, vercel("ai.streamObject.doStream", "openai.chat",
      "gpt-5", { ["ai.stream.msToFirstChunk"] = 97.75 }) },
    -- the span began at 09:46:40.000
    ["Mastra, as a time"] = { 187.0, chat("gpt-5", {
      ["mastra.completion_start_time"] = "2026-11-25T09:46:40.187Z" }) },
    ["Langfuse, as a time in JSON"] = { 76.0, langfuse {
      ["langfuse.observation.completion_start_time"] = '"2026-11-25T09:46:40.076Z"' } },
  } do
    it("is told by " .. sender, function()
      local r = record(case[2])
      assert.equal(case[1], r.ttft_ms)
      assert.is_nil(r.attributes)
    end)
  end

  it("is none before the call began, or of what is no time", function()
    for _, told in ipairs { "2026-11-25T09:46:39.187Z", "soon" } do
      assert.is_nil(record(chat("gpt-5", { ["mastra.completion_start_time"] = told })).ttft_ms)
    end
  end)
end)

describe("who called", function()
  for sender, place in pairs {
    ["the Vercel AI SDK 7"] = "ai.settings.context.", Mastra = "mastra.metadata.",
  } do
    it("is told by " .. sender, function()
      expect({ user = "user-1", session_client_id = "sess-1" }, record(chat("gpt-5", {
        [place .. "userId"] = "user-1", [place .. "sessionId"] = "sess-1" })))
    end)
  end

  it("is nobody called unknown (opencode)", function()
    assert.is_nil(record(vercel("ai.streamText.doStream", "openai.responses", "gpt-5",
      { ["ai.telemetry.metadata.userId"] = "unknown" })).user)
  end)
end)

describe("the provider", function()
  it("is LangChain's where nobody else tells it", function()
    local metadata = '{"thread_id":"t1","ls_provider":"openai"}'
    local r = record(openinference { metadata = metadata })
    assert.same({ "openai", { metadata = metadata } }, { r.provider, r.attributes })
    expect({ provider = "anthropic" },
      record(openinference { metadata = metadata, ["llm.provider"] = "anthropic" }))
    expect({ provider = "openai" },
      record(langfuse { ["langfuse.observation.metadata.ls_provider"] = "openai" }))
  end)
end)

describe("a reranking of the Vercel AI SDK", function()
  it("is one, without what it ranks", function()
    local r = record(vercel("ai.rerank.doRerank", "cohere.reranking", "rerank-v3.5", {
      ["ai.documents"] = "secret", ["ai.ranking"] = "secret", ["ai.ranking.type"] = "text" }))
    expect({ endpoint = "rerank", provider = "cohere", model = "rerank-v3.5",
      attributes = { ["ai.ranking.type"] = "text" } }, r)
  end)
end)

describe("the parameters of a call", function()
  it("tell the tier that was asked for and whether it is streamed, and are not kept", function()
    local r = record(openinference {
      ["llm.invocation_parameters"] = '{"model":"gpt-5","instructions":"secret","stream":true,'
        .. '"prediction":{"content":"secret"},"service_tier":"flex","tools":[{"name":"secret"}]}',
    })
    expect({ streaming = true, service_tier = "flex" }, r)
    assert.is_nil(r.attributes)
    assert.is_false(record(openinference {
      ["llm.invocation_parameters"] = '{"stream":false}' }).streaming)
  end)

  it("of Langfuse tell whether it is streamed, and are kept", function()
    local parameters = '{"stream":true,"temperature":0.5}'
    expect({ streaming = true, attributes = {
      ["langfuse.observation.model.parameters"] = parameters } },
      record(langfuse { ["langfuse.observation.model.parameters"] = parameters }))
  end)

  it("are in the name of the operation of the Vercel AI SDK", function()
    assert.is_true(record(vercel("ai.streamText.doStream", "openai.chat", "gpt-5")).streaming)
    assert.is_nil(record(vercel("ai.generateText.doGenerate", "openai.chat", "gpt-5")).streaming)
  end)
end)
