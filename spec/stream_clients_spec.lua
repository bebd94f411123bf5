local server = require "spec.helpers.server"
local helpers = require "spec.helpers"

local function subscribers(s)
  return tonumber(s:get("/metrics").body:match "\nmoonledger_stream_subscribers (%d+)\n")
end

local function open(s, query)
  local stream = s:stream("/logs/stream" .. (query or ""))
  assert.equal(200, stream.status)
  stream:event()
  return stream
end

describe("a stream's silence #loops", function()
  it("is broken by a block with only the newest id", function()
    local s = server.start { config = "config.stream.heartbeat_ms = 50" }
    local stream, filtered = open(s), open(s, "?model=none")
    s:ingest { { request_id = "one" } }
    local id = stream:event().id
    for _, each in ipairs { stream, filtered } do
      repeat
        local block = assert(each:block())
        assert.equal("id: " .. block.id .. "\n", block.text)
      until block.id == id -- the one with a filter learns of events that it does not get
    end
    stream:close()
    filtered:close()
    s:stop()
  end)
end)

describe("a stream's place #loops", function()
  it("is refused with 503 when all are taken, and free again when a client leaves", function()
    local s = server.start { config = "config.stream.max_subscribers = 2" }
    local first, second = open(s), open(s, "?model=x")
    local refused = s:stream "/logs/stream"
    assert.equal(503, refused.status)
    assert.equal("service_unavailable_error", refused.json().error.type)
    assert.is_truthy(refused.headers["retry-after"])
    first:close()
    local third = helpers.eventually(function()
      local stream = s:stream "/logs/stream"
      return stream.status == 200 and stream
    end)
    third:close()
    second:close()
    helpers.eventually(function() return subscribers(s) == 0 end)
    s:stop()
  end)
end)

describe("the server's end #loops", function()
  it("is told to every stream, and the streams end whole", function()
    local s = server.start()
    local streams, ids = {}, {}
    for i = 1, 5 do
      streams[i] = s:stream("/logs/stream" .. (i % 2 == 0 and "?model=x" or ""))
      ids[i] = streams[i]:event().json.connection_id
    end
    s:signal "TERM"
    for i, stream in ipairs(streams) do
      local event = assert(stream:event())
      assert.equal("disconnect", event.json.type)
      assert.equal("Stream disconnected", event.json.message)
      assert.equal(ids[i], event.json.connection_id)
      assert.is_number(event.json.timestamp)
      assert.equal("", stream.connection:chunk(5))
      assert.is_true(stream.connection:is_closed())
    end
    helpers.eventually(function() return s.process:has_ended() end)
    s:stop()
  end)
end)

describe("a client of HTTP/1.0", function()
  it("gets the same events without chunks", function()
    local s = server.start()
    local connection =
      s:raw("GET /logs/stream HTTP/1.0\r\nHost: 127.0.0.1:" .. s.port .. "\r\n\r\n")
    local head = connection:head()
    assert.equal(200, head.status)
    assert.is_nil(head.headers["transfer-encoding"])
    assert.matches("^id: ", connection:line())
    local hello = connection:line():gsub('^data: {.*("type":"connection").*', "data: {%1")
    assert.matches('^data: {"type":"connection"', hello)
    assert.equal("", connection:line())
    s:ingest { { request_id = "old" } }
    assert.matches("^id: ", connection:line())
    assert.matches('^data: {"type":"request_complete","data":{"request_id":"old"',
      connection:line())
    connection:close()
    s:stop()
  end)
end)

describe("a client that does not read", function()
  local batch = 0
  local function flood(s, batches)
    local lines = {}
    for i = 1, 1000 do
      lines[i] = ('{"request_id":"%%d-%d","model":"%s"}'):format(i, ("x"):rep(600))
    end
    local text = table.concat(lines, "\n")
    for _ = 1, batches do
      batch = batch + 1
      local answer = s:post("/logs/ingest", (text:gsub("%%d", batch)),
        { ["content-type"] = "application/x-ndjson" })
      assert.equal(200, answer.status)
    end
  end

  it("holds neither memory nor others up, and is told how much it has missed", function()
    local s = server.start {
      config = "config.stream.ring_events, config.stream.ring_bytes = 2000, 4 * 1024 * 1024",
    }
    local first = open(s)
    flood(s, 60) -- until caches are as large as they get
    first:close()
    local slow = {}
    for i = 1, 20 do
      slow[i] = open(s)
      slow[i].connection.socket:setoption("recv-buffer-size", 65536)
    end
    local before = s:resident_kib()
    flood(s, 24)
    local grown = s:resident_kib() - before
    local freed = os.getenv "SANITIZE" and 16384 or 0 -- that ASan keeps for a while
    assert.is_true(grown < 8192 + freed or os.getenv "SANITIZE" == "thread",
      "it grew by " .. grown .. " KiB")

    s:ingest { { request_id = "next" } }
    local quick = open(s)
    s:ingest { { request_id = "last" } }
    assert.equal("last", quick:event().json.data.request_id)

    local events, dropped, overflows = 0, 0, 0
    repeat
      local event = assert(slow[1]:event())
      if event.json.type == "overflow" then
        dropped, overflows = event.json.dropped, overflows + 1
      else
        events = events + 1
      end
    until event.json.type == "overflow" or event.json.data.request_id == "last"
    s:ingest { { request_id = "after" } }
    repeat
      local event = assert(slow[1]:event())
      events = events + 1
    until event.json.data.request_id == "after"
    assert.equal(1, overflows)
    assert.equal(24 * 1000 + 3, events + dropped)
    for _, stream in ipairs(slow) do
      stream:close()
    end
    quick:close()
    s:stop()
  end)
end)
