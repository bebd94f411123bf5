local helpers = require "spec.helpers"
local server = require "spec.helpers.server"

local function records(from, to, fields)
  local list = {}
  for i = from, to do
    local record = { request_id = "r" .. i, model = i % 2 == 0 and "even" or "odd" }
    for name, value in pairs(fields or {}) do
      record[name] = value
    end
    list[#list + 1] = record
  end
  return list
end

--- The numbers of the requests that come until the given one, and the overflow events between them.
local function read_until(stream, last)
  local numbers, overflows = {}, {}
  repeat
    local event, err = stream:event()
    assert(event, err)
    if event.json.type == "overflow" then
      overflows[#overflows + 1] = event.json
    elseif event.json.data then
      numbers[#numbers + 1] = tonumber(event.json.data.request_id:match "%d+")
    end
  until numbers[#numbers] == last
  return numbers, overflows
end

local function range(from, to, step)
  local list = {}
  for i = from, to, step or 1 do
    list[#list + 1] = i
  end
  return list
end

describe("Last-Event-ID #loops", function()
  local s
  before_each(function() s = server.start() end)
  after_each(function() s:stop() end)

  local function open(last_id, query)
    local stream = s:stream("/logs/stream" .. (query or ""), { ["last-event-id"] = last_id })
    local hello = stream:event()
    assert.equal("connection", hello.json.type)
    if last_id then
      assert.is_nil(hello.id) -- it must not move past what is still to come
    end
    return stream
  end

  --- The id that a client has who saw the first records.
  local function id_after(from, to)
    local stream = open()
    s:ingest(records(from, to))
    read_until(stream, to)
    stream:close()
    return stream.last_id
  end

  it("brings what was missed, once and in order, and then what is new", function()
    local last_id = id_after(1, 3)
    s:ingest(records(4, 200))
    local stream = open(last_id)
    assert.same({ range(4, 200), {} }, { read_until(stream, 200) })
    s:ingest(records(201, 202))
    assert.same(range(201, 202), (read_until(stream, 202)))
    stream:close()
  end)

  it("may stand in the query", function()
    for _, name in ipairs { "last_event_id", "lastEventId" } do
      local last_id = id_after(1, 2)
      s:ingest(records(3, 4, { method = name }))
      local stream = open(nil, "?" .. name .. "=" .. last_id)
      assert.same(range(3, 4), (read_until(stream, 4)))
      stream:close()
      s:post "/logs/reset"
    end
  end)

  it("works from the first event's id too", function()
    local stream = open()
    stream:close()
    s:ingest(records(1, 5))
    stream = open(stream.last_id)
    assert.same(range(1, 5), (read_until(stream, 5)))
    stream:close()
  end)

  it("keeps to the filter", function()
    local last_id = id_after(1, 3)
    s:ingest(records(4, 21))
    local stream = open(last_id, "?model=odd")
    assert.same(range(5, 21, 2), (read_until(stream, 21)))
    stream:close()
  end)

  it("replays only the window that the times name", function()
    local last_id = id_after(1, 1)
    for i = 2, 9 do
      s:ingest(records(i, i, { timestamp = 1000 * i }))
    end
    local stream = open(last_id, "?start_time=4000&end_time=6000")
    assert.same(range(4, 6), (read_until(stream, 6)))
    s:ingest(records(10, 10))
    assert.same({ 10 }, (read_until(stream, 10)))
    stream:close()
  end)

  it("of another database, or none at all, is told so and goes on live", function()
    for _, id in ipairs { "other-1-1", "undefined", "1", "9-9-9-9" } do
      local stream = open(id)
      local event = stream:event()
      assert.equal("overflow", event.json.type)
      assert.equal("Event queue full, some events dropped", event.json.message)
      assert.equal(0, event.json.dropped) -- not known
      s:ingest(records(1, 1, { method = id }))
      assert.same({ 1 }, (read_until(stream, 1)))
      stream:close()
    end
  end)

  it("loses and doubles nothing while records pour in", function()
    local last_id = id_after(1, 1)
    local sent = 1
    local function pour(count)
      s:ingest(records(sent + 1, sent + count))
      sent = sent + count
    end
    pour(700)
    for _ = 1, 8 do
      local stream = open(last_id)
      pour(150)
      local numbers = read_until(stream, sent)
      assert.same(range(numbers[1], sent), numbers)
      assert.equal(2, numbers[1])
      stream:close()
    end
  end)
end)

describe("Last-Event-ID of what is no longer in memory #loops", function()
  local folder
  local CONFIG = "config.stream.ring_events = 16"
  before_each(function() folder = helpers.temporary_folder() end)
  after_each(function() helpers.remove_folder(folder) end)

  local function start()
    return server.start { config = CONFIG, database = folder .. "/stream.db" }
  end

  local function open(s, query, last_id)
    local stream = s:stream("/logs/stream" .. query, { ["last-event-id"] = last_id })
    stream:event()
    return stream
  end

  local function seen(s, from, to)
    local stream = open(s, "")
    s:ingest(records(from, to))
    read_until(stream, to)
    stream:close()
    return stream.last_id
  end

  it("is answered from storage, then from memory", function()
    local s = start()
    local last_id = seen(s, 1, 2)
    for i = 3, 400, 40 do
      s:ingest(records(i, math.min(i + 39, 400)))
    end
    local stream = open(s, "", last_id)
    assert.same({ range(3, 400), {} }, { read_until(stream, 400) })
    s:ingest(records(401, 401))
    assert.same({ 401 }, (read_until(stream, 401)))
    stream:close()
    stream = open(s, "?model=even&start_time=1", last_id)
    assert.same(range(4, 400, 2), (read_until(stream, 400)))
    stream:close()
    s:stop()
  end)

  it("tells how many starts are gone", function()
    local s = start()
    local last_id = seen(s, 1, 2)
    for i = 3, 42 do
      s:ingest { { type = "request_start", request_id = "start" .. i } }
    end
    s:ingest(records(43, 43))
    local stream = open(s, "", last_id)
    local numbers, overflows = read_until(stream, 43)
    assert.equal(1, #overflows)
    assert.equal(40, overflows[1].dropped + #numbers - 1)
    stream:close()
    s:stop()
  end)

  it("outlives a restart", function()
    local s = start()
    local last_id = seen(s, 1, 3)
    s:ingest(records(4, 6))
    s:stop()
    s = start()
    local stream = open(s, "", last_id)
    assert.same({ range(4, 6), {} }, { read_until(stream, 6) })
    s:ingest(records(7, 8))
    assert.same(range(7, 8), (read_until(stream, 8)))
    stream:close()
    assert.is_true(last_id ~= stream.last_id)
    s:stop()
  end)

  it("outlives a crash", function()
    local s = start()
    local last_id = seen(s, 1, 3)
    s:ingest(records(4, 6))
    s:kill()
    s = start()
    local stream = open(s, "", last_id)
    assert.same(range(4, 6), (read_until(stream, 6)))
    stream:close()
    s:stop()
  end)
end)
