--- Codex' and Gemini CLI's own files.
package.loaded.json = package.loaded.json or require "spec.helpers.server_json"
local codex_rollout = require "ingest.codex_rollout"
local gemini_chat = require "ingest.gemini_chat"
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local pricing = require "lib.pricing"
local qwen_chat = require "ingest.qwen_chat"

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

describe("a chat of Qwen Code", function()
  it("has a call for each response, by the provider's id, and each failure", function()
    local batch = read(qwen_chat, "qwen-chat-0.24.jsonl")
    assert.equal(2, #batch.records)
    -- 2260 with what came from the cache; the total says that thoughts are in the output
    assert.same({ "chatcmpl-8a1b2c3d4e5f6071", 156, 2104, 182, 44, 200, "openai", 2577, "/repo" },
      told(batch.records[1], "request_id", "tokens_input", "cache_read_tokens", "tokens_output",
        "reasoning_tokens", "status_code", "provider", "ttft_ms", "project"))
    assert.same({ "44bc0539-1e31-4617-ba67-fbe2fce0f22b",
      "qwen:3b0ed102-2420-4063-a5ac-92452d644f0d:2026-11-23T09:27:14.816Z", 400,
      "BadRequestError", "extractor" }, told(batch.records[2], "request_id", "other_id",
      "status_code", "error_type", "agent"))
  end)
end)

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

  -- Its lines, each with a second of 10 o'clock, a type and what it holds.
  local function rollout(lines)
    local out = {}
    for i, line in ipairs(lines) do
      out[i] = json.encode { timestamp = ("2026-11-23T10:00:%06.3fZ"):format(line[1]),
        type = line[2], payload = line[3] } .. "\n"
    end
    return table.concat(out)
  end

  local function usage(input, cached, output)
    return { input_tokens = input, cached_input_tokens = cached, output_tokens = output }
  end

  local function counted(second, total, last)
    return { second, "event_msg", { type = "token_count",
      info = { total_token_usage = total, last_token_usage = last } } }
  end

  -- A UUID of version 7 of that second.
  local function turn_id(second)
    local ms = math.floor((1795428000 + second) * 1000)
    return ("%08x-%04x-7000-8000-000000000001"):format(ms >> 16, ms & 0xFFFF)
  end

  local function turn(second, began, more)
    local payload = { model = "gpt-5.5", turn_id = turn_id(began) }
    for key, value in pairs(more or {}) do
      payload[key] = value
    end
    return { second, "turn_context", payload }
  end

  local function session(second, id, parent, began)
    return { second, "session_meta", { id = id, forked_from_id = parent,
      timestamp = ("2026-11-23T%s"):format(began or "10:00:00.000Z") } }
  end

  -- The rows of files that are read twice: the ids of each, its fresh input and its output.
  local function rows(...)
    local found, known = {}, {}
    for _ = 1, 2 do
      for _, body in ipairs { ... } do
        for _, r in ipairs(read(codex_rollout, "x", nil, body).records) do
          if not known[r.request_id] and not known[r.other_id] then
            found[#found + 1] =
              ("%s %d %d"):format(r.session_client_id or "-", r.tokens_input, r.tokens_output)
          end
          known[r.request_id], known[r.other_id] = true, true
        end
      end
    end
    return found
  end

  it("has a call for each record of usage, also where the session was made shorter, with "
      .. "token_count beside it or without", function()
    local function record(second, id, counts)
      return { second, "token_usage_record", { thread_id = "s-long", response_id = id,
        usage = counts } }
    end
    local first, last = usage(2000, 1900, 50), usage(900, 0, 30)
    local lines = { session(0, "s-long"), turn(0, 0), record(5, "r1", first),
      record(8, "r2", usage(2010, 1990, 400)), record(9, "r3", last), record(10, "r4", last) }
    local expected = { "s-long 100 50", "s-long 20 400", "s-long 900 30", "s-long 900 30" }
    assert.same(expected, rows(rollout(lines)))
    table.insert(lines, 4, counted(5.02, first, first))
    table.insert(lines, 6, counted(8.02, first, usage(0, 0, 0)))
    table.insert(lines, 8, counted(9.02, usage(2900, 1900, 80), last))
    table.insert(lines, 10, counted(10.02, usage(3800, 1900, 110), last))
    assert.same(expected, rows(rollout(lines)))
    -- A call that only an older version told of, and one that both did.
    assert.same({ "s-long 7 7", "s-long 100 50" }, rows(rollout { session(0, "s-long"), turn(0, 0),
      counted(1, usage(7, 0, 7), usage(7, 0, 7)), record(5, "r1", first),
      counted(5.02, usage(2007, 1900, 57), first) }))
  end)

  it("has the tier of the turn, of the session's settings or of the call", function()
    local u = usage(1500, 1200, 80)
    local function tier(...)
      local r = read(codex_rollout, "x", nil, rollout { session(0, "s-tier"), ... }).records[1]
      return { r.service_tier or false, r.cost_usd }
    end
    local settings = { 0, "event_msg", { type = "thread_settings_applied",
      thread_settings = { service_tier = "fast" } } }
    -- gpt-5.5: 300 * 5 + 1200 * 0.5 + 80 * 30 = 4500, priority 2.5 times that
    assert.same({ false, 0.0045 }, tier(turn(0, 0), counted(1, u, u)))
    assert.same({ "priority", 0.01125 },
      tier(turn(0, 0, { service_tier = "priority" }), counted(1, u, u)))
    assert.same({ "priority", 0.01125 }, tier(settings, turn(0, 0), counted(1, u, u)))
    local call = counted(1, u, u)
    call[3].info.service_tier = "priority"
    assert.same({ "priority", 0.01125 }, tier(turn(0, 0), call))
  end)

  local a, b = usage(1000, 0, 100), usage(2000, 500, 60)

  it("that is a fork's has its own calls, however soon they come", function()
    local parent = rollout { session(0, "s-old", nil, "09:00:00.000Z"), turn(0, -3600),
      counted(0.01, a, a) }
    local fork = rollout { session(1, "s-new", "s-old", "10:00:01.000Z"),
      session(1.01, "s-old", nil, "09:00:00.000Z"), turn(1.01, -3600), counted(1.02, a, a),
      turn(1.1, 1.1), counted(2, usage(3000, 500, 160), b) }
    -- It has the parent's and the fork's, and one of its own.
    local again = rollout { session(20, "s-third", "s-new", "10:00:20.000Z"),
      session(20, "s-new", "s-old", "10:00:01.000Z"),
      session(20, "s-old", nil, "09:00:00.000Z"), turn(20.01, -3600), counted(20.01, a, a),
      turn(20.01, 1.1), counted(20.01, usage(3000, 500, 160), b),
      turn(20.5, 20.5), counted(21, usage(5000, 1000, 220), b) }
    assert.same({ "s-old 1000 100", "s-new 1500 60", "s-third 1500 60" },
      rows(parent, fork, again))
    assert.equal(3, #rows(again, fork, parent))
    assert.equal(3, #rows(fork, again))
  end)

  it("that is a subagent's without its parent's lines has no call of another", function()
    local function agent(id)
      return rollout { session(0, id, "s-old"), { 0.1, "turn_context", { turn_id = "x" } },
        counted(8, a, a) }
    end
    assert.same({ "s-one 1000 100", "s-two 1000 100" }, rows(agent "s-one", agent "s-two"))
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
