local server = require "spec.helpers.server"
local json = require "spec.helpers.json"
local socket = require "socket"

local COLUMNS = {
  "request_id", "timestamp", "method", "endpoint", "path", "query", "client_ip", "user_agent",
  "service_type", "model", "streaming", "status_code", "duration_ms", "duration_seconds",
  "tokens_input", "tokens_output", "cache_read_tokens", "cache_write_tokens", "cost_usd",
  "cost_sdk_usd", "num_turns", "session_type", "session_status",
  "session_age_seconds", "session_message_count", "session_client_id", "session_pool_enabled",
  "session_idle_seconds", "session_error_count", "session_is_new",
}

local function ids(rows)
  local list = {}
  for i, row in ipairs(rows) do
    list[i] = row.request_id
  end
  return table.concat(list, " ")
end

describe("a row", function()
  local s
  lazy_setup(function() s = server.start() end)
  lazy_teardown(function() s:stop() end)

  it("has the 30 columns in their order", function()
    s:ingest { { request_id = "order" } }
    local row = s:get("/logs/query").body:match '"results":%[(%b{})'
    local names = {}
    for name in row:gmatch '[{,]"([%w_]+)":' do
      names[#names + 1] = name
    end
    assert.same(COLUMNS, names)
  end)

  it("has defaults for what was missing", function()
    local before = os.time()
    s:ingest { { request_id = "defaults" } }
    local row = s:get("/logs/query?request_id=defaults").json().results[1]
    for _, name in ipairs(COLUMNS) do
      assert.is_not_nil(row[name], name)
      assert.not_equal(json.null, row[name])
    end
    assert.equal(200, row.status_code)
    assert.is_true(row.session_is_new)
    assert.is_false(row.streaming)
    assert.equal("", row.model)
    assert.equal(0, row.tokens_input)
    assert.equal(0, row.cost_usd)
    assert.truthy(row.timestamp:match "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.?%d*Z$")
    assert.truthy(row.timestamp >= os.date("!%Y-%m-%dT%H:%M:%S", before))
  end)

  local derived = {
    { { endpoint = "/e" }, { endpoint = "/e", path = "/e" } },
    { { path = "/p" }, { endpoint = "/p", path = "/p" } },
    { { endpoint = "/e", path = "/p" }, { endpoint = "/e", path = "/p" } },
    { { duration_ms = 1500 }, { duration_ms = 1500, duration_seconds = 1.5 } },
    { { duration_seconds = 0.25 }, { duration_ms = 250, duration_seconds = 0.25 } },
    { { type = "request_error" }, { status_code = 500 } },
    { { type = "request_error", status_code = 429 }, { status_code = 429 } },
    { { timestamp = 1750000120.123456 }, { timestamp = "2025-06-15T15:08:40.123456Z" } },
    { { timestamp = 1750000120 }, { timestamp = "2025-06-15T15:08:40Z" } },
    { { timestamp = "2025-06-15T17:08:40.5+02:00" },
      { timestamp = "2025-06-15T15:08:40.500000Z" } },
    { { timestamp = 1750000120123 }, { timestamp = "2025-06-15T15:08:40.123000Z" } },
    { { model = "ünï\u{1F999}\"\\" }, { model = "ünï\u{1F999}\"\\" } },
    { { tokens_input = 9007199254740993 }, { tokens_input = 9007199254740993 } },
    { { cost_usd = 0.1 }, { cost_usd = 0.1 } },
  }
  for i, case in ipairs(derived) do
    it("follows from what was sent: " .. json.encode(case[1]), function()
      case[1].request_id = "derived-" .. i
      s:ingest { case[1] }
      local row = s:get("/logs/query?request_id=derived-" .. i).json().results[1]
      for name, value in pairs(case[2]) do
        assert.equal(value, row[name])
      end
    end)
  end
end)

describe("GET /logs/query", function()
  local s
  lazy_setup(function()
    s = server.start()
    s:ingest {
      { request_id = "a", timestamp = 1000, model = "m1", service_type = "x" },
      { request_id = "b", timestamp = 2000.5, model = "m2", service_type = "x,y" },
      { request_id = "c", timestamp = 3000.123456, model = "m1", service_type = "!x" },
      { request_id = "d", timestamp = 3000.123456, model = "", service_type = "" },
    }
  end)
  lazy_teardown(function() s:stop() end)

  it("answers rows newest first, with what was asked", function()
    local before = socket.gettime()
    local r = s:get "/logs/query"
    assert.equal(200, r.status)
    assert.equal("application/json", r.headers["content-type"])
    local body = r.json()
    assert.equal("d c b a", ids(body.results))
    assert.equal(4, body.count)
    assert.equal(1000, body.limit)
    assert.same({
      start_time = json.null, end_time = json.null, model = json.null, service_type = json.null,
    }, body.filters)
    assert.truthy(body.timestamp >= before and body.timestamp <= socket.gettime())
    assert.equal("float", math.type(body.timestamp))
  end)

  local cases = {
    { "limit=2", "d c" },
    { "start_time=2000.5", "d c b" },
    { "end_time=2000.5", "b a" },
    { "start_time=2000.5000004", "d c b" },
    { "start_time=2000.500001", "d c" },
    { "start_time=3000.123456&end_time=3000.123456", "d c" },
    { "start_time=0", "d c b a" },
    { "end_time=0", "d c b a" },
    { "end_time=-1", "" },
    { "model=m1", "c a" },
    { "model=", "d c b a" },
    { "model=m1,m2", "" },
    { "model=+m1", "" },
    { "model=M1", "" },
    { "service_type=x", "a" },
    { "service_type=x,y", "b" },
    { "service_type=!x", "c" },
    { "service_type=", "d c b a" },
    { "model=m1&service_type=x", "a" },
    { "model=nobody", "" },
    { "request_id=b", "b" },
    { "start_time=1500&end_time=2500", "b" },
  }
  for _, case in ipairs(cases) do
    it("narrows by " .. case[1], function()
      local body = s:get("/logs/query?" .. case[1]).json()
      assert.equal(case[2], ids(body.results))
      assert.equal(#body.results, body.count)
    end)
  end

  it("answers an empty list when nothing is found", function()
    local r = s:get "/logs/query?model=nobody"
    assert.equal(200, r.status)
    assert.truthy(r.body:find('"results":[]', 1, true))
  end)
  it("echoes a bound of 0 as a float", function()
    assert.truthy(s:get("/logs/query?start_time=0").body:find('"start_time":0.0', 1, true))
  end)

  it("leads through all rows by next_cursor", function()
    local seen, path, pages = {}, "/logs/query?limit=3", 0
    repeat
      local body = s:get(path).json()
      seen[#seen + 1] = ids(body.results)
      path = "/logs/query?limit=3&cursor=" .. tostring(body.next_cursor)
      pages = pages + 1
    until body.next_cursor == json.null or pages > 3
    assert.equal("d c b a", table.concat(seen, " "))
  end)
  it("refuses the cursor of other filters", function()
    local next_cursor = s:get("/logs/query?limit=1").json().next_cursor
    assert.equal(200, s:get("/logs/query?limit=2&cursor=" .. next_cursor).status)
    assert.equal(422, s:get("/logs/query?model=m1&cursor=" .. next_cursor).status)
    assert.equal(422, s:get("/logs/entries?cursor=" .. next_cursor).status)
  end)
end)

describe("large answers", function()
  it("do not pile up until Lua's own memory has grown", function()
    local s, rows = server.start(), {}
    for i = 1, 3000 do
      rows[i] = { request_id = tostring(i) }
    end
    s:ingest(rows)
    local function ask(times)
      for _ = 1, times do
        assert.truthy(s:get("/logs/query?limit=3000").body:find('"count":3000,', 1, true))
      end
    end
    ask(5)
    local before = s:resident_kib()
    ask(80)
    local grown = s:resident_kib() - before
    assert.is_true(grown < 32768 or os.getenv "SANITIZE" == "thread",
      "it grew by " .. grown .. " KiB")
    s:stop()
  end)
end)
