package.loaded.json = package.loaded.json or require "spec.helpers.server_json"
local json = require "spec.helpers.json"
local litellm = require "ingest.litellm"
local pricing = require "lib.pricing"

local prices = pricing.new(require "lib.prices")

local function row(more)
  local r = {
    id = "chatcmpl-6f1d2c3b4a5968778695", call_id = "call-1", call_type = "acompletion",
    status = "success", custom_llm_provider = "anthropic", model = "claude-sonnet-4-6",
    startTime = 1795600000, endTime = 1795600002,
    prompt_tokens = 1500, completion_tokens = 50, total_tokens = 1550, metadata = {},
  }
  for key, value in pairs(more or {}) do
    r[key] = value
  end
  return r
end

local function decode(...)
  return litellm.decode(json.encode(json.array { ... }), prices)
end

local function usage(details, more)
  local u = { prompt_tokens = 1500, completion_tokens = 50, prompt_tokens_details = details }
  for key, value in pairs(more or {}) do
    u[key] = value
  end
  return { metadata = { usage_object = u } }
end

describe("LiteLLM's cache writes", function()
  -- of 1,500: 1,000 fresh, 200 read, 300 written: 1000*3 + 200*0.3 + 300*3.75 + 50*15 = 4935
  for name, case in pairs {
    ["of Anthropic"] = usage({ cached_tokens = 200, cache_creation_tokens = 300 }),
    ["of OpenRouter and OpenAI"] = usage({ cached_tokens = 200, cache_write_tokens = 300 }),
    ["at the top of the usage"] =
      usage(nil, { cache_read_input_tokens = 200, cache_creation_input_tokens = 300 }),
    ["in two parts"] = usage {
      cached_tokens = 200, cache_creation_token_details = { ephemeral_5m_input_tokens = 300 },
    },
  } do
    it(name .. " are read", function()
      local r = decode(row(case)).records[1]
      assert.same({ 1000, 200, 300, 50, 0.004935 },
        { r.tokens_input, r.cache_read_tokens, r.cache_write_tokens, r.tokens_output, r.cost_usd })
    end)
  end
end)

describe("LiteLLM's spend logs", function()
  local told = { cache_read_input_tokens = 200, cache_creation_input_tokens = 300,
    prompt_tokens_details = { cached_tokens = 200 } }

  local function counts(metadata)
    local r = decode(row { metadata = metadata }).records[1]
    return { r.tokens_input, r.cache_read_tokens, r.cache_write_tokens }
  end

  it("tell of the cache in the usage, or in additional_usage_values", function()
    local metadata = { additional_usage_values = told }
    assert.same({ 1000, 200, 300 }, counts(metadata))
    assert.same({ 1000, 200, 300 }, counts(json.encode(metadata)))
    metadata.usage_object = { prompt_tokens = 1500, cache_read_input_tokens = 500 }
    assert.same({ 1000, 500 }, counts(metadata))
    metadata.usage_object = {}
    assert.same({ 1000, 200, 300 }, counts(metadata))
  end)

  it("come in pages too", function()
    local batch = decode { data = { row(), row { id = "chatcmpl-7f1d2c3b4a5968778695" }, 7 },
      total = 3, page = 1 }
    assert.same({ 2, "chatcmpl-7f1d2c3b4a5968778695", 1 },
      { #batch.records, batch.records[2].request_id, batch.rejected })
    assert.truthy(batch.errors[1]:find("element 3", 1, true))
    assert.same({ 0, 0 }, { #decode({ data = {} }).records, decode({ data = {} }).rejected })
  end)

  it("are no requests where they are summed up by day", function()
    local batch = decode({ startTime = "2026-11-27", spend = 4.5, models = { ["gpt-4o"] = 4.5 } },
      { model = "gpt-4o", total_spend = 4.5 })
    assert.same({ 0, 2 }, { #batch.records, batch.rejected })
    assert.truthy(batch.errors[1]:find("it needs an id", 1, true))
  end)
end)

describe("LiteLLM's ids", function()
  local function ids(...)
    local found = {}
    for i, r in ipairs(decode(...).records) do
      found[i] = r.request_id
    end
    return found
  end

  it("are the provider's", function()
    assert.same({ "chatcmpl-6f1d2c3b4a5968778695" }, ids(row()))
  end)

  it("have the call's where the provider gives out few", function()
    local one, two = row { id = "chatcmpl-42" }, row { id = "chatcmpl-42", call_id = "call-2" }
    assert.same({ "chatcmpl-42/call-1", "chatcmpl-42/call-2", "chatcmpl-42/call-1" },
      ids(one, two, one))
  end)

  it("have the call's where the provider gave one out before", function()
    local one = row { id = "gen-a1b2c3d4e5f6" }
    local two = row { id = "gen-a1b2c3d4e5f6", call_id = "call-2", startTime = 1795600600,
      endTime = 1795600602 }
    assert.same({ "gen-a1b2c3d4e5f6", "gen-a1b2c3d4e5f6/call-2" }, ids(one, two))
    assert.same({ "gen-a1b2c3d4e5f6/call-2", "gen-a1b2c3d4e5f6" }, ids(two, one))
    -- LiteLLM's own cache answers at once with the id of the first
    local hit = row { id = "gen-a1b2c3d4e5f6", call_id = "call-3", cache_hit = true,
      response_cost = 0 }
    assert.same({ "gen-a1b2c3d4e5f6/call-3" }, ids(hit))
  end)

  it("are made of any call's, however long", function()
    local function long(end_of_id)
      return row { id = "chatcmpl-43", call_id = ("\u{E9}"):rep(35000) .. end_of_id }
    end
    local found = ids(long "1", long "22", long "1", row { id = "chatcmpl-43" })
    local kept = "chatcmpl-43/" .. ("\u{E9}"):rep(99)
    assert.same({ kept .. "1", kept .. "22", kept .. "1", "chatcmpl-43/call-1" }, found)
  end)
end)

describe("what generates nothing", function()
  for _, kind in ipairs { "aget_responses", "acancel_responses", "adelete_responses",
    "alist_batches", "acount_tokens",
                          "afile_retrieve", "aretrieve_batch", "acreate_batch", "health_check" } do
    it(("is an event and no request: %s"):format(kind), function()
      local none = kind == "aretrieve_batch"
        and { total_tokens = 0, prompt_tokens = 0, completion_tokens = 0 } or {}
      none.call_type = kind
      local batch = decode(row(none))
      assert.same({ 0, 0, kind }, { #batch.records, batch.rejected, batch.events[1].name })
    end)
  end

  it("is a tool, or what has no model, where it costs nothing", function()
    local free = { total_tokens = 0, prompt_tokens = 0, completion_tokens = 0, response_cost = 0 }
    for call_type, model in pairs { call_mcp_tool = "MCP: github-search_issues",
      avector_store_search = "", avideo_content = "" } do
      free.call_type, free.model, free.response_cost, free.status = call_type, model, 0, "success"
      assert.same({ 0, 1 }, { #decode(row(free)).records, #decode(row(free)).events }, call_type)
      free.response_cost = 0.01
      assert.equal(0.01, decode(row(free)).records[1].cost_usd, call_type)
    end
    free.call_type, free.status, free.response_cost = "acompletion", "failure", 0
    assert.equal(500, decode(row(free)).records[1].status_code)
  end)

  it("is a health check without tokens, not one with them", function()
    local check = { request_tags = { "litellm-internal-health-check" } }
    assert.equal(1, #decode(row(check)).records)
    check.total_tokens, check.prompt_tokens, check.completion_tokens = 0, 0, 0
    assert.same({ 0, 1 }, { #decode(row(check)).records, #decode(row(check)).events })
  end)

  it(
      "is not a batch that is done: it is one row at the price of batches, however often it is "
        .. "asked for", function()
    local done = { id = "batch_6f1d2c3b4a59687", call_type = "aretrieve_batch" }
    local later = { id = done.id, call_type = done.call_type, call_id = "call-2",
      endTime = 1795609999 }
    local batch = decode(row(done), row(later))
    -- (1500*3 + 50*15) / 2 = 2625
    assert.same({ done.id, 0.002625 }, { batch.records[1].request_id, batch.records[1].cost_usd })
    assert.equal(done.id, batch.records[2].request_id)
  end)
end)

describe("what LiteLLM was billed by", function()
  -- gpt-5: 1500*1.25 + 50*10 = 2375; flex half of it, priority twice
  for tier, cost in pairs { default = 0.002375, flex = 0.0011875, priority = 0.00475,
      scale = "unknown" } do
    it("is the tier " .. tier, function()
      local r = decode(row { model = "openai/gpt-5", custom_llm_provider = "openai",
        model_parameters = { service_tier = tier } }).records[1]
      assert.equal(cost, r.cost_usd or r.cost_source)
    end)
  end
end)
