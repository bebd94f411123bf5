local decoders = require "spec.helpers.decode"
local helpers = require "spec.helpers"

local decoder = decoders.new()
teardown(function() decoder:stop() end)

local function decode(name)
  return decoder:json("traces", helpers.read_file("spec/wire/" .. name))
end

local function pick(record, ...)
  local picked = {}
  for _, name in ipairs { ... } do
    picked[name] = record[name]
  end
  return picked
end

describe("a GenAI span", function()
  local batch = decode "genai-1.41-traces.json"

  it("becomes a whole row, its input tokens without the cache", function()
    assert.same({
      request_id = "msg_01X",
      timestamp = 1795426004200000000,
      method = "POST", endpoint = "chat", path = "chat",
      service_type = "billing-bot",
      model = "claude-sonnet-4-5-20250929", provider = "anthropic",
      streaming = true,
      status_code = 200,
      duration_ms = 3980.0,
      tokens_input = 12, -- 53564 - 51342 - 2210
      tokens_output = 842, cache_read_tokens = 51342, cache_write_tokens = 2210,
      cost_usd = 0.0363561, cost_source = "computed",
      ttft_ms = 750.0,
      session_client_id = "conv-9",
      trace_id = "5b8efff798038103d269b633813fc60c", span_id = "eee19b7ec3c1b174",
      attributes = { ["app.tenant"] = "acme" },
      resource = { ["deployment.environment.name"] = "prod" },
    }, batch.records[1])
  end)

  it("counts calls, not the agents and tools around them", function()
    assert.equal(2, #batch.records)
  end)

  it("that failed has the status it names", function()
    assert.same({ status_code = 429, error_type = "429", error_message = "rate limited" },
      pick(batch.records[2], "status_code", "error_type", "error_message"))
    assert.equal("5b8efff798038103d269b633813fc60c:eee19b7ec3c1b176", batch.records[2].request_id)
  end)
end)

describe("older names", function()
  local batch = decode "genai-1.36-traces.json"

  it("are read", function()
    -- 400*2.5 + 600*1.25 + 100*10 = 1000 + 750 + 1000 = 2750
    assert.same({ tokens_input = 400, cache_read_tokens = 600, tokens_output = 100,
      cost_usd = 0.00275 },
      pick(batch.records[1], "tokens_input", "cache_read_tokens", "tokens_output", "cost_usd"))
  end)

  it("may come with Anthropic's own input, smaller than the cache: it stays", function()
    assert.equal(12, batch.records[2].tokens_input)
    assert.equal(5000, batch.records[2].cache_read_tokens)
  end)
end)

describe("OpenInference", function()
  local batch = decode "openinference-0.1-traces.json"

  it("marks calls by span kind", function()
    assert.equal(1, #batch.records)
    -- 500*0.4 + 1500*0.1 + 50*1.6 = 200 + 150 + 80 = 430
    assert.same({
      tokens_input = 500, cache_read_tokens = 1500, tokens_output = 50, cost_usd = 0.00043,
      session_client_id = "s-1", user = "u-1", model = "gpt-4.1-mini-2025-04-14",
    },
    pick(batch.records[1], "tokens_input", "cache_read_tokens", "tokens_output", "cost_usd",
      "session_client_id",
      "user", "model"))
  end)

  it("keeps no content", function()
    assert.is_nil(batch.records[1].attributes)
  end)
end)

describe("OpenLLMetry", function()
  local batch = decode "openllmetry-0.47-traces.json"

  it("marks calls by request type", function()
    assert.equal(1, #batch.records)
    -- 300*0.15 + 40*0.6 = 69
    assert.same({ tokens_input = 300, tokens_output = 40, cost_usd = 0.000069, streaming = false },
      pick(batch.records[1], "tokens_input", "tokens_output", "cost_usd", "streaming"))
  end)

  it("keeps no content", function()
    assert.is_nil(batch.records[1].attributes)
  end)
end)

describe("OpenRouter's broadcast", function()
  local batch = decode "openrouter-broadcast-2026-traces.json"

  it("reports its cost, which wins", function()
    assert.same({ cost_usd = 0.00477, cost_source = "reported", user = "u-42",
      session_client_id = "sess-7" },
      pick(batch.records[1], "cost_usd", "cost_source", "user", "session_client_id"))
    assert.equal("growth", batch.records[1].attributes["trace.metadata.team"])
  end)
end)

describe("Claude Code's span", function()
  local batch = decode "claude-code-2.1.202-traces.json"

  it("goes to the row of the log by their common id, without a cost of its own", function()
    assert.equal(1, #batch.records)
    assert.same({ request_id = "req_011CabcDEF", ttft_ms = 612, status_code = 200,
      service_type = "claude_code" },
      pick(batch.records[1], "request_id", "ttft_ms", "status_code", "service_type", "cost_usd",
        "cost_source"))
  end)
end)
