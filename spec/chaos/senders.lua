--- Connections that send the ledger's batches, one each at a time, and see what becomes of them.
local socket = require "socket"

---@class Senders
local Senders = {}
Senders.__index = Senders

---@param ledger Ledger
---@param count integer
function Senders.new(ledger, count, random)
  return setmetatable({ ledger = ledger, count = count, random = random, open = {} }, Senders)
end

local function send(self, s)
  local batch = self.ledger:next(self.random, os.time())
  local ok, connection = pcall(s.raw, s)
  if not ok then
    self.ledger:wait_for(batch)
    return
  end
  connection:send(connection.request_text {
    method = "POST", path = "/logs/ingest", host = "127.0.0.1:" .. s.port, body = batch.body,
    headers = { ["content-type"] = "application/x-ndjson", connection = "close" },
  })
  self.open[connection.socket] = { connection = connection, batch = batch }
end

-- nil: the connection ended before the answer.
local function take(self, sender)
  local response = sender.connection:response("POST")
  sender.connection:close()
  self.open[sender.connection.socket] = nil
  if response and response.status == 200 then
    local said = response.json()
    assert(said.rejected == 0, response.body)
    return
  end
  assert(not response or response.status == 503, response and response.body)
  self.refused = (self.refused or 0) + (response and 1 or 0)
  self.ledger:wait_for(sender.batch)
end

local function sockets(self)
  local list = {}
  for one in pairs(self.open) do
    list[#list + 1] = one
  end
  return list
end

--- Takes the answers that are there, or come within the seconds, and sends more.
function Senders:turn(s, seconds)
  while #sockets(self) < self.count and not self.ending do
    send(self, s)
    if not next(self.open) then
      return
    end
  end
  for _, one in ipairs((socket.select(sockets(self), nil, seconds))) do
    take(self, self.open[one])
  end
end

--- The server is gone: nothing that is under way will be answered.
function Senders:lose()
  for _, sender in pairs(self.open) do
    sender.connection:close()
    self.ledger:wait_for(sender.batch)
  end
  self.open = {}
end

--- Until every batch has been acknowledged.
function Senders:finish(s)
  while #self.ledger.waiting > 0 or next(self.open) do
    self.ending = #self.ledger.waiting == 0
    self:turn(s, 1)
  end
end

return Senders
