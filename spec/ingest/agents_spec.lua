--- Codex' and Gemini CLI's own files.
package.loaded.json = package.loaded.json or require "spec.helpers.json"
local codex_rollout = require "ingest.codex_rollout"
local gemini_chat = require "ingest.gemini_chat"
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local pricing = require "lib.pricing"

local prices = pricing.new(require "lib.prices")

local function read(reader, name, path, body)
  local session = reader.new(path or name, prices)
  session:add(body or helpers.read_file("spec/wire/" .. name))
  return session:finish()
end

-- What a record says, in the order of the names.
local function told(record, ...)
  local list = {}
  for i, name in ipairs { ... } do
    list[i] = record[name] or false
  end
  return list
end

local figures = { "tokens_input", "cache_read_tokens", "tokens_output", "reasoning_tokens",
  "cost_usd" }

describe("a rollout of Codex", function()
  local name = "codex-rollout-0.58.jsonl"

  it("has a call wherever the totals have changed", function()
    local batch = read(codex_rollout, name)
    assert.equal(0, batch.rejected)
    assert.equal(2, #batch.records)
    -- gpt-5-codex: 1.25 $ fresh, 0.125 cached, 10 out, per million:
    -- 5000 * 1.25 + 15000 * 0.125 + 500 * 10 = 6250 + 1875 + 5000
    assert.same({ 5000, 15000, 500, 320, 0.013125 }, told(batch.records[1], table.unpack(figures)))
    -- 2000 * 1.25 + 20000 * 0.125 + 200 * 10 = 2500 + 2500 + 2000
    assert.same({ 2000, 20000, 200, 0, 0.007 }, told(batch.records[2], table.unpack(figures)))
    assert.same({ "2026-11-23T09:27:04.620Z", "gpt-5-codex", "high", "codex", "codex/0.58.0",
      "/repo", "0199a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b" }, told(batch.records[1], "timestamp",
      "model", "effort", "service_type", "user_agent", "project", "session_client_id"))
  end)

  it("tells of the calls of a fork, and of its parent's by the parent's ids", function()
    local parent = read(codex_rollout, name).records
    local fork = read(codex_rollout, "codex-rollout-fork-0.98.jsonl").records
    assert.equal(3, #fork)
    for i, record in ipairs(parent) do
      assert.same(told(record, "request_id", "other_id"),
        told(fork[i], "request_id", "other_id"))
      assert.is_nil(fork[i].session_client_id)
    end
    assert.same({ 1000, 22000, 100, 0, 0.005 }, told(fork[3], table.unpack(figures)))
    assert.same({ "0199a200-0000-7000-8000-000000000002", "/other", "low" },
      told(fork[3], "session_client_id", "project", "effort"))
  end)

  local function count_line(second, total, last)
    return json.encode { timestamp = ("2026-11-23T10:00:%02dZ"):format(second), type = "event_msg",
      payload = { type = "token_count", info = { last_token_usage = last,
        total_token_usage = total } } } .. "\n"
  end

  it("tells calls with the same counts apart, but not one that is told again", function()
    local last = { input_tokens = 800, output_tokens = 9 }
    local body = '{"type":"session_meta","payload":{"id":"s-alike"}}\n'
      .. count_line(1, { input_tokens = 800, output_tokens = 9 }, last)
      .. count_line(2, { input_tokens = 1600, output_tokens = 18 }, last)
      .. count_line(3, { input_tokens = 1600, output_tokens = 18 }, last)
    for _ = 1, 2 do
      local records = read(codex_rollout, "alike", nil, body).records
      assert.equal(2, #records)
      assert.same({ "codex:s-alike:800:0:9:0", "codex:s-alike:800:0:9:0:2" },
        { records[1].other_id, records[2].other_id })
    end
  end)

  it("whose totals begin anew has a call of all that they count", function()
    local records = read(codex_rollout, "anew", nil,
      count_line(1, { input_tokens = 900, output_tokens = 90 })
      .. count_line(2, { input_tokens = 300, output_tokens = 95 })).records
    assert.same({ 300, 95 }, told(records[2], "tokens_input", "tokens_output"))
  end)

  it("without what the last call counted is what the totals grew by, with the same model as long "
      .. "as the turn; an unknown model has no price", function()
    local function line(total, output)
      return json.encode { timestamp = "2026-11-23T09:27:0" .. total % 10 .. "Z",
        type = "event_msg", payload = { type = "token_count", info = {
          total_token_usage = { input_tokens = total, output_tokens = output } } } } .. "\n"
    end
    local records = read(codex_rollout, "x", nil, line(101, 10) .. line(101, 10) .. line(152, 30)
      .. '{"type":"turn_context","payload":{"model":"gpt-5-codex"}}\n' .. line(253, 40)).records
    assert.equal(3, #records)
    assert.same({ 101, 10, "unknown" }, told(records[1], "tokens_input", "tokens_output",
      "cost_source"))
    assert.same({ 51, 20 }, told(records[2], "tokens_input", "tokens_output"))
    assert.same({ 101, 10, "computed" }, told(records[3], "tokens_input", "tokens_output",
      "cost_source"))
  end)
end)

describe("a chat of Gemini CLI", function()
  it("has a call in each message with tokens", function()
    local batch = read(gemini_chat, "gemini-chat-0.24.json")
    assert.equal(0, batch.rejected)
    assert.equal(1, #batch.records)
    -- gemini-2.5-pro: (12000 - 8000) * 1.25 + 8000 * 0.125 + (300 + 450) * 10
    -- = 5000 + 1000 + 7500
    assert.same({ 4000, 8000, 750, 450, 0.0135 }, told(batch.records[1], table.unpack(figures)))
    assert.same({ "gemini:g-sess-1:m2", "2026-11-23T09:27:22.900Z", "gemini_cli", "g-sess-1" },
      told(batch.records[1], "request_id", "timestamp", "service_type", "session_client_id"))
  end)

  it("as lines: what was taken back was paid for, a message that comes again is the same row",
      function()
    local batch = read(gemini_chat, "gemini-chat-0.40.jsonl")
    assert.equal(0, batch.rejected)
    assert.equal(3, #batch.records)
    local first, second, again = table.unpack(batch.records)
    -- gemini-2.5-flash: 1000 * 0.3 + 20 * 2.5 = 300 + 50
    assert.same({ 1000, 0, 20, 0, 0.00035 }, told(first, table.unpack(figures)))
    -- (2000 - 500 + 10) * 0.3 + 500 * 0.03 + (30 + 70) * 2.5 = 453 + 15 + 250
    assert.same({ 1510, 500, 100, 70, 0.000718 }, told(second, table.unpack(figures)))
    assert.same(second, again)
  end)

  it("of a subagent is of the session whose folder it is in", function()
    local batch = read(gemini_chat, "gemini-chat-0.40.jsonl", "/h/chats/parent/sub.jsonl")
    assert.same({ "parent", "subagent", "gemini:parent:a1", "gemini:parent:1000:0:0:1020" },
      told(batch.records[1], "session_client_id", "agent", "request_id", "other_id"))
  end)

  it("tells messages with the same counts apart, but not one that comes again", function()
    local function message(id)
      return json.encode { id = id, type = "gemini", tokens = { input = 7, output = 2, total = 9 } }
        .. "\n"
    end
    local ids = {}
    for i, record in ipairs(read(gemini_chat, "x", nil,
      '{"sessionId":"g-alike"}\n' .. message "a" .. message "b" .. message "a").records) do
      ids[i] = record.other_id
    end
    assert.same({ "gemini:g-alike:7:0:0:9", "gemini:g-alike:7:0:0:9:2", "gemini:g-alike:7:0:0:9" },
      ids)
  end)
end)
