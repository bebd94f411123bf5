--- What spans say of their cost, and of who answered.
local decoders = require "spec.helpers.decode"

local decoder = decoders.new()
teardown(function() decoder:stop() end)

local function any(value)
  return type(value) == "number" and { doubleValue = value } or { stringValue = value }
end

local function record(attributes)
  local list = {}
  for key, value in pairs(attributes) do
    list[#list + 1] = { key = key, value = any(value) }
  end
  local span = {
    traceId = ("%032x"):format(1), spanId = ("%016x"):format(1), name = "chat",
    startTimeUnixNano = "1795600000000000000", endTimeUnixNano = "1795600001500000000",
    attributes = list,
  }
  return decoder:json("traces", {
    resourceSpans = { { scopeSpans = { { scope = { name = "test" }, spans = { span } } } } },
  }).records[1]
end

-- A call of a model without a price.
local function call(more)
  local attributes = {
    ["gen_ai.operation.name"] = "chat", ["gen_ai.request.model"] = "nobody-knows",
    ["gen_ai.usage.input_tokens"] = 1000, ["gen_ai.usage.output_tokens"] = 100,
  }
  for key, value in pairs(more) do
    attributes[key] = value
  end
  return record(attributes)
end

local function langfuse(details)
  return call { ["langfuse.observation.type"] = "generation",
    ["langfuse.observation.cost_details"] = details }
end

describe("a span's cost", function()
  for sender, r in pairs {
    ["Vercel's gateway"] = function()
      return call { ["ai.response.providerMetadata"] = '{"gateway":{"cost":"0.0015"}}' }
    end,
    ["OpenRouter's provider of the AI SDK"] = function()
      return call { ["ai.response.providerMetadata"] = '{"openrouter":{"usage":{"cost":0.0015}}}' }
    end,
    ["Laminar, in parts"] = function()
      return call { ["gen_ai.usage.input_cost"] = 0.001, ["gen_ai.usage.output_cost"] = 0.0005 }
    end,
    ["OpenInference, in parts"] = function()
      return call { ["llm.cost.prompt"] = 0.001, ["llm.cost.completion"] = 0.0005 }
    end,
    ["Langfuse"] = function() return langfuse '{"input":9,"total":0.0015}' end,
    ["Langfuse's older name"] = function() return langfuse '{"input":9,"total_cost":0.0015}' end,
    ["Langfuse, in parts"] = function()
      return langfuse '{"input":0.0007,"input_cache_read":0.0003,"output":0.0005}'
    end,
  } do
    it("is told by " .. sender, function()
      local told = r()
      assert.equal("reported", told.cost_source)
      assert.near(0.0015, told.cost_usd, 1e-12)
    end)
  end

  it("may be that of the input where nothing is put out", function()
    local r = call { ["gen_ai.usage.input_cost"] = 0.001, ["gen_ai.usage.output_tokens"] = 0 }
    assert.equal(0.001, r.cost_usd)
  end)

  for what, more in pairs {
    ["the input's part"] = { ["gen_ai.usage.input_cost"] = 0.001 },
    ["the output's part"] = { ["llm.cost.completion"] = 0.001 },
    ["a text"] = { ["langfuse.observation.type"] = "generation",
      ["langfuse.observation.cost_details"] = "cheap" },
  } do
    it("is not known by " .. what .. " alone", function()
      local r = call(more)
      assert.same({ source = "unknown" }, { source = r.cost_source, cost = r.cost_usd })
    end)
  end
end)

describe("a span's provider", function()
  for word, told in pairs {
    openai = { "openai", "OpenAI", "openai.chat", "openai.responses" },
    gemini = { "google", "gcp.gemini", "google.generative-ai", "google-gla" },
    bedrock = { "aws.bedrock", "amazon-bedrock", "AWS" },
    ["my corp"] = { "My Corp", "my corp.chat" },
  } do
    it("is one word, whatever framework tells it: " .. word, function()
      for _, provider in ipairs(told) do
        assert.equal(word, call { ["gen_ai.provider.name"] = provider }.provider)
      end
    end)
  end
end)
