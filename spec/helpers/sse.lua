--- Reads an event stream as a browser does (WHATWG HTML, "Server-sent events").
local socket = require "socket"
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"

---@class Stream
---@field status integer
---@field headers table<string, string>
---@field body? string   when the answer is no stream
---@field last_id? string
local Stream = {}
Stream.__index = Stream

--- Takes a connection whose request has been sent.
---@return Stream
function Stream.open(connection)
  local head = assert(connection:head())
  local stream = setmetatable(
    { connection = connection, status = head.status, headers = head.headers, text = "" }, Stream)
  stream.chunked = (head.headers["transfer-encoding"] or ""):find "chunked" ~= nil
  if head.status ~= 200 then
    local length = tonumber(head.headers["content-length"] or 0)
    stream.body = connection:bytes(length)
    stream.json = function() return json.decode(stream.body) end
  end
  return stream
end

local function more(self, deadline)
  local timeout = math.max(0, deadline - socket.gettime())
  local data, err
  if self.chunked then
    data, err = self.connection:chunk(timeout)
  else
    data, err = self.connection:bytes(1, timeout)
  end
  if not data or data == "" then
    return nil, err or "closed"
  end
  self.text = self.text .. data
  return true
end

local FIELDS = { id = true, event = true, data = true, retry = true }

local function parse(text)
  local block = {}
  for line in text:gmatch "([^\n]*)\n" do
    local name, value = line:match "^([^:]+):? ?(.*)$"
    if name == "data" and block.data then
      block.data = block.data .. "\n" .. value
    elseif FIELDS[name] then
      block[name] = value
    elseif line:sub(1, 1) == ":" then
      block.comment = line:sub(2)
    end
  end
  return block
end

--- The next block, even one without data (a heartbeat): { id?, event?, data?,
--- retry?, comment?, text }. nil and "timeout" or "closed" when none comes.
---@param timeout? number  seconds, helpers.SECONDS
function Stream:block(timeout)
  local deadline = socket.gettime() + (timeout or helpers.SECONDS)
  while true do
    local text, rest = self.text:match "^(.-\n)\n()"
    if text then
      self.text = self.text:sub(rest)
      local block = parse(text)
      block.text = text
      self.last_id = block.id or self.last_id
      return block
    end
    local ok, err = more(self, deadline)
    if not ok then
      return nil, err
    end
  end
end

--- The next event, as onmessage would see it, with `json` decoded from its data.
---@param timeout? number  seconds, helpers.SECONDS
function Stream:event(timeout)
  local deadline = socket.gettime() + (timeout or helpers.SECONDS)
  while true do
    local block, err = self:block(math.max(0, deadline - socket.gettime()))
    if not block then
      return nil, err
    elseif block.data then
      block.json = json.decode(block.data)
      return block
    end
  end
end

function Stream:close()
  self.connection:close()
end

return Stream
