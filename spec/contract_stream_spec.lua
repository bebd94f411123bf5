local helpers = require "spec.helpers"
local server = require "spec.helpers.server"
local json = require "spec.helpers.json"

local UUID4 = "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-4%x%x%x%-[89ab]%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$"

-- Every subscription begins with the connection event.
local function subscribe(s, query, headers)
  local stream = s:stream("/logs/stream" .. (query and "?" .. query or ""), headers)
  assert.equal("connection", assert(stream:event()).json.type)
  return stream
end

-- What arrives up to a mark that every filter passes.
local function ids_until_mark(stream)
  local ids = {}
  while true do
    local event = assert(stream:event())
    local data = event.json.data
    if data.request_id == "mark" then
      return table.concat(ids, " ")
    end
    ids[#ids + 1] = data.request_id
  end
end

local MARK = { type = "request_error", request_id = "mark", error_type = "mark" }

describe("GET /logs/stream #loops", function()
  local s
  lazy_setup(function() s = server.start() end)
  lazy_teardown(function() s:stop() end)

  it("is an event stream that nobody buffers", function()
    local stream = s:stream "/logs/stream"
    assert.equal(200, stream.status)
    assert.equal("text/event-stream; charset=utf-8", stream.headers["content-type"])
    assert.equal("no-cache", stream.headers["cache-control"])
    assert.equal("no", stream.headers["x-accel-buffering"])
    assert.equal("keep-alive", stream.headers.connection:lower())
    assert.equal("chunked", stream.headers["transfer-encoding"])
    stream:close()
  end)

  it("begins with the connection event", function()
    local stream = s:stream "/logs/stream"
    local event = assert(stream:event())
    assert.is_nil(event.event)
    assert.equal("connection", event.json.type)
    assert.equal("Connected to metrics stream", event.json.message)
    assert.truthy(event.json.connection_id:match(UUID4))
    assert.truthy(math.abs(event.json.timestamp - os.time()) < 60)
    stream:close()
  end)

  it("answers HEAD with the head alone", function()
    local r = s:request { method = "HEAD", path = "/logs/stream" }
    assert.equal(200, r.status)
    assert.equal("text/event-stream; charset=utf-8", r.headers["content-type"])
    assert.same({ "chunked" }, { r.headers["transfer-encoding"], r.headers["content-length"] })
  end)

  it("shows of a record what was received, and only its event's fields", function()
    local stream = subscribe(s)
    s:ingest {
      {
        request_id = "full", method = "POST", path = "/p", query = "", status_code = 201,
        client_ip = "::1", user_agent = "ua", service_type = "x", model = "m", streaming = true,
        duration_ms = 5.5, tokens_input = 1, tokens_output = 2, cost_usd = 0.25, endpoint = "/e",
        cache_read_tokens = 3, cache_write_tokens = 4, num_turns = 7, session_type = "direct",
        other = 1,
      },
    }
    local event = assert(stream:event())
    assert.is_nil(event.event)
    assert.is_not_nil(event.id)
    assert.equal("request_complete", event.json.type)
    assert.truthy(math.abs(event.json.timestamp - os.time()) < 60)
    local data = event.json.data
    assert.equal(0.0055, data.duration_seconds or 0.0055)
    data.duration_seconds = nil
    assert.same({
      request_id = "full", method = "POST", path = "/p", query = "", status_code = 201,
      client_ip = "::1", user_agent = "ua", service_type = "x", model = "m", streaming = true,
      duration_ms = 5.5, tokens_input = 1, tokens_output = 2, cost_usd = 0.25, endpoint = "/e",
      cache_read_tokens = 3, cache_write_tokens = 4,
    }, data)
    stream:close()
  end)

  it("leaves out what was absent or null", function()
    local stream = subscribe(s)
    s:ingest { { request_id = "sparse", model = json.null, status_code = 200 } }
    assert.same({ request_id = "sparse", status_code = 200 }, assert(stream:event()).json.data)
    stream:close()
  end)

  it("has starts and errors as well", function()
    local stream = subscribe(s)
    s:ingest {
      {
        type = "request_start", request_id = "r", method = "GET", path = "/p",
        client_ip = "1.2.3.4", user_agent = "u", query = "a=b", status_code = 200,
      },
      { type = "request_error", request_id = "r", error_type = "timeout",
        error_message = "too late", method = "GET",
        path = "/p", client_ip = "1.2.3.4", user_agent = "u", query = "a=b", model = "m" },
    }
    local start, failure = assert(stream:event()).json, assert(stream:event()).json
    assert.equal("request_start", start.type)
    assert.same({
      request_id = "r", method = "GET", path = "/p", client_ip = "1.2.3.4", user_agent = "u",
      query = "a=b",
    }, start.data)
    assert.equal("request_error", failure.type)
    assert.same({
      request_id = "r", error_type = "timeout", error_message = "too late", method = "GET",
      path = "/p", client_ip = "1.2.3.4", user_agent = "u", query = "a=b",
    }, failure.data)
    stream:close()
  end)

  local records = {
    { request_id = "a", model = "m", service_type = "x", status_code = 200, duration_ms = 0 },
    { request_id = "b", model = "", service_type = "", status_code = 404, duration_ms = 10 },
    { request_id = "c", model = "m,n", service_type = "y", status_code = 500, duration_ms = 20.5 },
    { request_id = "d" },
    { type = "request_start", request_id = "e", method = "GET" },
    { type = "request_start", request_id = "f", model = "m", service_type = "x" },
    { type = "request_error", request_id = "g", model = "other", service_type = "z",
      status_code = 999 },
  }
  local filters = {
    { "", "a b c d e f g" },
    { "model=m", "a f g" },
    { "model=", "b g" },
    { "model=m,n", "c g" },
    { "model=nobody", "g" },
    { "service_type=x", "a f g" },
    { "service_type=x,y", "a c f g" },
    { "service_type=", "b g" },
    { "service_type=!x", "b c d e g" },
    { "service_type=!x,!", "c d e g" },
    { "service_type=x,!x", "g" },
    { "status_code_min=404", "b c d e f g" },
    { "status_code_max=404", "a b d e f g" },
    { "status_code_min=0&status_code_max=0", "d e f g" },
    { "min_duration_ms=10", "b c d e f g" },
    { "max_duration_ms=10", "a b d e f g" },
    { "max_duration_ms=0", "a d e f g" },
    { "min_duration_ms=nan", "a b c d e f g" },
    { "min_duration_ms=inf", "d e f g" },
    { "max_duration_ms=-inf", "d e f g" },
    { "min_duration_ms=-inf&max_duration_ms=inf", "a b c d e f g" },
    { "model=m&min_duration_ms=5", "f g" },
    { "method=GET", "e g" },
    { "endpoint=", "a b c d e f g" },
    { "start_time=99999999999", "a b c d e f g" },
  }
  for _, case in ipairs(filters) do
    it(("narrows by %q"):format(case[1]), function()
      local stream = subscribe(s, case[1])
      s:ingest(records)
      s:ingest { MARK }
      local names = ids_until_mark(stream)
      assert.equal(case[2], names)
      stream:close()
      s:post "/logs/reset"
    end)
  end

  it("resumes after the event that a client saw last", function()
    local stream = subscribe(s)
    s:ingest { { request_id = "first" }, { request_id = "second" }, { request_id = "third" } }
    local id = assert(stream:event()).id
    stream:close()
    for _, way in ipairs { "header", "last_event_id", "lastEventId" } do
      local query = way ~= "header" and way .. "=" .. id or nil
      local resumed = subscribe(s, query, way == "header" and { ["Last-Event-ID"] = id } or nil)
      assert.equal("second", assert(resumed:event()).json.data.request_id)
      assert.equal("third", assert(resumed:event()).json.data.request_id)
      resumed:close()
    end
  end)
  it("starts with what is new where the id is empty", function()
    for query, headers in pairs { ["last_event_id="] = {},
        ["lastEventId="] = { ["Last-Event-ID"] = "" } } do
      local stream = subscribe(s, query, headers)
      s:ingest { MARK }
      assert.equal("", ids_until_mark(stream))
      stream:close()
      s:post "/logs/reset"
    end
  end)
  it("narrows what it replays by the times", function()
    local stream = subscribe(s)
    s:ingest {
      { request_id = "t0" }, { request_id = "t1", timestamp = 1000 },
      { request_id = "t2", timestamp = 2000 },
    }
    local id = assert(stream:event()).id
    stream:close()
    local resumed = subscribe(s, "start_time=1500&end_time=2500&last_event_id=" .. id)
    assert.equal("t2", assert(resumed:event()).json.data.request_id)
    s:ingest { { request_id = "t3", timestamp = 5000 } }
    assert.equal("t3", assert(resumed:event()).json.data.request_id)
    resumed:close()
  end)

  it("sees nothing of a reset", function()
    local stream = subscribe(s)
    assert.equal(200, s:post("/logs/reset").status)
    s:ingest { MARK }
    assert.equal("", ids_until_mark(stream))
    stream:close()
  end)
end)

it("a stream is told when the server stops", function()
  local s = server.start()
  local stream = s:stream "/logs/stream"
  local id = assert(stream:event()).json.connection_id
  s:signal "TERM"
  local event = assert(stream:event()).json
  assert.equal("disconnect", event.type)
  assert.equal("Stream disconnected", event.message)
  assert.equal(id, event.connection_id)
  stream:close()
  assert.equal(0, s:wait())
end)

it("a stream does not need collection", function()
  local s = server.start { config = "config.features.logs_collection_enabled = false" }
  local stream = s:stream "/logs/stream"
  assert.equal("connection", assert(stream:event()).json.type)
  stream:close()
  s:stop()
end)

it("the topic of records and a stream's own words stand in schema.lua", function()
  local shipped, route =
    helpers.read_file "lua/schema.lua", helpers.read_file "lua/routes/logs_stream.lua"
  local s = server.start {
    files = {
      ["lua/schema.lua"] = shipped:gsub("\n  stream = stream,\n", [[

  stream = {
    topic = "calls",
    overflow = stream.overflow,
    disconnect = { { "why", 'it "ended"' }, "timestamp", { "type", "bye" }, "connection_id" },
  },
]]),
      ["lua/routes/logs_stream.lua"] = route:gsub('topic = "logs"', 'topic = "calls"'),
    },
  }
  local stream = s:stream "/logs/stream"
  local id = assert(stream:event()).json.connection_id
  s:ingest { { request_id = "r-1" } }
  assert.equal("r-1", stream:event().json.data.request_id)
  s:signal "TERM"
  assert.truthy(stream:block().text:find(
    '^data: {"why":"it \\u0022ended\\u0022","timestamp":[%d.]+,"type":"bye","connection_id":"'
      .. id:gsub("%-", "%%-") .. '"}'))
  s:wait()
end)
