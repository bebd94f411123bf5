--- Qwen Code's own files, projects/PROJECT/chats/SESSION.jsonl (QwenLM/qwen-code,
--- chatRecordingService): a line ui_telemetry has the event that its telemetry sends as a log.
local batches = require "ingest.batch"
local dates = require "lib.dates"
local lines = require "ingest.lines"
local qwen_calls = require "ingest.qwen_calls"
local values = require "lib.values"

local object, text = values.object, values.text

---@class QwenChat
---@field batch Batch
---@field prices Prices
local QwenChat = {}
QwenChat.__index = QwenChat

function QwenChat:take(line)
  local event = object(object(line.systemPayload).uiEvent)
  local name = (text(event["event.name"]) or ""):match "^qwen%-code%.(.*)$"
  local told, timestamp = qwen_calls.told(event), text(line.timestamp)
  told.session = told.session or text(line.sessionId)
  local own = text(line.uuid)
  local record = name and qwen_calls.record(name, told, own, timestamp and dates.seconds(timestamp))
  if record then
    local version = text(line.version)
    record.timestamp, record.project = timestamp, text(line.cwd)
    record.user_agent = version and "qwen-code/" .. version
    self.prices:settle(record)
    self.batch:add(record)
  end
end

--- Reads a piece of the file.
---@param body string
function QwenChat:add(body)
  lines.each(body, self.batch, function(line)
    self:take(line)
  end)
end

--- The records so far; those that were handed out before are not among them.
---@return Batch
function QwenChat:finish()
  local batch = self.batch
  self.batch = batches.new()
  return batch
end

local qwen_chat = {}

---@param _ string     the file's path
---@param prices Prices
---@return QwenChat
function qwen_chat.new(_, prices)
  return setmetatable({ prices = prices, batch = batches.new() }, QwenChat)
end

return qwen_chat
