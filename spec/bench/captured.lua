--- Streams of an API that pass through a capture or nginx, and what holding them takes.
local machine = require "spec.bench.machine"
local peers = require "spec.bench.peers"
local report = require "spec.bench.report"
local socket = require "socket"

local captured = {}

local PATH = "/v1/messages"

-- Two events and the end; with x-hold the first event, and no end.
local STREAM = [[
local http_event = 'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1",'
  .. '"model":"claude-sonnet-4-5","usage":{"input_tokens":10,"output_tokens":1}}}\n\n'

return {
  summary = "A stream of Anthropic's.", raw = true, scope = "open",
  handle = function(req)
    local holds = req.headers["x-hold"]
    return { headers = { ["content-type"] = "text/event-stream" }, stream = function(write)
      write(http_event)
      while holds do
        sleep(1000)
      end
      write 'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    end }
  end,
}]]

--- What streams: a server of ours with one more route.
function captured.upstream()
  return machine.ours {
    config = ('table.insert(config.routes, { "*", %q, "routes.stream" })'):format(PATH),
    files = { ["lua/routes/stream.lua"] = STREAM },
  }
end

--- A capture of that address, such as "http://127.0.0.1:1".
---@param url string
---@param more? string  of config.lua
function captured.ours(url, more)
  return machine.ours {
    config = ('config.captures = { ["/anthropic"] = %q }\n%s'):format(url, more or ""),
  }
end

local function open(port, path, headers)
  local connection = assert(socket.connect("127.0.0.1", port))
  connection:setoption("tcp-nodelay", true)
  connection:settimeout(30)
  connection:send(("GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n"):format(path, headers or ""))
  return connection
end

-- Up to the first data of an event.
local function read_first(connection)
  repeat
    local line = assert(connection:receive "*l")
  until line:find "^data:"
end

local function read_rest(connection)
  repeat
    local line = assert(connection:receive "*l")
  until line == "0\r" or line == "0"
  connection:receive "*l"
end

-- What is done about a call after its end has that time, and is in no other's way.
local PAUSE = 0.003

local function first_byte_us(port, path, count)
  local took, connection = {}, open(port, path)
  for i = 1, count do
    local before = socket.gettime()
    if i > 1 then
      connection:send(("GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"):format(path))
    end
    read_first(connection)
    took[i] = (socket.gettime() - before) * 1e6
    read_rest(connection)
    socket.sleep(PAUSE)
  end
  connection:close()
  return (report.summary(took))
end

local COUNT, ROUNDS = 100, 5

--- By how much later the first event of a stream comes than without what stands between; median.
---@param upstream { port: integer }
---@param between { port: integer }
---@param path string
function captured.added_us(upstream, between, path)
  local added = {}
  for i = 1, ROUNDS do
    added[i] = first_byte_us(between.port, path, COUNT) - first_byte_us(upstream.port, PATH, COUNT)
  end
  return (report.summary(added))
end

--- KiB of memory that each of so many open streams takes.
---@param s Server
---@param count integer
function captured.kib_each(s, count)
  local path, open_ones = "/anthropic" .. PATH, {}
  first_byte_us(s.port, path, COUNT) -- what the server keeps for later is full
  local before = machine.rss_kib(s.pid)
  for i = 1, count do
    open_ones[i] = open(s.port, path, "X-Hold: 1\r\n")
    read_first(open_ones[i])
  end
  local kib = (machine.rss_kib(s.pid) - before) / count
  for _, connection in ipairs(open_ones) do
    connection:close()
  end
  return kib
end

local CALLS = [[
local http = require "http"
return { summary = "Makes calls.", timeout_ms = 60000, handle = function(req)
  local url, count = tostring(req.body):match "(%S+) (%d+)"
  for _ = 1, math.tointeger(tonumber(count)) do
    assert(http.get(url))
  end
  return { status = 204 }
end }]]

--- CPU of a call of http.get to the upstream on a warm connection, and of wrk's own, microseconds.
function captured.call_cpu_us(seconds)
  local upstream, count = peers.upstream(), 20000
  local url = ("http://127.0.0.1:%d/"):format(upstream.port)
  local s = machine.ours {
    config = ([[table.insert(config.routes, { "POST", "/calls", "routes.calls" })
      config.outside.allow = { "127.0.0.1:%d" }
      config.script.total_cpu_ms = 60000]]):format(upstream.port),
    files = { ["lua/routes/calls.lua"] = CALLS },
  }
  s:post("/calls", url .. " 100")
  local before = machine.cpu_seconds(s.pid)
  assert(s:post("/calls", ("%s %d"):format(url, count)).status == 204)
  local ours = (machine.cpu_seconds(s.pid) - before) * 1e6 / count
  s:stop()
  local timed = [[bash -c 'TIMEFORMAT="cpu %%U %%S"; time wrk -t1 -c1 -d%ds %s' 2>&1]]
  local text = machine.shell(timed:format(seconds, url))
  upstream:stop()
  local user, system = text:match "cpu ([%d.]+) ([%d.]+)"
  return ours, (user + system) * 1e6 / text:match "(%d+) requests in"
end

return captured
