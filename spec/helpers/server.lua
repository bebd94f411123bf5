--- Starts the real server for a spec: port 0, its own database, stopped by pid.
---
---   local s = server.start { workers = 2, config = "config.features.dashboard_enabled = false" }
---   local r = s:get("/logs/status")            -- r.status, r.headers, r.body, r.json()
---   s:stop()
---
--- $MOONLEDGER names the binary, $WORKERS the default number of loops.
local socket = require "socket"
local Connection = require "spec.helpers.connection"
local Stream = require "spec.helpers.sse"
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"

local server = { eventually = helpers.eventually }

local BINARY = os.getenv "MOONLEDGER" or "build/moonledger"
local START_SECONDS, STOP_SECONDS = 20, 20

---@class Server
---@field url string
---@field port integer
---@field pid integer
---@field database string  path of the file
---@field root string      folder of config.lua, lua/ and static/
local Server = {}
Server.__index = Server

--- The running process's state letter; "Z" once it has ended.
local function state_of(pid)
  local stat = helpers.read_file("/proc/" .. pid .. "/stat")
  return stat and stat:match "%) (%u)" or "Z"
end

local function signal(pid, name)
  os.execute(("kill -%s %d"):format(name, pid))
end

-- Sockets of other servers' clients must not leak into this one, or they would never see an end of file.
local LAUNCH = [[exec bash -c 'echo $$
for fd in /proc/$$/fd/*; do fd=${fd##*/}; [ $fd -le 2 ] || eval "exec $fd>&-"; done
exec env "$@" >"$0/stdout" 2>"$0/stderr" </dev/null' ]]

--- Starts a command with its output in folder.  The pipe's close() waits for it and tells its exit code.
local function launch(folder, words)
  local quoted = {}
  for i, word in ipairs(words) do
    quoted[i] = helpers.quote(word)
  end
  local pipe = assert(io.popen(LAUNCH .. helpers.quote(folder) .. " " .. table.concat(quoted, " ")))
  return pipe, assert(tonumber(pipe:read "l"))
end

--- Waits until pid has ended; answers false after the deadline.
local function wait_for_end(pid, seconds)
  local deadline = socket.gettime() + seconds
  while state_of(pid) ~= "Z" do
    if socket.gettime() > deadline then
      return false
    end
    socket.sleep(0.001)
  end
  return true
end

--- The exit code, or 128 + signal.
local function reap(pipe)
  local _, how, code = pipe:close()
  return how == "signal" and 128 + code or code
end

--- Copies what the server reads into folder, and changes it as the options ask.
local function make_root(folder, options)
  os.execute("cp -R config.lua lua static " .. folder .. " 2>/dev/null")
  if options.config then
    local shipped = assert(helpers.read_file "config.lua")
    helpers.write_file(folder .. "/config.lua",
      ("local config = (function()\n%s\nend)()\n%s\nreturn config\n"):format(shipped, options.config))
  end
  for path, text in pairs(options.files or {}) do
    os.execute("mkdir -p " .. helpers.quote(folder .. "/" .. path:match "^(.-)[^/]*$"))
    helpers.write_file(folder .. "/" .. path, text)
  end
end

local function command_line(s, options)
  local words = {}
  for name, value in pairs(options.env or {}) do
    words[#words + 1] = name .. "=" .. value
  end
  for _, word in ipairs(options.wrap or {}) do
    words[#words + 1] = word
  end
  for _, word in ipairs {
    BINARY, "--config", s.root .. "/config.lua", "--listen", options.listen or "127.0.0.1:0",
    "--database", s.database, "--workers", options.workers or os.getenv "WORKERS" or "1",
  } do
    words[#words + 1] = word
  end
  for _, word in ipairs(options.flags or {}) do
    words[#words + 1] = word
  end
  return words
end

local function wait_for_listening(s)
  local deadline = socket.gettime() + START_SECONDS
  while true do
    local url, port = (helpers.read_file(s.folder .. "/stdout") or ""):match "listening on (http://%S+:(%d+))\n"
    if url then
      s.url, s.port = url, tonumber(port)
      return
    end
    local ended = state_of(s.pid) == "Z"
    if ended or socket.gettime() > deadline then
      local text = s:log()
      s:kill()
      error("the server " .. (ended and "ended at once" or "does not listen") .. ":\n" .. text, 0)
    end
    socket.sleep(0.001)
  end
end

---@class ServerOptions
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
  s.pipe, s.pid = launch(s.folder, command_line(s, options))
  setmetatable(s, Server)
  wait_for_listening(s)
  return s
end

--- Runs the program with these words until it ends by itself: { code, stdout, stderr }.
---@param words string[]
---@param options? { env?: table<string, string>, seconds?: number }
function server.run(words, options)
  options = options or {}
  local folder = helpers.temporary_folder()
  local line = {}
  for name, value in pairs(options.env or {}) do
    line[#line + 1] = name .. "=" .. value
  end
  line[#line + 1] = BINARY
  table.move(words, 1, #words, #line + 1, line)

  local pipe, pid = launch(folder, line)
  local ended = wait_for_end(pid, options.seconds or START_SECONDS)
  if not ended then
    signal(pid, "KILL")
  end
  local result = {
    code = reap(pipe),
    stdout = helpers.read_file(folder .. "/stdout"),
    stderr = helpers.read_file(folder .. "/stderr"),
  }
  helpers.remove_folder(folder)
  assert(ended, "the program did not end:\n" .. result.stderr)
  return result
end

--- One request on the kept connection.
---@param r { method?: string, path: string, headers?: table, body?: string }
---@return Response
function Server:request(r)
  local text = Connection.request_text {
    method = r.method, path = r.path, headers = r.headers, body = r.body, host = "127.0.0.1:" .. self.port,
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
  local response = self:post("/logs/ingest", json.lines(records), { ["content-type"] = "application/x-ndjson" })
  assert(response.status == 200, response.status .. " " .. response.body)
  return response.json()
end

--- A connection of its own, after these bytes were sent on it: line, bytes, rest, response, is_closed, send, shutdown.
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
  return self.final_log or helpers.read_file(self.folder .. "/stderr") or ""
end

local function finish(s)
  s.final_log = s:log()
  s.code = reap(s.pipe)
  s.pipe = nil
  if s.connection then
    s.connection:close()
    s.connection = nil
  end
  helpers.remove_folder(s.folder)
  return s.code
end

---@param name string  such as "HUP"
function Server:signal(name)
  signal(self.pid, name)
end

--- Ends it politely.  Fails unless it exits 0 in time, which it does only with every handle closed.
function Server:stop()
  if not self.pipe then
    return self.code
  end
  signal(self.pid, "TERM")
  local ended = wait_for_end(self.pid, STOP_SECONDS)
  if not ended then
    signal(self.pid, "KILL")
  end
  local code = finish(self)
  assert(ended, "the server did not stop:\n" .. self.final_log)
  assert(code == 0, "the server exited with " .. code .. ":\n" .. self.final_log)
  return code
end

--- Ends it as a crash would.
function Server:kill()
  if self.pipe then
    signal(self.pid, "KILL")
    finish(self)
  end
end

Server.__gc = Server.kill
Server.__close = Server.kill

return server
