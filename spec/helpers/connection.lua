--- One TCP connection to a server under test: buffered reads with deadlines, and
--- HTTP/1.1 responses. Reads answer nil and "timeout" or "closed".
local socket = require "socket"
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"

---@class Connection
---@field socket table  the luasocket object
local Connection = {}
Connection.__index = Connection

local TIMEOUT = helpers.SECONDS

---@param port integer  on 127.0.0.1
---@return Connection
function Connection.open(port)
  local tcp = assert(socket.connect("127.0.0.1", port))
  tcp:setoption("tcp-nodelay", true)
  return setmetatable({ socket = tcp, buffer = "" }, Connection)
end

--- Sends everything, or answers nil and why not.
function Connection:send(bytes)
  self.socket:settimeout(TIMEOUT)
  return self.socket:send(bytes)
end

--- Ends our side only; the server's answers can still be read.
function Connection:shutdown()
  return self.socket:shutdown "send"
end

function Connection:close()
  self.socket:close()
end

Connection.__close = Connection.close

local function deadline_of(timeout)
  return socket.gettime() + (timeout or TIMEOUT)
end

--- Waits for some bytes.
local function receive(self, deadline)
  if not socket.select({ self.socket }, nil, math.max(0, deadline - socket.gettime()))[1] then
    return nil, "timeout"
  end
  self.socket:settimeout(0)
  local bytes, err, partial = self.socket:receive(1048576)
  bytes = bytes or partial
  if bytes == "" then
    return nil, err == "timeout" and "timeout" or "closed"
  end
  return bytes
end

--- The next line without its CRLF or LF.
function Connection:line(timeout)
  local deadline = deadline_of(timeout)
  while true do
    local line, rest = self.buffer:match "^(.-)\r?\n()"
    if line then
      self.buffer = self.buffer:sub(rest)
      return line
    end
    local bytes, err = receive(self, deadline)
    if not bytes then
      return nil, err
    end
    self.buffer = self.buffer .. bytes
  end
end

--- Exactly count bytes; what came before a timeout stays for the next read.
function Connection:bytes(count, timeout)
  local deadline = deadline_of(timeout)
  local parts, have = { self.buffer }, #self.buffer
  local err
  while have < count and not err do
    local bytes
    bytes, err = receive(self, deadline)
    parts[#parts + 1] = bytes
    have = have + (bytes and #bytes or 0)
  end
  local all = table.concat(parts)
  if err then
    self.buffer = all
    return nil, err
  end
  self.buffer = all:sub(count + 1)
  return all:sub(1, count)
end

--- Everything until the server closes.
function Connection:rest(timeout)
  local deadline = deadline_of(timeout)
  local parts = { self.buffer }
  self.buffer = ""
  while true do
    local bytes, err = receive(self, deadline)
    if err == "closed" then
      return table.concat(parts)
    elseif not bytes then
      self.buffer = table.concat(parts)
      return nil, err
    end
    parts[#parts + 1] = bytes
  end
end

--- Whether the server closes within the timeout; bytes before that are dropped.
function Connection:is_closed(timeout)
  return self:rest(timeout) ~= nil
end

--- Status line and headers: { status, reason, version, headers }, names in lower
--- case, repeated ones joined by ", ".
function Connection:head(timeout)
  local line, err = self:line(timeout)
  if not line then
    return nil, err
  end
  local version, status, reason = line:match "^HTTP/(%d%.%d) (%d%d%d) ?(.*)$"
  assert(status, "not a status line: " .. line)
  local headers = {}
  repeat
    line, err = self:line(timeout)
    if not line then
      return nil, err
    end
    local name, value = line:match "^([^:]+):%s*(.-)%s*$"
    assert(name or line == "", "not a header: " .. line)
    if name then
      name = name:lower()
      headers[name] = headers[name] and headers[name] .. ", " .. value or value
    end
  until line == ""
  return { version = version, status = tonumber(status), reason = reason, headers = headers }
end

--- The data of the next chunk, "" for the last one.
function Connection:chunk(timeout)
  if not self.chunk_size then
    local line, err = self:line(timeout)
    if not line then
      return nil, err
    end
    self.chunk_size = assert(tonumber(line:match "^%x+", 16), "not a chunk: " .. line)
  end
  local data, err = self:bytes(self.chunk_size + 2, timeout)
  if not data then
    return nil, err
  end
  assert(data:sub(-2) == "\r\n", "a chunk without its end")
  self.chunk_size = nil
  return data:sub(1, -3)
end

local function read_chunks(self, timeout)
  local parts = {}
  repeat
    local data, err = self:chunk(timeout)
    if not data then
      return nil, err
    end
    parts[#parts + 1] = data
  until data == ""
  return table.concat(parts)
end

local function read_body(self, method, head, timeout)
  if method == "HEAD" or head.status == 204 or head.status == 304 then
    return ""
  elseif (head.headers["transfer-encoding"] or ""):find "chunked" then
    return read_chunks(self, timeout)
  elseif head.headers["content-length"] then
    return self:bytes(tonumber(head.headers["content-length"]), timeout)
  end
  return self:rest(timeout)
end

---@class Response
---@field status integer
---@field headers table<string, string>
---@field body string
---@field interim integer[]  statuses such as 100 that came before
---@field json fun(): any

--- The next response.
---@param method? string  of its request: HEAD has no body
---@return Response?
function Connection:response(method, timeout)
  local interim = {}
  while true do
    local head, err = self:head(timeout)
    if not head then
      return nil, err
    end
    if head.status >= 200 then
      head.interim = interim
      head.body, err = read_body(self, method, head, timeout)
      head.json = function() return json.decode(head.body) end
      return head.body and head, err
    end
    interim[#interim + 1] = head.status
  end
end

--- The bytes of a request.  Host and Content-Length are added unless headers has
--- them (false: leave out).
---@param r { method?: string, path: string, headers?: table, body?: string, host: string }
function Connection.request_text(r)
  local headers = { host = r.host, ["content-length"] = r.body and #r.body or nil }
  for name, value in pairs(r.headers or {}) do
    headers[name:lower()] = value
  end
  local lines = { ("%s %s HTTP/1.1\r\n"):format(r.method or "GET", r.path) }
  for name, value in pairs(headers) do
    if value then
      lines[#lines + 1] = ("%s: %s\r\n"):format(name, value)
    end
  end
  return table.concat(lines) .. "\r\n" .. (r.body or "")
end

return Connection
