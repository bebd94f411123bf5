local helpers = require "spec.helpers"
local server = require "spec.helpers.server"

local JSON = { ["content-type"] = "application/json" }

local function wire(name)
  return helpers.read_file("spec/wire/" .. name)
end

describe("an endpoint for text", function()
  local s

  before_each(function()
    s = server.start()
  end)
  after_each(function()
    s:stop()
  end)

  local function row(id)
    return s:get("/logs/entries/" .. id).json()
  end

  it("takes LiteLLM's array, lines and single objects, whatever the content type says", function()
    for _, file in ipairs { "litellm-1.77-array.json", "litellm-1.77.ndjson",
        "litellm-1.77-single.json" } do
      assert.equal(200, s:post("/ingest/litellm", wire(file), JSON).status)
    end
    assert.equal(3, s:get("/logs/query").json().count)
    local entry = row "chatcmpl-9f1"
    assert.same({ "prod", "batch" }, entry.extra.tags)
    assert.same({ "platform", "ci", "u-17" },
      { entry.team, entry.extra.key_alias, entry.extra.end_user })
    assert.same({ "ci", 750 }, { entry.api_key, entry.time_to_first_token_ms })
    local spenders = s:get("/logs/breakdown?by=team,api_key&start_time=1").json().groups
    assert.same({ "platform", "ci" }, { spenders[1].team, spenders[1].api_key })
    assert.equal("2026-11-23T09:26:44.200000Z", entry.timestamp)
  end)

  it("merges ccproxy's two lines of a request", function()
    local answer = s:post("/ingest/ccproxy", wire "ccproxy-0.1.7.ndjson", JSON).json()
    assert.same({ 2, 1, 1 }, { answer.accepted, answer.merged, answer.rejected })
    local entry = row "0d0c7c9a"
    assert.same({ 842, 0.0363561, "proxy_service" },
      { entry.tokens_output, entry.cost_usd, entry.service_type })
    assert.equal("2025-08-13T10:15:26.260000Z", entry.timestamp)
    assert.equal("upstream closed", row("0d0c7c9b").extra.error_message)
    assert.equal(500, row("0d0c7c9b").status_code)
  end)

  it("merges the provider's line of ccproxy v0.2 into the client's", function()
    s:post("/ingest/ccproxy", wire "ccproxy-0.2.9.ndjson", JSON)
    local entry = row "5f0c"
    assert.same({ "/claude/v1/messages", 51342, 12, 3980.4 },
      { entry.path, entry.cache_read_tokens, entry.tokens_input, entry.duration_ms })
    assert.equal("claude_api", entry.provider)
  end)

  it("takes access logs of nginx and of Caddy", function()
    s:post("/ingest/access_log", wire "nginx-1.26.ndjson", JSON)
    s:post("/ingest/access_log", wire "caddy-2.10.ndjson", JSON)
    assert.equal(4, s:get("/logs/query?service_type=access_log").json().count)
    assert.equal(3980.0, row("7b1f09aa").duration_ms)
  end)

  it("answers 400 when nothing could be taken, and says why", function()
    local answer = s:post("/ingest/access_log", "nonsense\n{}", JSON)
    assert.equal(400, answer.status)
    assert.equal(2, answer.json().rejected)
    assert.equal("line 1: expected a value at byte 1, got nonsense",
      answer.json().errors[1].message)
  end)

  it("answers what is no JSON as /logs/ingest does: with 400, why and where", function()
    local cases = {
      ["\0\1\xFF"] = "line 1: expected a value at byte 1, got NUL",
      [""] = "expected an object or an array, got the end after 0 bytes",
      [" \r\n\t"] = "expected an object or an array, got the end after 4 bytes",
      ['[\n{"a":1,}]'] = "line 2: expected a member's name at byte 8, got }]",
      ['[] x'] = "line 1: expected the end at byte 4, got x",
      ["["] = "line 1: expected a value, got the end after 1 bytes",
    }
    for body, why in pairs(cases) do
      assert.equal(400, s:post("/logs/ingest", body, JSON).status)
      for _, format in ipairs { "litellm", "ccproxy", "access_log" } do
        local answer = s:post("/ingest/" .. format, body, JSON)
        assert.equal(400, answer.status)
        assert.same({ accepted = 0, merged = 0, rejected = 1, errors = { { message = why } },
          durability = "full" }, answer.json())
      end
    end
  end)

  it("takes no lines for no fault, and says how durable even nothing is", function()
    for _, body in ipairs { "", "\n \n" } do
      local answer = s:post("/ingest/litellm", body, { ["content-type"] = "application/x-ndjson" })
      assert.equal(200, answer.status)
      assert.same({ accepted = 0, merged = 0, rejected = 0, errors = {}, durability = "full" },
        answer.json())
    end
  end)

  it("takes a body larger than the memory of its scripts", function()
    local small = server.start { config = "config.script.memory_bytes = 8 * 1024 * 1024" }
    local content = ("a long answer "):rep(1500)
    local records = {}
    for i = 1, 600 do
      records[i] = ('{"id":"c%d","model":"gpt-4o","startTime":%d,"messages":"%s"}')
        :format(i, 1795426000 + i, content)
    end
    for _, body in ipairs { table.concat(records, "\n"),
        "[" .. table.concat(records, ",") .. "]" } do
      local answer = small:post("/ingest/litellm", body, JSON)
      assert.equal(600, answer.json().accepted + answer.json().merged)
    end
    small:stop()
  end)

  it("goes on behind a line that is none", function()
    local good = '{"request_uri":"/a","status":200,"time":1795426004}'
    local answer = s:post("/ingest/access_log", good .. "\n{broken\n" .. good .. " 5\n\r\n" .. good,
      JSON).json()
    assert.same({ 2, 2 }, { answer.accepted, answer.rejected })
  end)

  it("succeeds with nothing", function()
    assert.equal(200, s:post("/ingest/litellm", "[]", JSON).status)
  end)
end)
