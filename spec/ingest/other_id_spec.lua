--- A transcript and the live telemetry of the same call are one row, whichever comes first: the
--- one names the message and its request, the other the request alone.
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local server = require "spec.helpers.server"

local JSON = { ["content-type"] = "application/json" }

local function text(key, value)
  return { key = key, value = { stringValue = value } }
end

-- What Claude Code tells of request req_N while it runs.
local function telemetry(n)
  return json.encode { resourceLogs = { {
    resource = { attributes = { text("service.name", "claude-code") } },
    scopeLogs = { { logRecords = { {
      timeUnixNano = "1795600001000000000", eventName = "claude_code.api_request",
      attributes = {
        text("request_id", "req_" .. n), text("model", "claude-sonnet-4-5"),
        text("input_tokens", "10"), text("output_tokens", "20"), text("cost_usd", "0.5"),
        text("duration_ms", "1500"), text("session.id", "s"),
      },
    } } } },
  } } }
end

-- The line of message msg_N; another request where it is told again in a side chain.
local function line(n, request)
  return json.encode {
    sessionId = "s", timestamp = "2026-11-25T10:26:40Z", requestId = request or "req_" .. n,
    isSidechain = request ~= nil, cwd = "/home/ann/shop",
    message = { id = "msg_" .. n, model = "claude-sonnet-4-5",
      usage = { input_tokens = 10, output_tokens = 20 } },
  } .. "\n"
end

local function import(s, folder, lines)
  helpers.write_file(folder.path .. "/t.jsonl", lines)
  local result = server.run { "import", "--url", s.url, "--format", "claude",
    folder.path .. "/t.jsonl" }
  assert.equal(0, result.code, result.stderr)
end

local FIELDS = "request_id,cost_usd,duration_ms,project,path,query,extra"

local function rows(s)
  return s:get("/logs/entries?fields=" .. FIELDS).json().entries
end

local function is_one(s, id, other)
  local found = rows(s)
  assert.equal(1, #found)
  local row = found[1]
  assert.same({ id, other, 0.5, 1500.0, "/home/ann/shop" },
    { row.request_id, row.extra.other_id, row.cost_usd, row.duration_ms, row.project })
  local summary = s:get("/logs/analytics?start_time=0").json().summary
  assert.same({ 1, 30, 0.5 },
    { summary.total_requests, summary.total_tokens_all, summary.total_cost_usd })
end

describe("a transcript beside live telemetry", function()
  it("is merged into its row, again and again, over restarts", function()
    local folder <close> = helpers.folder()
    local options = { database = folder.path .. "/m.db" }
    local s = server.start(options)
    s:post("/v1/logs", telemetry(1), JSON)
    import(s, folder, line(1))
    is_one(s, "req_1", "msg_1")
    s:stop()
    s = server.start(options)
    import(s, folder, line(1))
    s:post("/v1/logs", telemetry(1), JSON)
    is_one(s, "req_1", "msg_1")
    s:stop()
  end)

  it("has its row filled by it, when it came first, and after a crash too", function()
    local folder <close> = helpers.folder()
    local options = { database = folder.path .. "/m.db" }
    local s = server.start(options)
    import(s, folder, line(1))
    import(s, folder, line(1, "req_side"))
    s:kill()
    s = server.start(options)
    s:post("/v1/logs", telemetry(1), JSON)
    is_one(s, "msg_1", "req_1")
    import(s, folder, line(1, "req_side"))
    is_one(s, "msg_1", "req_1")
    s:stop()
    s = server.start(options)
    s:post("/v1/logs", telemetry(1), JSON)
    is_one(s, "msg_1", "req_1")
    s:stop()
  end)

  it("is told apart from another call, in one body too", function()
    local s = server.start()
    s:ingest { { request_id = "m1", other_id = "r1", tokens_input = 1 },
      { request_id = "r1", tokens_input = 1 }, { request_id = "r2", tokens_input = 1 },
      { request_id = "m2", other_id = "r2", tokens_input = 1 },
      { request_id = "m3", other_id = "r3", tokens_input = 1 } }
    local ids = {}
    for i, row in ipairs(rows(s)) do
      ids[i] = row.request_id .. " " .. row.extra.other_id
    end
    table.sort(ids)
    assert.same({ "m1 r1", "m3 r3", "r2 m2" }, ids)
    s:stop()
  end)

  it("is found by the id that a merge has brought, after a restart too", function()
    local folder <close> = helpers.folder()
    local options = { database = folder.path .. "/m.db" }
    local s = server.start(options)
    s:ingest { { request_id = "m1", path = "/a" } }
    s:ingest { { request_id = "m1", other_id = "r1" }, { request_id = "r1", query = "b" } }
    s:stop()
    s = server.start(options)
    s:ingest { { request_id = "r1", other_id = "m1" }, { request_id = "r1", duration_ms = 3 } }
    local all = rows(s)
    assert.same({ 1, "m1", "r1", "/a", "b", 3.0 }, { #all, all[1].request_id,
      all[1].extra.other_id, all[1].path, all[1].query, all[1].duration_ms })
    s:stop()
  end)
end)
