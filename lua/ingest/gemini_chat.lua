--- Gemini CLI's own files (google-gemini/gemini-cli, chatRecordingService), tmp/PROJECT/chats/:
--- session-*.json is one object with all messages; since 2026 session-*.jsonl is a line with the
--- session and then one per message, again whole whenever it changes, and {"$set": ..} with all of
--- them.  Messages that a {"$rewindTo": ..} takes back were paid for.  Those of a subagent stand in
--- a folder named by the session that it is of.
local batches = require "ingest.batch"
local gemini_tokens = require "ingest.gemini_tokens"
local lines = require "ingest.lines"
local shared_ids = require "ingest.shared_ids"
local values = require "lib.values"

local object, text, count = values.object, values.text, values.count

---@class Chat
---@field batch Batch
---@field prices Prices
---@field session string?
---@field is_subagent boolean
local Chat = {}
Chat.__index = Chat

local function told_by(message)
  local counts = object(message.tokens)
  return {
    input = count(counts.input), output = count(counts.output), cached = count(counts.cached),
    thoughts = count(counts.thoughts), tools = count(counts.tool), total = count(counts.total),
  }
end

function Chat:read_message(message)
  local id, told = text(message.id), told_by(message)
  if message.type ~= "gemini" or not id or not told.input then
    return
  end
  local record = {
    request_id = ("gemini:%s:%s"):format(self.session or "", id),
    other_id = shared_ids.gemini(self.session, told.input, told.cached, told.thoughts, told.total,
      id),
    timestamp = text(message.timestamp), method = "POST", endpoint = "generateContent",
    path = "generateContent", status_code = 200, service_type = "gemini_cli",
    provider = "gemini", model = text(message.model), session_client_id = self.session,
    agent = self.is_subagent and "subagent" or nil,
  }
  gemini_tokens.put(record, told)
  self.prices:settle(record)
  self.batch:add(record)
end

function Chat:take(value)
  if not self.is_subagent then
    self.session = text(value.sessionId) or self.session
  end
  local whole = object(value["$set"])
  for _, list in ipairs { object(value.messages), object(whole.messages) } do
    for _, message in ipairs(list) do
      self:read_message(object(message))
    end
  end
  self:read_message(value)
end

--- Reads the file, or a piece of one that has lines.
---@param body string
function Chat:add(body)
  lines.each_value(body, self.batch, function(value)
    self:take(value)
  end)
end

--- The records so far; those that were handed out before are not among them.
---@return Batch
function Chat:finish()
  local batch = self.batch
  self.batch = batches.new()
  return batch
end

local gemini_chat = {}

---@param name string   the file's path
---@param prices Prices
---@return Chat
function gemini_chat.new(name, prices)
  local parent = name:match "/chats/([^/]+)/[^/]+$"
  return setmetatable({
    prices = prices, batch = batches.new(), session = parent, is_subagent = parent ~= nil,
  }, Chat)
end

return gemini_chat
