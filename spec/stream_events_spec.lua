local server = require "spec.helpers.server"
local json = require "spec.helpers.json"
local socket = require "socket"

local ID = "^[^-]+%-%d+%-%d+$"

--- Events until one of the given request_id came, that one included.
local function events_until(stream, request_id)
  local events = {}
  repeat
    local event, err = stream:event()
    events[#events + 1] = assert(event, err)
  until event.json.data and event.json.data.request_id == request_id
  return events
end

describe("GET /logs/stream #loops", function()
  local s
  lazy_setup(function() s = server.start() end)
  lazy_teardown(function() s:stop() end)

  local function open(query, headers)
    local stream = s:stream("/logs/stream" .. (query or ""), headers)
    assert.equal(200, stream.status)
    local hello = assert(stream:event())
    assert.equal("connection", hello.json.type)
    return stream, hello
  end

  it("answers an event stream that no proxy holds back", function()
    local stream = open()
    local headers = stream.headers
    assert.equal("text/event-stream; charset=utf-8", headers["content-type"])
    assert.equal("no-cache", headers["cache-control"])
    assert.equal("no", headers["x-accel-buffering"])
    assert.equal("keep-alive", headers.connection)
    assert.equal("chunked", headers["transfer-encoding"])
    stream:close()
  end)

  it("begins with the connection's event", function()
    local before = socket.gettime()
    local stream, hello = open()
    local event = hello.json
    assert.equal("Connected to metrics stream", event.message)
    assert.matches("^%x+%-%x+%-4%x+%-[89ab]%x+%-%x+$", event.connection_id)
    assert.equal(36, #event.connection_id)
    assert.is_true(event.timestamp >= before and event.timestamp <= socket.gettime())
    assert.matches(ID, hello.id)
    assert.is_nil(hello.event)
    stream:close()
  end)

  it("shows of each event what was received, in one data line with an id", function()
    local stream = open()
    s:ingest {
      { type = "request_start", request_id = "shape", method = "POST", path = "/v1/messages",
        model = json.null,
        client_ip = "127.0.0.1", extra_field = "x", cost_usd = 1 },
      { request_id = "shape", method = "POST", path = "/v1/messages", status_code = 200,
        duration_ms = 12.5,
        model = "opus", tokens_input = 3, streaming = true, cost_usd = 0.25, session_type = "s" },
      { type = "request_error", request_id = "shape-error", error_type = "timeout",
        error_message = "too slow",
        method = "GET", status_code = 504, model = "opus" },
    }
    local start, complete, failed = table.unpack(events_until(stream, "shape-error"))
    assert.equal("request_start", start.json.type)
    assert.same({
      request_id = "shape", method = "POST", path = "/v1/messages", client_ip = "127.0.0.1",
    }, start.json.data)
    assert.equal("request_complete", complete.json.type)
    assert.same({
      request_id = "shape", method = "POST", path = "/v1/messages", status_code = 200,
      duration_ms = 12.5, model = "opus", tokens_input = 3, streaming = true, cost_usd = 0.25,
    }, complete.json.data)
    assert.equal("request_error", failed.json.type)
    assert.same({ request_id = "shape-error", error_type = "timeout", error_message = "too slow",
      method = "GET" },
      failed.json.data)
    for _, event in ipairs { start, complete, failed } do
      assert.matches(ID, event.id)
      assert.matches("^id: [^\n]+\ndata: {[^\n]+}\n$", event.text)
      assert.is_true(math.abs(event.json.timestamp - os.time()) < 60)
    end
    stream:close()
  end)

  it("keeps line breaks and odd bytes inside the one data line", function()
    local stream = open()
    s:post("/logs/ingest", '{"request_id":"odd","model":"a\\nb\\r\\u2028\\u0000c\xff\u{1F600}"}',
      { ["content-type"] = "application/json" })
    local event = events_until(stream, "odd")[1]
    assert.equal("a\nb\r\u{2028}\0c\u{FFFD}\u{1F600}", event.json.data.model)
    stream:close()
  end)

  it("shows every event in the order of their ids, and a repeat only when it changes something",
      function()
    local stream = open()
    s:ingest { { request_id = "twice", model = "x" } }
    s:ingest { { request_id = "twice", model = "x" } }
    s:ingest { { request_id = "twice", tokens_input = 5 } }
    s:ingest { { request_id = "twice-end" } }
    local events = events_until(stream, "twice-end")
    assert.equal(3, #events)
    local last_row, last_n = 0, 0
    for _, event in ipairs(events) do
      local row, n = event.id:match "%-(%d+)%-(%d+)$"
      row, n = tonumber(row), tonumber(n)
      assert.is_true(row > last_row or row == last_row and n > last_n)
      last_row, last_n = row, n
    end
    stream:close()
  end)

  it("sees nothing of a reset", function()
    local stream = open()
    s:post "/logs/reset"
    s:ingest { { request_id = "after-reset" } }
    assert.equal(1, #events_until(stream, "after-reset"))
    stream:close()
  end)

  it("answers 422 before a stream starts when a number is wrong", function()
    local answer = s:stream "/logs/stream?min_duration_ms=fast&status_code_max="
    assert.equal(422, answer.status)
    local faults = answer.json().detail
    assert.equal(2, #faults)
    assert.same({ "query", "min_duration_ms" }, faults[1].loc)
    assert.equal("float_parsing", faults[1].type)
    assert.equal("int_parsing", faults[2].type)
  end)

  local RECORDS = {
    { request_id = "a", method = "POST", endpoint = "/v1/messages", model = "opus",
      service_type = "proxy",
      status_code = 200, duration_ms = 100 },
    { request_id = "b", method = "GET", endpoint = "/v1/models", model = "haiku",
      service_type = "sdk",
      status_code = 500, duration_ms = 2000 },
    { request_id = "c" },
    { request_id = "d", model = "", service_type = "" },
    { type = "request_start", request_id = "s", model = "opus" },
    { type = "request_error", request_id = "end", model = "none", service_type = "none",
      status_code = 599 },
  }
  local ALL = "a b c d s"

  for query, passes in pairs {
    [""] = ALL,
    ["?unknown=1"] = ALL,
    ["?model=opus"] = "a s",
    ["?model=OPUS"] = "",
    ["?model=opus,haiku"] = "",
    ["?model="] = "d",
    ["?service_type="] = "d",
    ["?service_type=proxy"] = "a",
    ["?service_type=proxy,%20sdk"] = "a b",
    ["?service_type=!proxy"] = "b c d s",
    ["?service_type=sdk,!proxy"] = "b",
    ["?service_type=!"] = "a b c s",
    ["?min_duration_ms=1000"] = "b c d s",
    ["?max_duration_ms=100"] = "a c d s",
    ["?max_duration_ms=99.9"] = "c d s",
    ["?min_duration_ms=0"] = ALL,
    ["?min_duration_ms=nan"] = ALL,
    ["?max_duration_ms=-inf"] = "c d s",
    ["?min_duration_ms=inf"] = "c d s",
    ["?status_code_min=400"] = "b c d s",
    ["?status_code_max=200"] = "a c d s",
    ["?status_code_max=0"] = "c d s",
    ["?model=opus&min_duration_ms=1000"] = "s",
    ["?endpoint=/v1/messages"] = "a",
    ["?method=POST"] = "a",
    ["?request_id=b"] = "b",
    ["?start_time=4000000000"] = ALL,
  } do
    it(("passes %q with %q"):format(passes, query), function()
      local stream = open(query)
      s:post "/logs/reset"
      s:ingest(RECORDS)
      local ids = {}
      for _, event in ipairs(events_until(stream, "end")) do
        ids[#ids + 1] = event.json.data.request_id
      end
      assert.equal("end", table.remove(ids))
      assert.equal(passes, table.concat(ids, " "))
      stream:close()
    end)
  end
end)
