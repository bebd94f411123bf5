--- Claude Code's transcripts (projects/**/*.jsonl), with ccusage's rules (rust/crates/ccusage, adapter/claude): only
--- lines with usage count; a streamed message stands there several times and the most complete one counts; a side
--- chain repeats messages of its parent under another request id, and of these the parent's counts.
local batches = require "ingest.batch"
local lines = require "ingest.lines"
local values = require "ingest.values"

local count, object, text = values.count, values.object, values.text

-- Also {"data":{"message":{timestamp,requestId,isSidechain,message:{usage..}}}}.
local function entry_of(line)
  if type(object(line.message).usage) == "table" then
    return line
  end
  local nested = object(object(line.data).message)
  return type(object(nested.message).usage) == "table" and nested or nil
end

local function put_tokens(record, usage)
  local creation = object(usage.cache_creation)
  local five, hour = count(creation.ephemeral_5m_input_tokens), count(creation.ephemeral_1h_input_tokens)
  record.tokens_input = count(usage.input_tokens)
  record.tokens_output = count(usage.output_tokens)
  record.cache_read_tokens = count(usage.cache_read_input_tokens)
  record.cache_write_tokens = count(usage.cache_creation_input_tokens) or (five or 0) + (hour or 0)
  record.cache_write_1h_tokens = hour ~= 0 and hour or nil
  record.speed = text(usage.speed)
end

local function record_of(entry, line)
  local message = entry.message
  local version = text(line.version)
  local record = {
    request_id = (text(entry.requestId) or "") .. ":" .. (text(message.id) or ""),
    timestamp = text(entry.timestamp),
    method = "POST",
    endpoint = "messages",
    path = "/v1/messages",
    status_code = 200,
    duration_ms = 0,
    service_type = "import",
    model = text(message.model),
    session_client_id = text(line.sessionId),
    user_agent = version and "claude-code/" .. version,
    sidechain = entry.isSidechain == true or nil,
    project = text(line.cwd),
  }
  put_tokens(record, message.usage)
  return record
end

local function weight(record)
  return (record.tokens_input or 0) + (record.tokens_output or 0) + (record.cache_read_tokens or 0)
    + (record.cache_write_tokens or 0)
end

---@class Transcripts
---@field private batch Batch
local Transcripts = {}
Transcripts.__index = Transcripts

-- Ids that are missing tell nothing apart: such a line is kept as it is.
local function is_known(entry)
  return text(entry.requestId) and text(entry.message.id)
end

function Transcripts:take(line)
  local entry = entry_of(line)
  if not entry or entry.message.model == "<synthetic>" then
    return
  end
  local record = record_of(entry, line)
  if not is_known(entry) then
    record.request_id = ("%s:%s:%d"):format(record.session_client_id or "", record.timestamp or "", weight(record))
  end
  self.prices:settle(record, values.number(line.costUSD) or values.number(entry.costUSD))
  local id = record.request_id
  local known = self.best[id]
  if not known then
    self.order[#self.order + 1] = id
  end
  if not known or weight(record) > weight(known) then
    self.best[id] = record
  end
  local message = text(entry.message.id)
  if message and not record.sidechain then
    self.parents[message] = true
  end
  self.messages[id] = message
end

--- Reads one file's text; what it means is known after all files.
function Transcripts:add(body)
  lines.each(body, self.batch, function(line)
    self:take(line)
  end)
end

--- The records of all files.
---@return Batch
function Transcripts:finish()
  for _, id in ipairs(self.order) do
    local record = self.best[id]
    if not (record.sidechain and self.parents[self.messages[id]]) then
      self.batch:add(record)
    end
  end
  return self.batch
end

local claude_transcript = {}

---@param prices Prices
---@return Transcripts
function claude_transcript.new(prices)
  return setmetatable({
    prices = prices,
    batch = batches.new(),
    best = {},     -- record by id
    order = {},    -- ids as they came
    messages = {}, -- message by id
    parents = {},  -- messages that stand outside of a side chain
  }, Transcripts)
end

--- Records of one transcript.
---@param body string
---@param prices Prices
---@return Batch
function claude_transcript.decode(body, prices)
  local transcripts = claude_transcript.new(prices)
  transcripts:add(body)
  return transcripts:finish()
end

return claude_transcript
