--- Programs under measurement: ours, probes, peers and the clients that load them.
--- What serves and what loads have a core of their own where there are two.
local socket = require "socket"
local Process = require "spec.helpers.process"
local helpers = require "spec.helpers"
local server = require "spec.helpers.server"

local machine = {}

local function shell(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  local ok = pipe:close()
  return text, ok
end
machine.shell = shell

local CORES = tonumber((shell "nproc"))
machine.CORES = CORES
local TICKS = tonumber((shell "getconf CLK_TCK"))

--- Words before a command that keep it on a core, or on some ("0-1").
---@param core integer|string
---@return string[]
function machine.pin(core)
  return CORES > 1 and { "taskset", "-c", tostring(core) } or {}
end
local pin = machine.pin

--- What runs on all cores instead of one.
machine.ANY_CORE = "0-" .. CORES - 1

local function pinned(core, words)
  local list = pin(core)
  return table.move(words, 1, #words, #list + 1, list)
end

---@param command string
function machine.has(command)
  return (shell("PATH=build/tools/usr/sbin:build/tools/usr/bin:$PATH command -v " .. command)) ~= ""
end

--- Our server, with the options of spec.helpers.server.  No day is sealed where its config does
--- not say so.
---@param options? ServerOptions
---@return Server
function machine.ours(options)
  options = options or {}
  options.config = "config.storage.hot_days = 0\n" .. (options.config or "")
  options.workers = options.workers or 1
  options.wrap = options.wrap or pin(1)
  return server.start(options)
end

---@class Running
---@field pid integer
---@field port integer
local Running = {}
Running.__index = Running

function Running:stop()
  self.process:signal "TERM"
  self.process:wait(10)
  helpers.remove_folder(self.folder)
end

--- Starts any other server and waits until it takes connections.  Its port is the
--- one given, or what it prints.
---@param words string[]
---@param options? { port?: integer, folder?: string, core?: integer|string }
function machine.start(words, options)
  options = options or {}
  local folder = options.folder or helpers.temporary_folder()
  local process = Process.start(pinned(options.core or 1, words), folder)
  local s =
    setmetatable({ process = process, pid = process.pid, folder = folder, port = options.port },
      Running)
  helpers.eventually(function()
    assert(not process:has_ended(), process:stderr())
    s.port = s.port or tonumber(process:stdout():match "http://127.0.0.1:(%d+)\n")
    local probe = s.port and socket.connect("127.0.0.1", s.port)
    return probe and probe:close()
  end, 30)
  return s
end

---@param name string   of a program made from spec/bench
function machine.probe(name, ...)
  return machine.start { "build/" .. name, ... }
end

--- A port that nobody uses now, for peers that cannot choose one themselves.
function machine.free_port()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  return math.tointeger(tonumber(port))
end

local function figures(text)
  local found = {}
  for name, value in text:gmatch "([%w_]+)=(%-?[%d.]+)" do
    found[name] = tonumber(value)
  end
  return found
end

local function command_line(core, words)
  local quoted = {}
  for i, word in ipairs(pinned(core, words)) do
    quoted[i] = helpers.quote(word)
  end
  return table.concat(quoted, " ")
end

--- Runs a program to its end on the clients' core and reads the NAME=NUMBER words that it prints.
---@param words (string|number)[]
---@param core? integer|string
function machine.run(words, core)
  local text, ok = shell(command_line(core or 0, words))
  assert(ok, table.concat(words, " ") .. " failed: " .. text)
  return figures(text)
end

--- What milliseconds are judged by where nothing else does the same work: how long
--- a core takes to print 100,000 samples.
function machine.pace()
  return machine.run({ "build/limit_metrics" }, 1)
end

--- Starts a client on its core; the function that is returned waits for its end and
--- answers its figures.
---@param words (string|number)[]
---@return fun(): table<string, number>
function machine.begin(words)
  local pipe = assert(io.popen(command_line(0, words)))
  return function()
    local text = pipe:read "a"
    assert(pipe:close(), table.concat(words, " ") .. " failed: " .. text)
    return figures(text)
  end
end

--- Starts a client that prints "ready" and then waits for a line; go sends the line
--- and waits for its figures.
---@param words (string|number)[]
---@return fun(line?: string|integer): table<string, number>  go
function machine.ready(words)
  local folder = helpers.temporary_folder()
  local fifo = folder .. "/line"
  os.execute("mkfifo " .. fifo)
  local pipe = assert(io.popen(command_line(0, words) .. " < " .. fifo))
  local input = assert(io.open(fifo, "w"))
  assert(pipe:read "l" == "ready", table.concat(words, " ") .. " did not get ready")
  return function(line)
    input:write(line or "go", "\n")
    input:close()
    local text = pipe:read "a"
    helpers.remove_folder(folder)
    assert(pipe:close(), table.concat(words, " ") .. " failed: " .. text)
    return figures(text)
  end
end

--- CPU seconds that a process has used.
function machine.cpu_seconds(pid)
  local fields = {}
  for field in helpers.read_file("/proc/" .. pid .. "/stat"):match("%) (.*)"):gmatch "%S+" do
    fields[#fields + 1] = field
  end
  return (fields[12] + fields[13]) / TICKS
end

--- Resident memory in KiB.
function machine.rss_kib(pid)
  return tonumber(helpers.read_file("/proc/" .. pid .. "/status"):match "VmRSS:%s+(%d+)")
end

--- wrk against a URL: requests, req_s, p50_us, p99_us, errors, and cpu_us of pid per request.
---@param s { pid: integer, port: integer }
---@param path string
---@param options { connections: integer, seconds: number, depth?: integer }
function machine.wrk(s, path, options)
  local before = machine.cpu_seconds(s.pid)
  local found = machine.run {
    "wrk", "-t1", "-c" .. options.connections, "-d" .. options.seconds .. "s", "-s",
    "spec/bench/wrk.lua",
    ("http://127.0.0.1:%d%s"):format(s.port, path), "--", options.depth or 1,
  }
  found.cpu_us = (machine.cpu_seconds(s.pid) - before) * 1e6 / found.requests
  return found
end

return machine
