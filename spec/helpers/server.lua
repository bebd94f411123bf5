--- Starts the real server for a spec: port 0, its own database, stopped by pid.
---
---   local s = server.start { workers = 2, config = "config.features.dashboard_enabled = false" }
---   local r = s:get("/logs/status")            -- r.status, r.headers, r.body, r.json()
---   s:stop()
---
--- $MOONLEDGER names the binary, $WORKERS the default number of loops.
local socket = require "socket"
local Connection = require "spec.helpers.connection"
local Process = require "spec.helpers.process"
local Stream = require "spec.helpers.sse"
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"

local server = {}

server.eventually = helpers.eventually

local BINARY = os.getenv "MOONLEDGER" or "build/moonledger"

---@class Server
---@field url string
---@field port integer
---@field pid integer
---@field process Process
---@field database string  path of the file
---@field root string      folder of config.lua, lua/ and static/
local Server = {}
Server.__index = Server

--- Copies what the server reads into folder, and changes it as the options ask.
local function make_root(folder, options)
  os.execute("cp -R config.lua lua static " .. folder .. " 2>/dev/null")
  if options.config then
    local shipped = assert(helpers.read_file "config.lua")
    helpers.write_file(folder .. "/config.lua",
      ("local config = (function()\n%s\nend)()\n%s\nreturn config\n")
        :format(shipped, options.config))
  end
  for path, text in pairs(options.files or {}) do
    os.execute("mkdir -p " .. helpers.quote(folder .. "/" .. path:match "^(.-)[^/]*$"))
    helpers.write_file(folder .. "/" .. path, text)
  end
end

local function command_line(s, options)
  local words = Process.environment(options.env)
  for _, list in ipairs {
    options.wrap or {},
    {
      options.binary or BINARY,
      "--config", s.root .. "/config.lua", "--listen", options.listen or "127.0.0.1:0",
      "--database", s.database, "--workers", options.workers or os.getenv "WORKERS" or "1",
    },
    options.flags or {},
  } do
    table.move(list, 1, #list, #words + 1, words)
  end
  return words
end

local function wait_for_listening(s)
  local deadline = socket.gettime() + helpers.SECONDS
  repeat
    local ended = s.process:has_ended()
    local url, port = s.process:stdout():match "listening on (http://%S+:(%d+))\n"
    if url then
      s.url, s.port = url, tonumber(port)
      return
    end
    socket.sleep(0.001)
  until ended or socket.gettime() > deadline
  s:kill()
  error("the server does not listen; exit code " .. s.process.code .. ":\n" .. s.final_log, 0)
end

---@class ServerOptions
---@field binary? string   in place of $MOONLEDGER
---@field workers? integer
---@field config? string    Lua that changes the shipped table `config`
---@field files? table<string, string>  files beside the copied config.lua: path -> text
---@field database? string  path; kept on stop.  Without: a temporary one
---@field env? table<string, string>
---@field flags? string[]   more command-line words
---@field wrap? string[]    a command that runs the server, such as { "taskset", "-c", "0" }
---@field listen? string

--- Starts a server and waits until it listens.
---@param options? ServerOptions
---@return Server
function server.start(options)
  options = options or {}
  local s = { folder = helpers.temporary_folder(), root = "." }
  s.database = options.database or s.folder .. "/moonledger.db"
  if options.config or options.files then
    s.root = s.folder
    make_root(s.folder, options)
  end
  s.process = Process.start(command_line(s, options), s.folder)
  s.pid = s.process.pid
  setmetatable(s, Server)
  wait_for_listening(s)
  return s
end

--- Runs the program with these words until it ends by itself: { code, stdout, stderr }.
---@param words string[]
---@param options? { env?: table<string, string>, seconds?: number }
function server.run(words, options)
  options = options or {}
  local line = Process.environment(options.env)
  line[#line + 1] = BINARY
  table.move(words, 1, #words, #line + 1, line)

  local folder = helpers.temporary_folder()
  local process = Process.start(line, folder)
  local code = process:wait(options.seconds or helpers.SECONDS)
  local result = { code = code, stdout = process:stdout(), stderr = process:stderr() }
  helpers.remove_folder(folder)
  assert(code, "the program did not end:\n" .. result.stderr)
  return result
end

--- One request on the kept connection.
---@param r { method?: string, path: string, headers?: table, body?: string }
---@return Response
function Server:request(r)
  local text = Connection.request_text {
    method = r.method, path = r.path, headers = r.headers, body = r.body,
    host = "127.0.0.1:" .. self.port,
  }
  local reused = self.connection ~= nil
  local connection = self.connection or Connection.open(self.port)
  self.connection = nil
  connection:send(text)
  local response, err = connection:response(r.method)
  if not response and reused and err == "closed" and connection.buffer == "" then
    connection:close()
    return self:request(r)
  end
  assert(response, err)
  if (response.headers.connection or ""):lower():find "close" or response.version == "1.0" then
    connection:close()
  else
    self.connection = connection
  end
  return response
end

---@return Response
function Server:get(path, headers)
  return self:request { path = path, headers = headers }
end

---@return Response
function Server:post(path, body, headers)
  return self:request { method = "POST", path = path, body = body or "", headers = headers }
end

--- Stores records and answers what the server said about them.
---@param records table[]
function Server:ingest(records)
  local response =
    self:post("/logs/ingest", json.lines(records), { ["content-type"] = "application/x-ndjson" })
  assert(response.status == 200, response.status .. " " .. response.body)
  return response.json()
end

--- A connection of its own, after these bytes were sent on it: line, bytes, rest,
--- response, is_closed, send, shutdown.
---@param bytes? string
---@return Connection
function Server:raw(bytes)
  local connection = Connection.open(self.port)
  if bytes then
    connection:send(bytes)
  end
  return connection
end

--- Opens an event stream.
---@return Stream
function Server:stream(path, headers)
  local all = { accept = "text/event-stream" }
  for name, value in pairs(headers or {}) do
    all[name:lower()] = value
  end
  return Stream.open(self:raw(Connection.request_text {
    path = path, headers = all, host = "127.0.0.1:" .. self.port,
  }))
end

--- What the server has written to its standard error.
function Server:log()
  return self.final_log or self.process:stderr()
end

local function finish(s)
  s.final_log = s:log()
  if s.connection then
    s.connection:close()
    s.connection = nil
  end
  helpers.remove_folder(s.folder)
end

--- Memory of the process, as the kernel counts it.
function Server:resident_kib()
  return tonumber(helpers.read_file("/proc/" .. self.pid .. "/status"):match "VmRSS:%s+(%d+)")
end

---@param name string  such as "HUP"
function Server:signal(name)
  self.process:signal(name)
end

--- Waits for its end after a signal.  Fails unless it exits 0 in time, which it
--- does only with every handle closed.
function Server:wait()
  if not self.final_log then
    local code = self.process:wait(helpers.SECONDS)
    finish(self)
    assert(code, "the server did not stop:\n" .. self.final_log)
    assert(code == 0, "the server exited with " .. code .. ":\n" .. self.final_log)
  end
  return self.process.code
end

--- Ends it politely, and fails as wait does.
function Server:stop()
  if not self.final_log then
    self.process:signal "TERM"
  end
  return self:wait()
end

--- Ends it as a crash would.
function Server:kill()
  if not self.final_log then
    self.process:kill()
    finish(self)
  end
end

Server.__gc = Server.kill
Server.__close = Server.kill

return server
