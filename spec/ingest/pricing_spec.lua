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
    input_cost_per_token_above_200k_tokens = 6e-06,
    output_cost_per_token_above_200k_tokens = 2.25e-05,
  },
  ["claude-opus-4-6"] = {
    input_cost_per_token = 5e-06, output_cost_per_token = 2.5e-05,
    provider_specific_entry = { fast = 6 },
  },
  ["xai/grok-9"] = { input_cost_per_token = 1e-06, output_cost_per_token = 4e-06 },
  ["thinker"] = {
    input_cost_per_token = 1e-06, output_cost_per_token = 2e-06,
    output_cost_per_reasoning_token = 5e-06,
  },
  ["dashscope/qwen-ranges"] = {
    tiered_pricing = {
      { range = { 32000, 128000 }, input_cost_per_token = 5e-07, output_cost_per_token = 2.5e-06 },
      { range = { 0, 32000 }, input_cost_per_token = 3e-07, output_cost_per_token = 1.5e-06,
        cache_read_input_token_cost = 8e-08 },
    },
  },
  ["tiers"] = {
    input_cost_per_token = 1e-06, output_cost_per_token = 4e-06,
    cache_read_input_token_cost = 1e-07, cache_read_input_token_cost_flex = 5e-08,
    input_cost_per_token_flex = 5e-07, output_cost_per_token_flex = 2e-06,
    input_cost_per_token_batches = 5e-07, output_cost_per_token_batches = 2e-06,
    input_cost_per_token_priority = 2e-06, output_cost_per_token_priority = 8e-06,
    input_cost_per_token_above_200k_tokens_priority = 4e-06,
    search_context_cost_per_query =
      { search_context_size_low = 0.025, search_context_size_medium = 0.03 },
  },
  ["ears"] = {
    input_cost_per_token = 1e-06, output_cost_per_token = 4e-06, input_cost_per_audio_token = 1e-05,
    output_cost_per_audio_token = 2e-05, output_cost_per_image_token = 3e-05,
    input_cost_per_request = 0.001,
  },
  ["strings"] = { input_cost_per_token = "1e-6", output_cost_per_token = "4e-6" },
  ["gratis"] = { input_cost_per_token = 0, output_cost_per_token = 0 },
  ["embedder"] = { input_cost_per_token = 2e-08 },
  ["ranker"] =
    { input_cost_per_token = 0, output_cost_per_token = 0, input_cost_per_query = 0.002 },
  ["per-character"] = { input_cost_per_character = 1e-06 },
  ["halves"] = {
    input_cost_per_token = 3e-06, output_cost_per_token = 1.5e-05,
    cache_read_input_token_cost = 1.2e-06,
    input_cost_per_token_above_200k_tokens = 6e-06, output_cost_per_token_above_200k_tokens = 2e-05,
    cache_read_input_token_cost_above_200k_tokens = 2e-06,
    input_cost_per_token_batches = 1.5e-06, output_cost_per_token_batches = 5e-06,
    cache_read_input_token_cost_flex = 1e-07, input_cost_per_token_priority = 6e-06,
  },
  ["hit"] = { input_cost_per_token = 1e-06, input_cost_per_token_cache_hit = 2.5e-07 },
  ["short"] = { input_cost_per_token = 1e-06, input_cost_per_token_above_570_tokens = 2e-06 },
  ["placed"] = {
    input_cost_per_token = 1e-06, output_cost_per_token = 2e-06,
    regional_endpoint_uplift_multiplier = 1.1, regional_processing_uplift_multiplier_eu = 1.2,
  },
  ["nightly"] = {
    input_cost_per_token = 1e-06, output_cost_per_token = 4e-06,
    input_cost_per_token_above_200k_tokens = 2e-06,
    off_peak_pricing = { hours_utc = "16:30-00:30", input_cost_per_token = 5e-07 },
  },
  ["weekly"] = {
    input_cost_per_token = 1e-06,
    off_peak_pricing = {
      input_cost_per_token = 5e-07, weekday_timezone = "Asia/Shanghai",
      windows = {
        { hours_utc = { "00:00-01:00", "16:00-18:00" }, weekdays = { 1, "Tuesday" } },
        { hours_utc = "00:00-00:00", weekdays = { "SAT" } },
      },
    },
  },
  ["riddle"] = {
    input_cost_per_token = 1e-06,
    off_peak_pricing = { hours_utc = "by night", input_cost_per_token = 5e-07 },
  },
  ["riddle of days"] = {
    input_cost_per_token = 1e-06,
    off_peak_pricing = { windows = { { hours_utc = "00:00-00:00", weekdays = "holidays" } } },
  },
  ["until"] = {
    input_cost_per_token = 1e-06,
    pricing_periods = {
      { effective_until = "2026-09-09T16:00:00Z", input_cost_per_token = 5e-07 },
    },
  },
  ["ft:gpt-4o-mini-2024-07-18"] = { input_cost_per_token = 3e-07, output_cost_per_token = 1.2e-06 },
}

local shanghai = { offset = function() return 8 * 3600 end }

local function find_zone(name)
  return name == "Asia/Shanghai" and shanghai or nil
end

describe("the price of a request", function()
  local table_ = pricing.from_litellm(litellm, find_zone)

  for _, case in ipairs {
    -- 12*3 + 842*15 + 51342*0.3 + 2210*3.75 = 36 + 12630 + 15402.6 + 8287.5 = 36356.1
    { "adds fresh input, output, cache reads and five-minute cache writes", "claude-sonnet-4-5",
      { input = 12, output = 842, cache_read = 51342, cache_write = 2210 }, 0.0363561 },
    -- 12*3 + 842*15 + 51342*0.3 + 210*3.75 + 2000*6 = 36 + 12630 + 15402.6 + 787.5
    -- + 12000 = 40856.1
    { "charges one-hour cache writes at their own rate", "claude-sonnet-4-5",
      { input = 12, output = 842, cache_read = 51342, cache_write = 2210, cache_write_1h = 2000 },
      0.0408561 },
    -- at the threshold: 200000*3 + 10*15 = 600150
    { "stays at the base rate at the threshold", "claude-sonnet-4-5",
      { input = 200000, output = 10 }, 0.60015 },
    -- one beyond: 200001*6 + 10*22.5 = 1200006 + 225 = 1200231
    { "charges the whole request at the tier's rate above it", "claude-sonnet-4-5",
      { input = 200001, output = 10 }, 1.200231 },
    -- 1*6 + 200000*0.3 (the tier has no cache rate of its own) + 10*22.5 = 6 + 60000 + 225 = 60231
    { "counts cache reads as part of the prompt when it picks the tier", "claude-sonnet-4-5",
      { input = 1, cache_read = 200000, output = 10 }, 0.060231 },
    -- (1000*5 + 100*25) * 6 = 7500 * 6 = 45000
    { "multiplies by the fast factor in fast mode", "claude-opus-4-6",
      { input = 1000, output = 100, speed = "fast" }, 0.045 },
    { "leaves it out otherwise", "claude-opus-4-6", { input = 1000, output = 100 }, 0.0075 },
    -- reads 1000*0.5 + five minutes 1000*6.25 + one hour 1000*10 = 500 + 6250 + 10000 = 16750
    { "derives missing cache rates from the input rate", "claude-opus-4-6",
      { cache_read = 1000, cache_write = 2000, cache_write_1h = 1000 }, 0.01675 },
    -- 100*1 + 30*2 + 70*5 = 510
    { "charges reasoning at its own rate where there is one", "thinker",
      { input = 100, output = 100, reasoning = 70 }, 0.00051 },
    -- at the end of a range: 32000*0.3 + 10*1.5 = 9615; beyond: 32001*0.5 + 10*2.5 = 16025.5
    { "takes the range that the prompt ends in", "dashscope/qwen-ranges",
      { input = 32000, output = 10 }, 0.009615 },
    { "and the whole prompt at its rate", "dashscope/qwen-ranges", { input = 32001, output = 10 },
      0.0160255 },
    -- 31000*0.3 + 1000*0.08 = 9380
    { "reads caches at a range's own rate", "dashscope/qwen-ranges",
      { input = 31000, cache_read = 1000 }, 0.00938 },
    -- the last range is for whatever is longer: 200000*0.5 = 100000
    { "has no end above the last range", "dashscope/qwen-ranges", { input = 200000 }, 0.1 },
    -- 1000*0.5 + 2000*0.05 + 100*2 = 800
    { "has a flex tier", "tiers", { input = 1000, cache_read = 2000, output = 100, tier = "flex" },
      0.0008 },
    { "has batches", "tiers", { input = 1000, output = 100, tier = "batch" }, 0.0007 },
    -- 1000*2 + 100*8 = 2800
    { "has a priority tier, also in Google's word", "tiers",
      { input = 1000, output = 100, tier = "ON_DEMAND_PRIORITY" }, 0.0028 },
    -- 200001*4 + 1*8 = 800012
    { "has a priority tier of long prompts", "tiers",
      { input = 200001, output = 1, tier = "priority" }, 0.800012 },
    { "knows what stands for the standard tier", "tiers",
      { input = 1000, tier = "default" }, 0.001 },
    -- 1000*1 and two searches of 0.03
    { "adds searches", "tiers", { input = 1000, web_searches = 2 }, 0.061 },
    -- text 900*1 + sound 100*10 + text 50*4 + sound 50*20 = 900 + 1000 + 200 + 1000
    -- = 3100, and 0.001 a request
    { "charges sound at its own rate, and the request", "ears",
      { input = 1000, audio_input = 100, output = 100, audio_output = 50 }, 0.0041 },
    -- text 60*4 + pictures 40*30 = 1440, and 0.001
    { "charges pictures at their own rate", "ears", { output = 100, image_output = 40 }, 0.00244 },
    { "reads rates that are strings", "strings", { input = 1000000 }, 1 },
    { "may be nothing", "gratis", { input = 1000, output = 10, cache_read = 50 }, 0 },
    { "needs no output rate where nothing is put out", "embedder", { input = 1000000 }, 0.02 },
    { "reads the cache's rate in its old name", "hit", { cache_read = 1000 }, 0.00025 },
    { "has thresholds that are no thousands", "short", { input = 570 }, 0.00057 },
    { "and is dearer beyond one", "short", { input = 571 }, 0.001142 },

    -- A batch is half of the input's price and a third of the output's: 1000*1.2*0.5 = 600
    { "has a tier's missing rate of the cache from what its input costs", "halves",
      { cache_read = 1000, tier = "batch" }, 0.0006 },
    -- 300000*6*0.5 + 30*20/3 = 900000 + 200
    { "and its missing rates above a threshold", "halves",
      { input = 300000, output = 30, tier = "batch" }, 0.9002 },
    { "and both", "halves", { cache_read = 300000, tier = "batch" }, 0.3 },
    -- four times the input's rate: 250000*4 + 1000*0.1*4, and output at the tier's own 8
    { "and that of the cache above the tier's own threshold", "tiers",
      { input = 250000, cache_read = 1000, output = 100, tier = "priority" }, 1.0012 },

    { "is that of the data's residence", "placed", { input = 1000, geo = "eu" }, 0.0012 },

    { "is the cheaper one in its hours", "nightly",
      { input = 1000, output = 100, time = "2026-09-07T16:30:00Z" }, 0.0009 },
    { "also after midnight", "nightly", { input = 1000, time = "2026-09-08T00:29:59Z" }, 0.0005 },
    { "and not later", "nightly", { input = 1000, time = "2026-09-08T00:30:00Z" }, 0.001 },
    { "for a prompt of any length", "nightly",
      { input = 300000, time = 1788800400 }, 0.15 }, -- 2026-09-07T17:00:00Z
    { "whose own rate above a threshold is that of other hours", "nightly",
      { input = 300000, time = 1788782400000000000 }, 0.6 }, -- 12:00, in nanoseconds
    -- Monday the 7th in Shanghai is from Sunday 16:00 in UTC on
    { "on some days of the week", "weekly", { input = 1000, time = "2026-09-06T16:00:00Z" },
      0.0005 },
    { "of a zone's calendar", "weekly", { input = 1000, time = "2026-09-08T16:00:00Z" }, 0.001 },
    { "in each of several windows", "weekly", { input = 1000, time = "2026-09-12T12:00:00Z" },
      0.0005 },
  } do
    local sentence, model, usage, expected = table.unpack(case)
    it(sentence, function()
      assert.equal(expected, pricing.cost(table_[model], usage))
    end)
  end

  for _, case in ipairs {
    { "a tier without a price", "tiers", { input = 1000, tier = "scale" } },
    { "a tier of a model that has none", "claude-opus-4-6", { input = 1000, tier = "batch" } },
    { "fast mode of a model that has none", "claude-sonnet-4-5", { input = 1000, speed = "fast" } },
    { "a place without a price", "claude-opus-4-6", { input = 1000, geo = "eu" } },
    { "a search without a price", "claude-opus-4-6", { input = 1000, web_searches = 1 } },
    { "sound without a rate", "tiers", { input = 1000, audio_input = 1 } },
    { "pictures without a rate", "ears", { input = 1000, image_input = 1 } },
    { "output without a rate", "embedder", { input = 1000, output = 1 } },
    { "a tier that tells no rate of its own but the cache's", "halves",
      { input = 1000, tier = "flex" } },
    { "output in a tier that tells the input's rate only", "halves",
      { output = 1000, tier = "priority" } },
    { "a price by the hour without the request's time", "nightly", { input = 1000 } },
    { "hours that nobody understands", "riddle", { input = 1000, time = 1788800400 } },
    { "and days", "riddle of days", { input = 1000, time = 1788800400 } },
    { "a price that changes on a day", "until", { input = 1000, time = 1788800400 } },
  } do
    local what, model, usage = table.unpack(case)
    it("is unknown for " .. what, function()
      assert.is_nil(pricing.cost(table_[model], usage))
    end)
  end

  for _, model in ipairs { "sample_spec", "ranker", "per-character" } do
    it("is no price per token for " .. model, function()
      assert.is_nil(table_[model])
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
    assert.equal(0.0500255,
      pricing.cost(prices["claude-haiku-5-5"], { input = 100001, output = 10 }))
  end)
end)

describe("a model's name", function()
  local table_ = pricing.new(pricing.from_litellm(litellm))
  local sonnet = table_:rates("claude-sonnet-4-5")

  for _, name in ipairs {
    "claude-sonnet-4-5-20250929", "claude-sonnet-4-5[1m]", "claude-sonnet-4-5-20250929[1m]",
    "anthropic/claude-sonnet-4-5", "openrouter/anthropic/claude-sonnet-4.5",
    "claude-sonnet-4-5@20250929", "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5-latest",
    "anthropic.claude-sonnet-4-5-v1", "global.anthropic.claude-sonnet-4-5-v1:1m",
    "claude-sonnet-4-5@default", "anthropic/claude-sonnet-4.5:thinking",
    "claude-sonnet-4-5-20250929-thinking",
    "bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "vertex_ai/claude-sonnet-4-5@20250929",
    "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/"
      .. "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "projects/p/locations/global/publishers/anthropic/models/claude-sonnet-4-5",
    "anthropic:claude-sonnet-4-5",
    "claude-4.5-sonnet", "claude-4-5-sonnet-20250929", "anthropic--claude-4.5-sonnet",
    "databricks-claude-sonnet-4-5", "Claude Sonnet 4.5", "Anthropic/Claude-Sonnet-4.5:nitro",
  } do
    it("is found as " .. name, function()
      assert.equal(sonnet, table_:rates(name))
    end)
  end

  for _, name in ipairs { "claude-sonnet-4-55", "claude-sonnet-4-5-2025092", "sample_spec", "",
      "gpt" } do
    it(("is unknown as %q"):format(name), function()
      assert.is_nil(table_:rates(name))
    end)
  end

  it("is found behind its provider", function()
    assert.is_nil(table_:rates("grok-9"))
    assert.equal(1, table_:rates("grok-9", "xai").input)
  end)

  it("may be a router's free offer", function()
    assert.equal(0,
      pricing.cost(table_:rates("meta-llama/llama-9:free"), { input = 1000, output = 10 }))
  end)

  -- Opus 4.6: 1000*5 + 100*25 = 7500; a tenth more where it is kept in a region,
  -- Opus 4.1 (15, 75) never
  for model, cost in pairs {
    ["us.anthropic.claude-opus-4-6-v1"] = 0.00825,
    ["bedrock/eu.anthropic.claude-opus-4-5-20251101-v1:0"] = 0.00825,
    ["projects/p/locations/us-east5/publishers/anthropic/models/claude-opus-4-6@20260205"] =
      0.00825,
    ["global.anthropic.claude-opus-4-6-v1"] = 0.0075,
    ["anthropic.claude-opus-4-6-v1"] = 0.0075,
    ["us.anthropic.claude-opus-4-1-20250805-v1:0"] = 0.0225,
    ["gpt-5.1-2025-11-13"] = 0.00225, -- 1000*1.25 + 100*10
    ["azure/gpt-5.1-high"] = 0.00225,
    ["bedrock/us-gov-west-1/anthropic.claude-opus-4-6-v1"] = 0.00825,
    ["vertex_ai/us-east5/claude-opus-4-6"] = 0.00825,
    ["anthropic/claude-opus-4.6:beta"] = 0.0075,
    ["azure/eu/gpt-5.1-2025-11-13"] = 0.002475, ["azure/global-standard/gpt-5.1"] = 0.00225,
    ["openai/gpt-4o-2024-11-20"] = 0.0035, -- 1000*2.5 + 100*10
    ["models/gemini-2.5-pro-preview-06-05"] = 0.00225, -- 1000*1.25 + 100*10
    ["gemini-2.5-flash-001"] = 0.00055, -- 1000*0.3 + 100*2.5
  } do
    it("costs what it costs as " .. model, function()
      local rates = pricing.new(prices):rates(model)
      assert.equal(cost, pricing.cost(rates, { input = 1000, output = 100 }))
    end)
  end

  for provider, words in pairs {
    vertex_ai = { "gcp.vertex_ai", "google-vertex", "google.vertex.chat", "VertexAI" },
    groq = { "groq.chat", "Groq" },
    fireworks_ai = { "fireworks", "fireworks.chat", "Fireworks AI" },
    together_ai = { "togetherai.chat", "together", "together_ai" },
    azure = { "az.ai.openai", "azure.responses", "Azure OpenAI" },
    azure_ai = { "az.ai.inference", "azure.ai.inference" }, xai = { "x_ai", "xai.chat" },
    mistral = { "mistral_ai", "mistralai", "MistralAI", "mistral.chat" }, ["my-own"] = { "My-Own" },
  } do
    for _, word in ipairs(words) do
      it("is found behind its provider as " .. word, function()
        local own = pricing.new { [provider .. "/m"] = { input = 1 }, m = { input = 9 } }
        assert.equal(1, own:rates("m", word).input)
      end)
    end
  end

  it("is found behind its provider as it was told first", function()
    local own = pricing.new { ["Groq/m"] = { input = 1 }, ["groq/m"] = { input = 9 } }
    assert.equal(1, own:rates("m", "Groq").input)
  end)

  it("of a fine-tuned model has the price of such a one, never that of the plain model", function()
    local own = pricing.new(pricing.from_litellm(litellm), prices)
    for _, owner in ipairs { "acme::9aBc", "acme:suffix:123", "acme:suffix:9aBc:ckpt-step-90" } do
      assert.equal(0.3, own:rates("ft:gpt-4o-mini-2024-07-18:" .. owner).input)
      assert.equal(0.3, own:rates("openai/ft:gpt-4o-mini-2024-07-18:" .. owner).input)
    end
    assert.is_nil(own:rates "ft:gpt-4o-2024-08-06:acme::9aBc")
  end)

  it("of a Vertex location costs what the file says of such", function()
    local own = pricing.new(pricing.from_litellm(litellm))
    local path = "projects/p/locations/%s/publishers/google/models/placed"
    for place, cost in pairs { ["us-east1"] = 0.0011, global = 0.001 } do
      assert.equal(cost, pricing.cost(own:rates(path:format(place)), { input = 1000 }))
    end
  end)

  it("is looked for in the overrides first", function()
    local own =
      pricing.new({ ["grok-9"] = { input = 7, output = 8 } }, pricing.from_litellm(litellm))
    assert.equal(7, own:rates("grok-9", "xai").input)
  end)

  it("is answered right after more names than are remembered", function()
    for i = 1, 2500 do
      assert.is_nil(table_:rates("nobody-" .. i))
    end
    assert.equal(sonnet, table_:rates("claude-sonnet-4-5"))
  end)
end)

describe("a price file that knows less", function()
  local file = pricing.from_litellm {
    ["claude-sonnet-4-5"] = { input_cost_per_token = 4e-06, output_cost_per_token = 2e-05 },
    ["gpt-5"] = { input_cost_per_token = 2e-06, input_cost_per_token_flex = 1.5e-06 },
  }
  local table_ = pricing.new(file, prices)

  for _, case in ipairs {
    { "claude-sonnet-4-5", { input = 1000 }, 0.004 },
    { "claude-sonnet-4-5", { input = 1000, tier = "batch" }, 0.002 },
    { "claude-sonnet-4-5", { input = 1000, web_searches = 1 }, 0.014 },
    { "us.anthropic.claude-sonnet-4-5-20250929-v1:0", { input = 1000 }, 0.0044 },
    { "gpt-5", { input = 1000, tier = "flex" }, 0.0015 },
    { "gpt-5", { input = 1000, tier = "priority" }, 0.004 },
  } do
    local model, usage, cost = table.unpack(case)
    it(("has the built-in factors: %s in %s"):format(model, usage.tier or "its place"), function()
      assert.equal(cost, pricing.cost(table_:rates(model), usage))
    end)
  end

  it("has no threshold of theirs", function()
    assert.equal(1.2, pricing.cost(table_:rates("claude-sonnet-4-5"), { input = 300000 }))
  end)
end)

describe("a record's cost", function()
  local table_ = pricing.new(prices)

  for _, case in ipairs {
    { "is what the sender reports", { model = "claude-sonnet-4-5", tokens_input = 12 }, 0.5, 0.5,
      "reported" },
    { "may be reported as zero", { model = "claude-sonnet-4-5", tokens_input = 12 }, 0, 0,
      "reported" },
    { "is computed when none is reported",
      { model = "claude-sonnet-4-5", tokens_input = 1000 }, nil, 0.003, "computed" },
    { "is computed when a negative one is reported",
      { model = "claude-sonnet-4-5", tokens_input = 1000 }, -1, 0.003, "computed" },
    { "is unknown for a model without a price", { model = "llama-at-home", tokens_output = 5 }, nil,
      nil, "unknown" },
    { "is unknown without a model", { tokens_output = 5 }, nil, nil, "unknown" },
    { "is no subject without tokens", { model = "claude-sonnet-4-5" }, nil, nil, nil },
    -- 100k in, 10k out of Sonnet 4.5: 0.3 + 0.15; half of it in batches; three searches at a cent
    { "knows batches", { model = "claude-sonnet-4-5", tokens_input = 100000, tokens_output = 10000,
      service_tier = "batch" }, nil, 0.225, "computed" },
    { "knows searches", { model = "claude-sonnet-4-5", tokens_input = 100000, tokens_output = 10000,
      service_tier = "standard", web_searches = 3 }, nil, 0.48, "computed" },
    -- of Opus 4.6: 0.5 + 0.25, a tenth more in the US
    { "knows where the model runs",
      { model = "claude-opus-4-6", tokens_input = 100000, tokens_output = 10000,
      inference_geo = "us" }, nil, 0.825, "computed" },
    { "is unknown for a tier without a price", { model = "claude-sonnet-4-5", tokens_input = 100000,
      service_tier = "priority" }, nil, nil, "unknown" },
    -- (1000*4 + 100*20) * 2 = 12000
    { "knows fast mode",
      { model = "claude-opus-5-5", tokens_input = 1000, tokens_output = 100, speed = "fast" }, nil,
      0.012, "computed" },
  } do
    local sentence, record, reported, cost, source = table.unpack(case, 1, 5)
    it(sentence, function()
      table_:settle(record, reported)
      assert.equal(cost, record.cost_usd)
      assert.equal(source, record.cost_source)
    end)
  end
end)
