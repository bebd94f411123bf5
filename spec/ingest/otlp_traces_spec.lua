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

describe("a span with more attributes than a row has room for", function()
  local function attribute(key, value)
    return { key = key, value = { stringValue = value } }
  end

  -- So many of each between those that are looked for.
  local function span_with(contents, others)
    local list = { attribute("gen_ai.operation.name", "embeddings") }
    for i = 1, contents do
      list[#list + 1] = attribute(("embedding.embeddings.%d.embedding.text"):format(i), "SECRET")
    end
    for i = 1, others do
      list[#list + 1] = attribute("app." .. i, "x")
    end
    list[#list + 1] = attribute("gen_ai.request.model", "text-embedding-3-small")
    list[#list + 1] = { key = "gen_ai.usage.input_tokens", value = { intValue = "20000" } }
    return { resourceSpans = { { scopeSpans = { { spans = { {
      traceId = ("1"):rep(32), spanId = ("2"):rep(16), name = "embed",
      startTimeUnixNano = "1795600000000000000", endTimeUnixNano = "1795600001000000000",
      attributes = list,
    } } } } } } }
  end

  local function size(t)
    local n = 0
    for _ in pairs(t or {}) do
      n = n + 1
    end
    return n
  end

  -- Contents, others; how many of these are kept, and are not.
  for what, case in pairs {
    ["content takes no room"] = { 4096, 20, 20, nil },
    ["as many as there is room for"] = { 0, 1024, 1024, nil },
    ["the rest is counted"] = { 3000, 10000, 1024, 8976 },
  } do
    it("is the row that it is: " .. what, function()
      local message = span_with(case[1], case[2])
      for _, encoding in ipairs { "json", "protobuf" } do
        local batch = decoder[encoding](decoder, "traces", message)
        assert.same({}, batch.errors)
        local record = batch.records[1]
        local attributes = record.attributes
        assert.same({ model = "text-embedding-3-small", tokens_input = 20000, cost_usd = 0.0004 },
          pick(record, "model", "tokens_input", "cost_usd"))
        assert.equal(case[4], attributes.dropped_attributes_count)
        assert.same({ case[3], "x" },
          { size(attributes) - (case[4] and 1 or 0), attributes["app." .. case[3]] }, encoding)
      end
    end)
  end

  it("is not lost where it has more than are looked at", function()
    local record = decoder:protobuf("traces", span_with(70000, 0)).records[1]
    assert.same({ endpoint = "embeddings", attributes = { dropped_attributes_count = 4467 } },
      pick(record, "endpoint", "attributes"))
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
