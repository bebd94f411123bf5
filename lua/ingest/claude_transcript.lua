--- Claude Code's transcripts (projects/**/*.jsonl), with ccusage's rules
--- (rust/crates/ccusage, adapter/claude): only lines with usage count.  A message is a
--- call, however often it stands there: once per block of its content while it is
--- streamed, of which the most complete one counts; again in a session that was
--- resumed; and in a side chain under another request id.
local batches = require "ingest.batch"
local iterations = require "ingest.iterations"
local lines = require "ingest.lines"
local tokens = require "ingest.tokens"
local values = require "lib.values"

local object, text = values.object, values.text

-- Also {"data":{"message":{timestamp,requestId,isSidechain,message:{usage..}}}}.
local function entry_of(line)
  if type(object(line.message).usage) == "table" then
    return line
  end
  local nested = object(object(line.data).message)
  return type(object(nested.message).usage) == "table" and nested or nil
end

-- A subagent's line stands in a side chain, and within one of its parent's.
local function record_of(entry, line)
  local message = entry.message
  local version = text(line.version)
  local record = {
    timestamp = text(entry.timestamp),
    method = "POST",
    endpoint = "messages",
    path = "/v1/messages",
    status_code = 200,
    service_type = "import",
    model = text(message.model),
    session_client_id = text(line.sessionId),
    user_agent = version and "claude-code/" .. version,
    other_id = text(entry.requestId), -- telemetry's id
    sidechain = entry.isSidechain == true or nil,
    agent = (entry.isSidechain == true or entry ~= line) and "subagent" or nil,
    project = text(line.cwd),
  }
  tokens.put(record, tokens.told(tokens.flat(message.usage)), true)
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

---@class Message
---@field id string?             the provider's
---@field has_request boolean?   a line of it names its request: its id is the provider's own
---@field first string           when it stood there first
---@field best table             its most complete record, as its parent's line tells whose it is
---@field parts { name: string, record: table }[] what other models did inside it

-- A gateway that names no request may give out the same message id in another session;
-- the line itself is all that is left where there is no id.
local function key_of(record, id)
  return id and (record.session_client_id or "") .. "\n" .. id
    or ("%s:%s:%d"):format(record.session_client_id or "", record.timestamp or "", weight(record))
end

local whose = {
  "session_client_id", "project", "user_agent", "agent", "sidechain", "other_id",
}

-- Of two lines of a message: the more complete one counts, and the parent's, where the other one is
-- its side chain's, tells whose it is.
local function better(record, known)
  if weight(record) <= weight(known) then
    record, known = known, record
  end
  if record.sidechain and not known.sidechain then
    for _, name in ipairs(whose) do
      record[name] = known[name]
    end
  end
  return record
end

function Transcripts:take(line)
  local entry = entry_of(line)
  if not entry or entry.message.model == "<synthetic>" then
    return
  end
  local record, id = record_of(entry, line), text(entry.message.id)
  self.prices:settle(record, values.number(line.costUSD) or values.number(entry.costUSD))
  local key = key_of(record, id)
  local message = self.messages[key]
  if not message then
    message = { id = id, key = key, first = record.timestamp or "", best = record }
    self.messages[key] = message
    self.order[#self.order + 1] = message
  end
  if record.timestamp and record.timestamp < message.first then
    message.first = record.timestamp
  end
  message.has_request = message.has_request or record.other_id ~= nil
  message.best = better(record, message.best)
  local parts = iterations.records(entry.message.usage, record, text(line.advisorModel))
  if #parts >= #(message.parts or {}) then
    message.parts = parts
  end
end

--- Reads one file's text; what it means is known after all files.
function Transcripts:add(body)
  lines.each(body, self.batch, function(line)
    self:take(line)
  end)
end

-- The provider's id, alone where its request is named; else with the time at which
-- every copy of the message begins.
local function row_id(message)
  if not message.id then
    return message.key
  end
  return message.has_request and message.id or message.id .. "@" .. message.first
end

-- Messages by the ids of their rows, of which copies may stand in several sessions.
local function rows_of(order)
  local rows, ids = {}, {}
  for _, message in ipairs(order) do
    local id = row_id(message)
    local known = rows[id]
    if not known then
      ids[#ids + 1], rows[id] = id, message
    else
      known.best = better(message.best, known.best)
      known.parts = #message.parts > #known.parts and message.parts or known.parts
    end
  end
  return rows, ids
end

--- The records of all files.
---@return Batch
function Transcripts:finish()
  local rows, ids = rows_of(self.order)
  for _, id in ipairs(ids) do
    local message = rows[id]
    message.best.request_id = id
    self.batch:add(message.best)
    iterations.add(self.batch, self.prices, message.best, message.parts)
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
    messages = {}, -- by session and id
    order = {},    -- as they came
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
