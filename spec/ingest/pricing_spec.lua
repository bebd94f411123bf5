local pricing = require "lib.pricing"
local prices = require "lib.prices"

-- Figures below are worked out by hand from the rates in dollars per million tokens.

local litellm = {
  sample_spec = { input_cost_per_token = "LiteLLM's first entry explains itself in strings" },
  ["claude-sonnet-4-5"] = {
    litellm_provider = "anthropic", mode = "chat", max_input_tokens = 200000,
    input_cost_per_token = 3e-06, output_cost_per_token = 1.5e-05,
    cache_read_input_token_cost = 3e-07, cache_creation_input_token_cost = 3.75e-06,
    cache_creation_input_token_cost_above_1hr = 6e-06,
    input_cost_per_token_above_200k_tokens = 6e-06, output_cost_per_token_above_200k_tokens = 2.25e-05,
  },
  ["claude-opus-4-6"] = {
    input_cost_per_token = 5e-06, output_cost_per_token = 2.5e-05, provider_specific_entry = { fast = 6 },
  },
  ["xai/grok-9"] = { input_cost_per_token = 1e-06, output_cost_per_token = 4e-06 },
  ["thinker"] = {
    input_cost_per_token = 1e-06, output_cost_per_token = 2e-06, output_cost_per_reasoning_token = 5e-06,
  },
}

describe("the price of a request", function()
  local table_ = pricing.from_litellm(litellm)

  for _, case in ipairs {
    -- 12*3 + 842*15 + 51342*0.3 + 2210*3.75 = 36 + 12630 + 15402.6 + 8287.5 = 36356.1
    { "adds fresh input, output, cache reads and five-minute cache writes", "claude-sonnet-4-5",
      { input = 12, output = 842, cache_read = 51342, cache_write = 2210 }, 0.0363561 },
    -- 12*3 + 842*15 + 51342*0.3 + 210*3.75 + 2000*6 = 36 + 12630 + 15402.6 + 787.5 + 12000 = 40856.1
    { "charges one-hour cache writes at their own rate", "claude-sonnet-4-5",
      { input = 12, output = 842, cache_read = 51342, cache_write = 2210, cache_write_1h = 2000 }, 0.0408561 },
    -- at the threshold: 200000*3 + 10*15 = 600150
    { "stays at the base rate at the threshold", "claude-sonnet-4-5", { input = 200000, output = 10 }, 0.60015 },
    -- one beyond: 200001*6 + 10*22.5 = 1200006 + 225 = 1200231
    { "charges the whole request at the tier's rate above it", "claude-sonnet-4-5",
      { input = 200001, output = 10 }, 1.200231 },
    -- 1*6 + 200000*0.3 (the tier has no cache rate of its own) + 10*22.5 = 6 + 60000 + 225 = 60231
    { "counts cache reads as part of the prompt when it picks the tier", "claude-sonnet-4-5",
      { input = 1, cache_read = 200000, output = 10 }, 0.060231 },
    -- (1000*5 + 100*25) * 6 = 7500 * 6 = 45000
    { "multiplies by the fast factor in fast mode", "claude-opus-4-6",
      { input = 1000, output = 100, fast = true }, 0.045 },
    { "leaves it out otherwise", "claude-opus-4-6", { input = 1000, output = 100 }, 0.0075 },
    -- reads 1000*0.5 + five minutes 1000*6.25 + one hour 1000*10 = 500 + 6250 + 10000 = 16750
    { "derives missing cache rates from the input rate", "claude-opus-4-6",
      { cache_read = 1000, cache_write = 2000, cache_write_1h = 1000 }, 0.01675 },
    -- 100*1 + 30*2 + 70*5 = 510
    { "charges reasoning at its own rate where there is one", "thinker",
      { input = 100, output = 100, reasoning = 70 }, 0.00051 },
  } do
    local sentence, model, usage, expected = table.unpack(case)
    it(sentence, function()
      assert.equal(expected, pricing.cost(table_[model], usage))
    end)
  end

  it("is the same from the built-in table", function()
    local usage = { input = 12, output = 842, cache_read = 51342, cache_write = 2210 }
    assert.equal(0.0363561, pricing.cost(prices["claude-sonnet-4-5"], usage))
  end)

  -- 272001*4 + 10*15 = 1088154; at the threshold 272000*2 + 10*10 = 544100
  it("knows the long context of OpenAI's models", function()
    assert.equal(1.088154, pricing.cost(prices["gpt-6-sol"], { input = 272001, output = 10 }))
    assert.equal(0.5441, pricing.cost(prices["gpt-6-sol"], { input = 272000, output = 10 }))
  end)

  -- 100001*0.5 + 10*2.5 = 50000.5 + 25 = 50025.5
  it("follows thresholds other than 200,000", function()
    assert.equal(0.0500255, pricing.cost(prices["claude-haiku-5-5"], { input = 100001, output = 10 }))
  end)
end)

describe("a model's name", function()
  local table_ = pricing.new(pricing.from_litellm(litellm))
  local sonnet = table_:rates("claude-sonnet-4-5")

  for _, name in ipairs {
    "claude-sonnet-4-5-20250929", "claude-sonnet-4-5[1m]", "claude-sonnet-4-5-20250929[1m]",
    "anthropic/claude-sonnet-4-5", "openrouter/anthropic/claude-sonnet-4.5", "claude-sonnet-4-5@20250929",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "claude-sonnet-4-5-latest",
  } do
    it("is found as " .. name, function()
      assert.equal(sonnet, table_:rates(name))
    end)
  end

  for _, name in ipairs { "claude-sonnet-4-55", "claude-sonnet-4-5-2025092", "sample_spec", "", "gpt" } do
    it(("is unknown as %q"):format(name), function()
      assert.is_nil(table_:rates(name))
    end)
  end

  it("is found behind its provider", function()
    assert.is_nil(table_:rates("grok-9"))
    assert.equal(1, table_:rates("grok-9", "xai").input)
  end)

  it("is looked for in the overrides first", function()
    local own = pricing.new({ ["grok-9"] = { input = 7, output = 8 } }, pricing.from_litellm(litellm))
    assert.equal(7, own:rates("grok-9", "xai").input)
  end)

  it("is answered right after more names than are remembered", function()
    for i = 1, 2500 do
      assert.is_nil(table_:rates("nobody-" .. i))
    end
    assert.equal(sonnet, table_:rates("claude-sonnet-4-5"))
  end)
end)

describe("a record's cost", function()
  local table_ = pricing.new(prices)

  for _, case in ipairs {
    { "is what the sender reports", { model = "claude-sonnet-4-5", tokens_input = 12 }, 0.5, 0.5, "reported" },
    { "may be reported as zero", { model = "claude-sonnet-4-5", tokens_input = 12 }, 0, 0, "reported" },
    { "is computed when none is reported",
      { model = "claude-sonnet-4-5", tokens_input = 1000 }, nil, 0.003, "computed" },
    { "is computed when a negative one is reported",
      { model = "claude-sonnet-4-5", tokens_input = 1000 }, -1, 0.003, "computed" },
    { "is unknown for a model without a price", { model = "llama-at-home", tokens_output = 5 }, nil, nil, "unknown" },
    { "is unknown without a model", { tokens_output = 5 }, nil, nil, "unknown" },
    { "is no subject without tokens", { model = "claude-sonnet-4-5" }, nil, nil, nil },
    -- (1000*4 + 100*20) * 2 = 12000
    { "knows fast mode",
      { model = "claude-opus-5-5", tokens_input = 1000, tokens_output = 100, speed = "fast" }, nil, 0.012, "computed" },
  } do
    local sentence, record, reported, cost, source = table.unpack(case, 1, 5)
    it(sentence, function()
      table_:settle(record, reported)
      assert.equal(cost, record.cost_usd)
      assert.equal(source, record.cost_source)
    end)
  end
end)
