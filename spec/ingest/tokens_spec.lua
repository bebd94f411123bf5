local any = require "spec.helpers.otlp_any"
local decoders = require "spec.helpers.decode"
local helpers = require "spec.helpers"

local decoder = decoders.new()
teardown(function() decoder:stop() end)

local serial = 0

-- A span with these attributes, in a trace of its own where none is given.
local function span(attributes, more)
  serial = serial + 1
  local s = {
    traceId = ("%032x"):format(serial), spanId = ("%016x"):format(serial), name = "span",
    startTimeUnixNano = "1795600000000000000", endTimeUnixNano = "1795600001500000000",
    attributes = {},
  }
  for key, value in pairs(attributes) do
    table.insert(s.attributes, { key = key, value = any(value) })
  end
  for key, value in pairs(more or {}) do
    s[key] = value
  end
  return s
end

local function decode(spans, scope)
  return decoder:json("traces", { resourceSpans = { {
    resource = { attributes = { { key = "service.name", value = any "shop" } } },
    scopeSpans = { { scope = { name = scope or "test" }, spans = spans } },
  } } })
end

local function record(attributes, scope, more)
  return decode({ span(attributes, more) }, scope).records[1]
end

local function tokens(r)
  return r and { r.tokens_input, r.tokens_output, r.cache_read_tokens, r.cache_write_tokens }
end

-- Each is a call of 1,000 fresh tokens in, 200 read from and 300 written to a
-- cache, 50 out; 1,500 of prompt in all. Sonnet 4.5: 1000*3 + 200*0.3 + 300*3.75 +
-- 50*15 = 3000 + 60 + 1125 + 750 = 4935 millionths of a dollar.
describe("the cache's tokens, in the words of", function()
  local genai =
    { ["gen_ai.operation.name"] = "chat", ["gen_ai.request.model"] = "claude-sonnet-4-5" }

  for sender, case in pairs {
    ["the GenAI conventions"] = { helpers.with(genai, {
      ["gen_ai.usage.input_tokens"] = 1500, ["gen_ai.usage.output_tokens"] = 50,
      ["gen_ai.usage.cache_read.input_tokens"] = 200,
      ["gen_ai.usage.cache_creation.input_tokens"] = 300,
    }) },
    ["the old GenAI conventions"] = { helpers.with(genai, {
      ["gen_ai.usage.prompt_tokens"] = 1500, ["gen_ai.usage.completion_tokens"] = 50,
      ["gen_ai.usage.cache_read_input_tokens"] = 200,
      ["gen_ai.usage.cache_creation_input_tokens"] = 300,
    }) },
    ["pydantic-ai"] = { helpers.with(genai, {
      ["gen_ai.usage.input_tokens"] = 1500, ["gen_ai.usage.output_tokens"] = 50,
      ["gen_ai.usage.details.cache_read_tokens"] = 200,
      ["gen_ai.usage.details.cache_write_tokens"] = 300,
      ["gen_ai.usage.details.cache_read_input_tokens"] = 200,
      ["gen_ai.usage.details.input_tokens"] = 1000,
    }) },
    ["OpenInference"] = { {
      ["openinference.span.kind"] = "LLM", ["llm.model_name"] = "claude-sonnet-4-5",
      ["llm.token_count.prompt"] = 1500, ["llm.token_count.completion"] = 50,
      ["llm.token_count.total"] = 1550, ["llm.token_count.prompt_details.cache_read"] = 200,
      ["llm.token_count.prompt_details.cache_write"] = 300,
    } },
    ["OpenLLMetry"] = { {
      ["llm.request.type"] = "chat", ["gen_ai.request.model"] = "claude-sonnet-4-5",
      ["gen_ai.usage.prompt_tokens"] = 1500, ["gen_ai.usage.completion_tokens"] = 50,
      ["llm.usage.total_tokens"] = 1550, ["gen_ai.usage.cache_read_input_tokens"] = 200,
      ["gen_ai.usage.cache_creation_input_tokens"] = 300,
    } },
    ["the Vercel AI SDK 6"] = { {
      ["ai.operationId"] = "ai.streamText.doStream", ["ai.model.id"] = "claude-sonnet-4-5",
      ["ai.model.provider"] = "anthropic.messages", ["ai.usage.inputTokens"] = 1500,
      ["ai.usage.outputTokens"] = 50, ["ai.usage.inputTokenDetails.noCacheTokens"] = 1000,
      ["ai.usage.inputTokenDetails.cacheReadTokens"] = 200,
      ["ai.usage.inputTokenDetails.cacheWriteTokens"] = 300,
    } },
    ["the Vercel AI SDK 5, whose input is Anthropic's"] = { {
      ["ai.operationId"] = "ai.generateText.doGenerate", ["ai.model.id"] = "claude-sonnet-4-5",
      ["ai.model.provider"] = "anthropic.messages", ["ai.usage.inputTokens"] = 1000,
      ["ai.usage.outputTokens"] = 50, ["ai.usage.cachedInputTokens"] = 200,
      ["ai.response.providerMetadata"] = '{"anthropic":{"cacheCreationInputTokens":300}}',
      ["ai.prompt.messages"] = "secret", ["ai.response.text"] = "secret",
    } },
    ["the Vercel AI SDK 5 through a gateway, which passes on what Anthropic says"] = { {
      ["ai.operationId"] = "ai.streamText.doStream", ["ai.model.provider"] = "gateway",
      ["ai.model.id"] = "anthropic/claude-sonnet-4.5",
      ["ai.usage.inputTokens"] = 1000, ["ai.usage.outputTokens"] = 50,
      ["ai.response.providerMetadata"] = '{"anthropic":{"usage":{"input_tokens":1000,'
        .. '"cache_read_input_tokens":200,"cache_creation_input_tokens":300}}}',
    } },
    ["MLflow"] = { {
      ["openinference.span.kind"] = "LLM", ["llm.model_name"] = "claude-sonnet-4-5",
      ["mlflow.chat.tokenUsage"] = '{"input_tokens":1500,"output_tokens":50,"total_tokens":1550,'
        .. '"cache_read_input_tokens":200,"cache_creation_input_tokens":300}',
    } },
    ["Strands, whose input is Bedrock's"] = { helpers.with(genai, {
      ["gen_ai.usage.input_tokens"] = 1000, ["gen_ai.usage.output_tokens"] = 50,
      ["gen_ai.usage.cache_read_input_tokens"] = 200,
      ["gen_ai.usage.cache_write_input_tokens"] = 300,
    }), "strands.telemetry.tracer" },
    ["anyone whose total counts the cache beside the input"] = { helpers.with(genai, {
      ["gen_ai.usage.input_tokens"] = 1000, ["gen_ai.usage.output_tokens"] = 50,
      ["gen_ai.usage.total_tokens"] = 1550,
      ["gen_ai.usage.cache_read_input_tokens"] = 200,
      ["gen_ai.usage.cache_write_input_tokens"] = 300,
    }) },
    ["anyone whose total counts only the writes beside it"] = { helpers.with(genai, {
      ["gen_ai.usage.input_tokens"] = 1200, ["gen_ai.usage.output_tokens"] = 50,
      ["gen_ai.usage.total_tokens"] = 1550,
      ["gen_ai.usage.cache_read_input_tokens"] = 200,
      ["gen_ai.usage.cache_write_input_tokens"] = 300,
    }) },
    ["Sentry"] = { helpers.with(genai, {
      ["gen_ai.usage.input_tokens"] = 1500, ["gen_ai.usage.output_tokens"] = 50,
      ["gen_ai.usage.input_tokens.cached"] = 200, ["gen_ai.usage.input_tokens.cache_write"] = 300,
    }) },
    ["Langfuse"] = { {
      ["langfuse.observation.type"] = "generation",
      ["langfuse.observation.model.name"] = "claude-sonnet-4-5",
      ["langfuse.observation.usage_details"] =
        '{"input":1000,"output":50,"cache_read_input_tokens":200,'
          .. '"cache_creation_input_tokens":300}',
    } },
  } do
    it(sender, function()
      local r = record(case[1], case[2])
      assert.same({ 1000, 50, 200, 300 }, tokens(r))
      assert.equal(0.004935, r.cost_usd)
      assert.is_nil(r.attributes)
    end)
  end

  it("Anthropic itself, smaller than the cache", function()
    local r = record(helpers.with(genai, {
      ["gen_ai.usage.input_tokens"] = 12, ["gen_ai.usage.output_tokens"] = 5,
      ["gen_ai.usage.cache_read_input_tokens"] = 200,
    }))
    assert.same({ 12, 5, 200 }, tokens(r))
  end)

  -- 300 for five minutes, 700 for an hour: 1000*3 + 300*3.75 + 700*6 = 3000 + 1125 + 4200 = 8325
  for what, told in pairs { ["and their sum"] = 1000, ["that sum to more than the sum"] = 900 } do
    it("writes for five minutes and for an hour " .. what, function()
      local r = record(helpers.with(genai, {
        ["gen_ai.usage.input_tokens"] = 2000, ["gen_ai.usage.cache_creation.input_tokens"] = told,
        ["gen_ai.usage.cache_creation.ephemeral_5m_input_tokens"] = 300,
        ["gen_ai.usage.cache_creation.ephemeral_1h_input_tokens"] = 700,
      }))
      assert.same({ 1000, 700, 0.008325 },
        { r.cache_write_tokens, r.cache_write_1h_tokens, r.cost_usd })
    end)
  end
end)

describe("reasoning", function()
  local function with(output, reasoning, total)
    return record {
      ["gen_ai.operation.name"] = "chat", ["gen_ai.request.model"] = "gemini-2.5-pro",
      ["gen_ai.usage.input_tokens"] = 100, ["gen_ai.usage.output_tokens"] = output,
      ["gen_ai.usage.reasoning.output_tokens"] = reasoning, ["gen_ai.usage.total_tokens"] = total,
    }.tokens_output
  end

  it("is inside the output", function()
    assert.equal(50, with(50, 30))
    assert.equal(50, with(50, 30, 150))
  end)

  it("stands beside it where the total says so, or where there is more of it", function()
    assert.equal(80, with(50, 30, 180))
    assert.equal(350, with(50, 300))
  end)
end)

describe("what is no text", function()
  it("is not priced as text where it has no price", function()
    local r = record {
      ["gen_ai.operation.name"] = "chat", ["gen_ai.request.model"] = "gpt-4o",
      ["gen_ai.usage.input_tokens"] = 1000, ["llm.token_count.prompt_details.audio"] = 400,
    }
    assert.same({ 400, "unknown" }, { r.audio_input_tokens, r.cost_source })
    assert.is_nil(r.cost_usd)
  end)

  it("has its own price", function()
    -- 600*0.3 + 400*1 = 580
    local r = record {
      ["gen_ai.operation.name"] = "chat", ["gen_ai.request.model"] = "gemini-2.5-flash",
      ["gen_ai.usage.input_tokens"] = 1000, ["gen_ai.usage.details.input_audio_tokens"] = 400,
    }
    assert.equal(0.00058, r.cost_usd)
  end)
end)

describe("the tier that a span names", function()
  -- gpt-5: 1000*1.25 + 100*10 = 2250; flex half of it, priority twice
  for tier, cost in pairs { default = 0.00225, flex = 0.001125, priority = 0.0045,
      scale = "unknown" } do
    it("costs what it costs: " .. tier, function()
      local r = record {
        ["gen_ai.operation.name"] = "chat", ["gen_ai.request.model"] = "gpt-5",
        ["gen_ai.usage.input_tokens"] = 1000, ["gen_ai.usage.output_tokens"] = 100,
        ["openai.response.service_tier"] = tier, ["openai.request.service_tier"] = "auto",
      }
      assert.equal(cost, r.cost_usd or r.cost_source)
    end)
  end
end)

describe("a span", function()
  local usage = { ["gen_ai.usage.input_tokens"] = 10, ["gen_ai.usage.output_tokens"] = 5 }

  local function of(operation, more)
    local attributes = { ["gen_ai.operation.name"] = operation, ["gen_ai.request.model"] = "gpt-5" }
    for _, from in ipairs { usage, more or {} } do
      for key, value in pairs(from) do
        attributes[key] = value
      end
    end
    return attributes
  end

  for _, name in ipairs {
    "chat", "text_completion", "generate_content", "embeddings", "completion", "acompletion",
    "aembedding", "aresponses", "anthropic_messages", "atext_completion", "aimage_generation",
    "arerank",
  } do
    it("is a call as " .. name, function()
      local r = record(of(name))
      assert.same({ name, 10, 5 }, { r.endpoint, r.tokens_input, r.tokens_output })
      assert.is_nil(r.unknown_operation)
    end)
  end

  for _, name in ipairs {
    "invoke_agent", "create_agent", "execute_tool", "invoke_workflow", "agent_run", "retrieval",
    "aget_responses", "acancel_responses", "adelete_responses", "count_tokens", "alist_batches",
    "health_check", "acreate_batch",
  } do
    it("generates nothing of its own as " .. name, function()
      local batch = decode { span(of(name)) }
      assert.same({}, batch.records)
      assert.equal(1, batch.recognised)
    end)
  end

  it("with a model and tokens is a row, marked, whatever its operation is called", function()
    assert.same({ "dream", "dream" },
      { record(of "dream").endpoint, record(of "dream").unknown_operation })
    local r = record({ model = "gpt-5", input_tokens = 10, output_tokens = 5 }, nil,
      { name = "my call" })
    assert.same({ "chat", "my call", 10, 5 },
      { r.endpoint, r.unknown_operation, r.tokens_input, r.tokens_output })
  end)

  it("without them is none", function()
    local batch = decode { span { ["http.request.method"] = "GET" } }
    assert.same({ 0, 0, 1 }, { #batch.records, batch.recognised, batch.items })
  end)

  it("that failed after its 200 is a failure", function()
    local r = record(of("chat", { ["http.response.status_code"] = 200 }), nil,
      { status = { code = 2, message = "the stream broke off" } })
    assert.same({ 500, "the stream broke off" }, { r.status_code, r.error_message })
    assert.equal(500, record(of("chat", { ["error.type"] = "timeout" })).status_code)
    assert.equal(500, record(of("chat", { ["ai.response.finishReason"] = "error" })).status_code)
  end)

  it("has the first of its models that is one", function()
    assert.equal("gpt-5", record(of("chat", { ["gen_ai.response.model"] = "none" })).model)
    assert.equal("gpt-5", record(of("chat", { ["gen_ai.response.model"] = "Unknown" })).model)
    assert.equal("unknown-2", record(of("chat", { ["gen_ai.response.model"] = "unknown-2" })).model)
  end)

  it("of OpenInference names its embedding's and its reranker's model", function()
    local r = record { ["openinference.span.kind"] = "EMBEDDING",
      ["embedding.model_name"] = "text-embedding-3-small", ["llm.token_count.prompt"] = 1000000 }
    assert.same({ "text-embedding-3-small", 0.02 }, { r.model, r.cost_usd })
    assert.equal("rerank-v3.5", record { ["openinference.span.kind"] = "RERANKER",
      ["reranker.model_name"] = "rerank-v3.5" }.model)
  end)

  it("may have its ids in base64", function()
    local r =
      record(of "chat", nil, { traceId = "W47/95gQOALSabYzgT/GDA==", spanId = "7uGbfsPBsXQ=" })
    assert.equal("5b8efff798103802d269b633813fc60c:eee19b7ec3c1b174", r.request_id)
  end)
end)

describe("one call that two instrumentations report", function()
  local function llm(trace, id, parent, input, response)
    return span({
      ["gen_ai.operation.name"] = "chat", ["gen_ai.request.model"] = "gpt-4o",
      ["gen_ai.usage.input_tokens"] = input, ["gen_ai.usage.output_tokens"] = 1,
      ["gen_ai.response.id"] = response,
    }, { traceId = ("%032x"):format(trace), spanId = ("%016x"):format(id), parentSpanId = parent and
      ("%016x"):format(parent) })
  end

  -- The rows as the store keeps them: by id, what is told later over what was there.
  local function rows(...)
    local by_id, n = {}, 0
    for _, spans in ipairs { ... } do
      for _, r in ipairs(decode(spans).records) do
        local known = by_id[r.request_id]
        n = known and n or n + 1
        by_id[r.request_id] = r.tokens_input or known or 0
      end
    end
    local sum = 0
    for _, input in pairs(by_id) do
      sum = sum + input
    end
    return { n, sum }
  end

  it("is one row in one export, whichever comes first", function()
    assert.same({ 1, 1000 }, rows { llm(901, 2, 1, 1000), llm(901, 1, nil, 1000) })
    assert.same({ 1, 1000 }, rows { llm(902, 1, nil, 1000), llm(902, 2, 1, 1000) })
  end)

  it("is one row in two exports, whichever comes first, again and again", function()
    local inner, outer = { llm(903, 2, 1, 1000) }, { llm(903, 1, nil, 1000) }
    assert.same({ 1, 1000 }, rows(inner, outer, inner, outer))
    inner, outer = { llm(904, 2, 1, 1000) }, { llm(904, 1, nil, 1000) }
    assert.same({ 1, 1000 }, rows(outer, inner, outer, inner))
  end)

  it("is as many rows as there are calls inside", function()
    local a, b, outer = llm(905, 2, 1, 700), llm(905, 3, 1, 300), llm(905, 1, nil, 1000)
    assert.same({ 2, 1000 }, rows({ a, b }, { outer }))
    a, b, outer = llm(906, 2, 1, 700), llm(906, 3, 1, 300), llm(906, 1, nil, 1000)
    assert.same({ 2, 1000 }, rows({ outer }, { a }, { b }, { outer }))
  end)

  it("is the innermost of three", function()
    local spans = { llm(907, 1, nil, 1000), llm(907, 2, 1, 1000), llm(907, 3, 2, 1000) }
    assert.same({ 1, 1000 }, rows { spans[3], spans[2], spans[1] })
    spans = { llm(908, 1, nil, 1000), llm(908, 2, 1, 1000), llm(908, 3, 2, 1000) }
    assert.same({ 1, 1000 }, rows { spans[1], spans[2], spans[3] })
  end)

  it("has one id from a gateway and its client, but not from two calls that a provider named alike",
      function()
    local function at(trace, id, seconds)
      local s = llm(trace, 1, nil, 100, id)
      s.endTimeUnixNano = tostring(seconds * 1000000000)
      return s
    end
    local id = "chatcmpl-0f6e2b1c-55aa-4d0e"
    assert.same({ 1, 100 }, rows { at(909, id, 1795600000), at(910, id, 1795600001) })
    assert.same({ 2, 200 },
      rows({ at(909, id, 1795600000) }, { at(911, id, 1795600600) }, { at(911, id, 1795600600) }))
    -- of few ids, what ends together with the same counts is one call
    assert.same({ 1, 100 },
      rows { at(912, "chatcmpl-373", 1795600000), at(913, "chatcmpl-373", 1795600001) })
    local other = at(914, "chatcmpl-373", 1795600001)
    other.attributes[#other.attributes + 1] =
      { key = "gen_ai.usage.input_tokens", value = { intValue = "70" } }
    assert.same({ 2, 170 }, rows({ at(912, "chatcmpl-373", 1795600000) }, { other }, { other }))
    assert.same({ 2, 200 },
      rows({ at(912, "chatcmpl-373", 1795600000) }, { at(915, "chatcmpl-373", 1795600900) }))
  end)
end)
