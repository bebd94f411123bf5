package.loaded.json = package.loaded.json or require "spec.helpers.server_json"
local access_log = require "ingest.access_log"
local ccproxy = require "ingest.ccproxy"
local dates = require "lib.dates"
local helpers = require "spec.helpers"
local litellm = require "ingest.litellm"
local pricing = require "lib.pricing"
local transcript = require "ingest.claude_transcript"

local prices = pricing.new(require "lib.prices")

local function wire(name)
  return helpers.read_file("spec/wire/" .. name)
end

local function pick(record, ...)
  local picked = {}
  for _, name in ipairs { ... } do
    picked[name] = record[name]
  end
  return picked
end

describe("LiteLLM's callback", function()
  local batch = litellm.decode(wire "litellm-1.77-array.json", prices)

  it("becomes a whole row, its prompt tokens without the cache", function()
    assert.same({
      request_id = "chatcmpl-9f1",
      timestamp = 1795426004.2,
      method = "POST", endpoint = "acompletion",
      service_type = "litellm",
      model = "claude-sonnet-4-5-20250929", provider = "anthropic", model_group = "sonnet",
      streaming = true, status_code = 200,
      duration_ms = 3980.0, ttft_ms = 750.0,
      tokens_input = 12, tokens_output = 842, cache_read_tokens = 51342, cache_write_tokens = 2210,
      cost_usd = 0.0363561, cost_source = "reported",
      session_client_id = "tr-77",
      client_ip = "10.0.0.7", user_agent = "claude-cli/2.1.202",
      api_base = "https://api.anthropic.com",
      key_alias = "ci", api_key = "ci", key_hash = "88dc28d0f030c55ed4ab77ed8faf098196cb1c05",
      team = "platform", user = "u-admin",
      end_user = "u-17", tags = { "prod", "batch" },
    }, batch.records[1])
  end)

  it("names a failure, and gives it an id when LiteLLM has none", function()
    assert.same({
      request_id = "c1d2e3f4-9512-45cc-b1da-c511a363b840", status_code = 429,
      error_type = "RateLimitError", error_message = "slow down", duration_ms = 125.0,
    },
    pick(batch.records[2], "request_id", "status_code", "error_type", "error_message",
      "duration_ms", "cost_source"))
  end)

  it("is priced when LiteLLM could not", function()
    -- 400*2.5 + 600*1.25 + 100*10 = 2750
    assert.same({ tokens_input = 400, cache_read_tokens = 600, reasoning_tokens = 30,
      cost_usd = 0.00275,
      cost_source = "computed" },
      pick(batch.records[3], "tokens_input", "cache_read_tokens", "reasoning_tokens", "cost_usd",
        "cost_source"))
  end)

  it("is the same as lines and as a single object", function()
    assert.same(batch.records, litellm.decode(wire "litellm-1.77.ndjson", prices).records)
    assert.same({ batch.records[1] },
      litellm.decode(wire "litellm-1.77-single.json", prices).records)
  end)

  for text, rejected in pairs { ["[]"] = 0, ["[1]"] = 1, ["{}"] = 1, ["nonsense"] = 1, [""] = 0,
      ["[{}, 2]"] = 2 } do
    it(("with the body %q rejects %d"):format(text, rejected), function()
      local empty = litellm.decode(text, prices)
      assert.same({}, empty.records)
      assert.equal(rejected, empty.rejected)
    end)
  end

  it("does not take None for an id", function()
    local record = litellm.decode('{"id":"None","call_id":"c","model":"m"}', prices).records[1]
    assert.equal("c", record.request_id)
  end)
end)

describe("LiteLLM's spend logs", function()
  local batch = litellm.decode(wire "litellm-1.77-spend-logs.json", prices)

  it("are read with metadata in text", function()
    assert.same({
      request_id = "chatcmpl-9f1", tokens_input = 12, cache_read_tokens = 51342,
      cost_usd = 0.0363561, cost_source = "reported", duration_ms = 3980.0, key_alias = "ci",
      session_client_id = "tr-77",
    },
    pick(batch.records[1], "request_id", "tokens_input", "cache_read_tokens", "cost_usd",
      "cost_source",
      "duration_ms", "key_alias", "session_client_id"))
    assert.equal(429, batch.records[2].status_code)
  end)
end)

describe("ccproxy's log file", function()
  local batch = ccproxy.decode(wire "ccproxy-0.1.7.ndjson", prices)

  it("has two lines of one request, which share their id", function()
    assert.equal(3, #batch.records)
    assert.equal("0d0c7c9a", batch.records[1].request_id)
    assert.equal("0d0c7c9a", batch.records[2].request_id)
  end)

  it("becomes a row with what structlog added left out", function()
    assert.same({
      request_id = "0d0c7c9a", method = "POST", path = "/api/v1/messages", endpoint = "messages",
      client_ip = "127.0.0.1", user_agent = "claude-cli/1.0.77", status_code = 200,
      duration_ms = 3980.41, duration_seconds = 3.98041,
      tokens_input = 12, tokens_output = 842, cache_read_tokens = 51342, cache_write_tokens = 2210,
      cost_usd = 0.0363561, cost_source = "reported",
      model = "claude-sonnet-4-20250514", streaming = true, service_type = "proxy_service",
      ["anthropic-ratelimit-requests-remaining"] = "49",
      timestamp = "2025-08-13T10:15:30.123Z",
    }, batch.records[2])
  end)

  it("tells of an error", function()
    assert.equal("request_error", batch.records[3].type)
  end)

  it("cannot place a time without a date", function()
    assert.equal(1, batch.rejected)
    assert.same({ "line 6: its timestamp has no date (ccproxy logs at debug level)" }, batch.errors)
  end)

  it("of v0.2 brings the provider's tokens to the client's row", function()
    local v2 = ccproxy.decode(wire "ccproxy-0.2.9.ndjson", prices)
    assert.same({
      request_id = "5f0c", timestamp = 1795426000.5, model = "claude-sonnet-4-5-20250929",
      provider = "claude_api",
      upstream_url = "https://api.anthropic.com/v1/messages", upstream_status_code = 200,
      upstream_duration_ms = 3970.1, tokens_input = 12, tokens_output = 842,
      cache_read_tokens = 51342, cache_write_tokens = 2210, cost_usd = 0.0363561,
      cost_source = "reported",
    }, v2.records[1])
    assert.equal("/claude/v1/messages", v2.records[2].path)
    assert.equal(200, v2.records[2].status_code)
    assert.equal(18231, v2.records[2].body_size)
  end)
end)

describe("an access log", function()
  it("of nginx has numbers as text and seconds", function()
    local batch = access_log.decode(wire "nginx-1.26.ndjson")
    assert.same({
      request_id = "7b1f09aa", timestamp = "1795426004.200", method = "POST",
      endpoint = "/v1/messages", path = "/v1/messages", query = "beta=true&key=REDACTED",
      status_code = 200, duration_ms = 3980.0, client_ip = "10.0.0.7",
      user_agent = "claude-cli/2.1.202", service_type = "access_log", upstream_ms = 3879.0,
      response_bytes = 18231,
    }, batch.records[1])
    assert.is_nil(batch.records[2].upstream_ms)
    assert.equal(502, batch.records[2].status_code)
  end)

  it("of Caddy has its requests, with an id made of what it tells", function()
    local batch = access_log.decode(wire "caddy-2.10.ndjson")
    assert.equal(2, #batch.records)
    assert.equal(0, batch.rejected)
    assert.same({
      request_id = "caddy:1795426004.2:10.0.0.7:55392:3.9801:/v1/messages",
      timestamp = 1795426004.2, method = "POST", endpoint = "/v1/messages", path = "/v1/messages",
      query = "beta=true", status_code = 200, duration_ms = 3980.1, client_ip = "10.0.0.7",
      user_agent = "claude-cli/2.1.202", service_type = "access_log",
      upstream_request_id = "req_011CabcDEF", request_bytes = 48211, response_bytes = 18231,
      host = "llm.lan",
    }, batch.records[1])
  end)

  for _, line in ipairs { "{}", '{"request_uri":"/"}',
      '{"request_uri":"/","status":200,"time":"yesterday"}', "x" } do
    it("does not take " .. line, function()
      assert.equal(1, access_log.decode(line).rejected)
    end)
  end

  it("may start with a byte order mark, end lines with CRLF and have empty ones", function()
    local line = '{"request_uri":"/a","status":200,"time":1795426004}'
    assert.equal(2,
      #access_log.decode("\xEF\xBB\xBF" .. line .. "\r\n\r\n" .. line .. "\r\n").records)
  end)
end)

describe("a Claude Code transcript", function()
  local batch = transcript.decode(wire "claude-transcript-2.1.202.jsonl", prices)

  it("has one row per message, the most complete of its copies", function()
    assert.equal(3, #batch.records)
    assert.same({
      request_id = "msg_01X", other_id = "req_011CabcDEF",
      timestamp = "2026-11-23T09:26:44.200Z", method = "POST", endpoint = "messages",
      path = "/v1/messages", status_code = 200,
      service_type = "import", model = "claude-sonnet-4-5-20250929",
      session_client_id = "6e2a8c02-aec9-4272-bcde-9843b25ad407",
      user_agent = "claude-code/2.1.202", project = "/repo", speed = "standard",
      tokens_input = 12, tokens_output = 842, cache_read_tokens = 51342, cache_write_tokens = 2210,
      cache_write_1h_tokens = 2000,
      -- 12*3 + 842*15 + 51342*0.3 + 210*3.75 + 2000*6 = 40856.1
      cost_usd = 0.0408561, cost_source = "computed",
    }, batch.records[1])
  end)

  it("takes the cost that it states", function()
    assert.same({ cost_usd = 0.5, cost_source = "reported" },
      pick(batch.records[2], "cost_usd", "cost_source"))
  end)

  it("keeps what only a side chain has, also in the nested form", function()
    local record = batch.records[3]
    assert.same({ request_id = "msg_03Z", sidechain = true, tokens_output = 100 },
      pick(record, "request_id", "sidechain", "tokens_output"))
  end)

  it("rejects a broken line and goes on", function()
    assert.equal(1, batch.rejected)
  end)

  it("knows a parent's message whatever file comes first", function()
    local function line(request, side)
      return ('{"timestamp":"2026-11-23T09:00:00Z","requestId":"%s","isSidechain":%s,'
        .. '"message":{"id":"m","model":"x","usage":{"input_tokens":1}}}\n')
        :format(request, side)
    end
    local files = transcript.new(prices)
    files:add(line("side", true))
    files:add(line("parent", false))
    local records = files:finish().records
    assert.equal(1, #records)
    assert.same({ request_id = "m", other_id = "parent" },
      pick(records[1], "request_id", "other_id"))
  end)
end)

describe("a time", function()
  for text, seconds in pairs {
    ["2026-11-23T09:26:44.2Z"] = 1795426004.2 - 0, ["1970-01-01T00:00:00Z"] = 0,
    ["2000-02-29 12:00:00"] = 951825600, ["2024-03-01T00:00:00+02:00"] = 1709244000 - 0,
    ["1795426004.25"] = 1795426004.25, ["2016-12-31T23:59:60Z"] = 1483228800,
  } do
    it("is read from " .. text, function()
      assert.near(seconds, dates.seconds(text), 1e-6)
    end)
  end
  for _, text in ipairs { "", "yesterday", "2026-11-23", "2026-11-23T09:26",
      "2026-11-23T09:26:44 CET", "2026-99-99T99:99:99Z", "2026-00-10T00:00:00Z",
      "2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-01-00T00:00:00Z",
      "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z",
      "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+01:60" } do
    it(("is none in %q"):format(text), function()
      assert.is_nil(dates.seconds(text))
    end)
  end
end)
