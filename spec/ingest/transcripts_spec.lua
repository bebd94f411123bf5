package.loaded.json = package.loaded.json or require "spec.helpers.server_json"
local json = require "spec.helpers.json"
local pricing = require "lib.pricing"
local transcript = require "ingest.claude_transcript"

local prices = pricing.new(require "lib.prices")

-- A line of a transcript: usage of the message, and what else is told.
local function line(id, usage, more)
  local l = {
    type = "assistant", timestamp = "2026-11-20T10:00:00.000Z", sessionId = "one",
    version = "2.1.202",
    message = { id = id, model = "claude-sonnet-4-6", usage = usage },
  }
  for key, value in pairs(more or {}) do
    l[key] = value
  end
  return json.encode(l) .. "\n"
end

local function usage(output, more)
  local u = { input_tokens = 100, output_tokens = output, cache_read_input_tokens = 1000 }
  for key, value in pairs(more or {}) do
    u[key] = value
  end
  return u
end

-- Rows as the store keeps them of runs over these files: by id, what comes later
-- over what was there.
local function rows(runs)
  local by_id = {}
  for _, files in ipairs(runs) do
    local transcripts = transcript.new(prices)
    for _, file in ipairs(files) do
      transcripts:add(file)
    end
    for _, record in ipairs(transcripts:finish().records) do
      by_id[record.request_id] = record
    end
  end
  local ids = {}
  for id in pairs(by_id) do
    ids[#ids + 1] = id
  end
  table.sort(ids)
  return by_id, ids
end

describe("a message without a request id", function()
  local streamed = line("msg_a", usage(1), { timestamp = "2026-11-20T10:00:01.000Z" })
    .. line("msg_a", usage(1), { timestamp = "2026-11-20T10:00:02.000Z", requestId = "" })
    .. line("msg_a", usage(300), { timestamp = "2026-11-20T10:00:03.000Z" })

  it("is one row, the most complete of its lines", function()
    local by_id, ids = rows { { streamed }, { streamed } }
    assert.same({ "msg_a@2026-11-20T10:00:01.000Z" }, ids)
    -- 100*3 + 300*15 + 1000*0.3 = 300 + 4500 + 300
    assert.same({ 300, 0.0051 }, { by_id[ids[1]].tokens_output, by_id[ids[1]].cost_usd })
  end)

  it("is the same in a session that was resumed, and another one in a session of its own",
      function()
    local resumed = streamed:gsub('"one"', '"two"')
    local other =
      line("msg_a", usage(7), { timestamp = "2026-11-21T10:00:00.000Z", sessionId = "three" })
    assert.same({ "msg_a@2026-11-20T10:00:01.000Z", "msg_a@2026-11-21T10:00:00.000Z" },
      select(2, rows { { streamed, resumed, other } }))
    assert.same(2, #select(2, rows { { other }, { resumed }, { streamed } }))
  end)
end)

describe("a message", function()
  local parent = line("msg_1", usage(50), { requestId = "req_1" })
    .. line("msg_2", usage(50), { requestId = "req_2" })
  local resumed = parent:gsub('"one"', '"two"')
    .. line("msg_3", usage(50), { requestId = "req_3", sessionId = "two" })
  local side = line("msg_1", usage(50), { requestId = "req_x", isSidechain = true })
    .. line("msg_4", usage(50), { requestId = "req_4", isSidechain = true })
  local other_side = line("msg_4", usage(50), { requestId = "req_y", isSidechain = true })

  for what, runs in pairs {
    ["all together"] = { { parent, resumed, side, other_side } },
    ["all together in another order"] = { { other_side, side, resumed, parent } },
    ["one file at a time"] = { { parent }, { resumed }, { side }, { other_side } },
    ["one file at a time in another order, twice"] =
      { { side }, { parent }, { other_side }, { resumed }, { side } },
  } do
    it("is a call, however often it is repeated: " .. what, function()
      assert.same({ "msg_1", "msg_2", "msg_3", "msg_4" }, select(2, rows(runs)))
    end)
  end
end)

describe("a message of a subagent", function()
  local first = usage(1)
  -- As its parent's session shows it while it begins, and as the side chain has it in the end.
  local shown = json.encode { type = "progress", sessionId = "one",
    timestamp = "2026-11-20T10:00:00Z", data = { type = "agent_progress", message = {
      timestamp = "2026-11-20T10:00:00Z", requestId = "req_s",
      message = { id = "msg_s", model = "claude-sonnet-4-6", usage = first },
    } } } .. "\n"
  local function own(second, counts)
    return line("msg_s", counts, { timestamp = ("2026-11-20T10:00:%02dZ"):format(second),
      requestId = "req_s", isSidechain = true })
  end
  local side = own(0, first) .. own(1, usage(487))
  local main = line("msg_m", usage(5), { requestId = "req_m" })

  for what, runs in pairs {
    ["together"] = { { shown .. main, side } }, ["in another order"] = { { side, shown .. main } },
    ["apart"] = { { shown .. main }, { side } }, ["twice"] = { { shown, side }, { side, main } },
  } do
    it("has the counts of its end and a word for whose it is: files read " .. what, function()
      local by_id = rows(runs)
      assert.same({ 487, "subagent", 5 },
        { by_id.msg_s.tokens_output, by_id.msg_s.agent, by_id.msg_m.tokens_output })
      assert.is_nil(by_id.msg_m.agent)
    end)
  end

  it("that its parent's session tells too is the parent's, with the counts of its end", function()
    local parent = line("msg_s", first, { requestId = "req_p", sessionId = "one", cwd = "/p" })
    for _, files in ipairs { { parent, side }, { side, parent } } do
      local r = rows({ files }).msg_s
      assert.same({ 487, "req_p", "/p" }, { r.tokens_output, r.other_id, r.project })
      assert.is_nil(r.agent or r.sidechain)
    end
  end)
end)

describe("what else a message is billed by", function()
  -- Sonnet 4.6: 100*3 + 10*15 + 1000*0.3 = 750; fast mode has no price for it
  for what, case in pairs {
    ["nothing"] = { {}, 0.00075 },
    ["the standard tier"] = { { service_tier = "standard" }, 0.00075 },
    ["a batch"] = { { service_tier = "batch" }, 0.000375 },
    ["the priority tier"] = { { service_tier = "priority" }, "unknown" },
    ["where it ran"] = { { inference_geo = "us" }, 0.000825 },
    ["where it might have run"] = { { inference_geo = "not_available" }, 0.00075 },
    ["fast mode"] = { { speed = "fast" }, "unknown" },
    ["searches"] = { { server_tool_use = { web_search_requests = 2, web_fetch_requests = 5 } },
      0.02075 },
  } do
    it("is " .. what, function()
      local record = transcript.decode(line("msg_t", usage(10, case[1])), prices).records[1]
      assert.equal(case[2], record.cost_usd or record.cost_source)
    end)
  end
end)

describe("a message in which other models took part", function()
  local batch = transcript.decode(line("msg_i", usage(500, {
    iterations = {
      { type = "message", input_tokens = 40, output_tokens = 200, cache_read_input_tokens = 400 },
      { type = "advisor_message", model = "claude-opus-4-7", input_tokens = 2000,
        output_tokens = 100 },
      { type = "compaction", input_tokens = 3000, output_tokens = 10 },
      { type = "message", input_tokens = 60, output_tokens = 300, cache_read_input_tokens = 600 },
      { type = "advisor_message", input_tokens = 1000, output_tokens = 0 },
    },
  }), { requestId = "req_i", advisorModel = "claude-opus-4-5" }), prices)

  it("is a row for each of them", function()
    local found = {}
    for _, r in ipairs(batch.records) do
      found[r.request_id] = { r.model, r.tokens_input, r.tokens_output, r.cost_usd }
    end
    assert.same({
      -- 100*3 + 500*15 + 1000*0.3
      msg_i = { "claude-sonnet-4-6", 100, 500, 0.0081 },
      ["msg_i:advisor_message:2"] = { "claude-opus-4-7", 2000, 100, 0.0125 }, -- 2000*5 + 100*25
      ["msg_i:compaction:3"] = { "claude-sonnet-4-6", 3000, 10, 0.00915 },    -- 3000*3 + 10*15
      ["msg_i:advisor_message:5"] = { "claude-opus-4-5", 1000, 0, 0.005 },    -- 1000*5
    }, found)
  end)
end)
