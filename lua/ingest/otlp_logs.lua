--- OTLP logs: the events of coding agents.  Each sender's own file says which of its
--- events is a request.
local batches = require "ingest.batch"
local claude_code = require "ingest.claude_code"
local codex = require "ingest.codex"
local gemini_cli = require "ingest.gemini_cli"
local genai = require "ingest.genai"
local nesting = require "ingest.nesting"
local otlp = require "ingest.otlp"
local qwen_code = require "ingest.qwen_code"
local values = require "lib.values"

local otlp_logs = {}

---@class LogEvent
---@field name string        without the sender's prefix
---@field timestamp any      unix nanoseconds, or ISO text
---@field fields table<string, any>  what the sender's fields read
---@field log OtlpReader     for what else it tells
---@field origin Origin

---@class AgentEvents
---@field name string     service_type of its rows
---@field fields OtlpFields  what it reads
---@field prefix string   of its event names
---@field scope string?   name of its instrumentation scope
---@field service string? service.name of its resource
---@field request fun(event: LogEvent): table? a record, without its cost; nil: no request
---@field cost (fun(fields: table<string, any>): number?)? the cost that it reports

---@type AgentEvents[]
local senders = { claude_code, codex, gemini_cli, qwen_code }

-- What a log is called, not what it says.
local function name_in(body)
  return body and #body <= 100 and body:find("^[%w_.:/-]+$") and body or nil
end

local function starts_with(text, prefix)
  return text:sub(1, #prefix) == prefix
end

-- By a name with its prefix: whose it is, and the name without.  Names come from clients, so
-- what is remembered of them is bounded.
local known, nknown, max_known = {}, 0, 1000

local function named(name)
  local found = known[name]
  if found ~= nil then
    return found
  end
  found = false
  for _, sender in ipairs(senders) do
    if starts_with(name, sender.prefix) then
      found = { sender = sender, name = name:sub(#sender.prefix + 1) }
      break
    end
  end
  if nknown == max_known then
    known, nknown = {}, 0
  end
  known[name], nknown = found, nknown + 1
  return found
end

local function sender_of(origin)
  for _, sender in ipairs(senders) do
    if origin.scope == sender.scope or origin.resource["service.name"] == sender.service then
      return sender
    end
  end
  return nil
end

-- Old and new SDKs differ in where the name stands: the attribute, the field, the body;
-- with the prefix or without.
local function recognise(log, origin)
  local attribute = values.text(log:get "event.name")
  local found = attribute and named(attribute)
  if found then
    return found.sender, found.name
  end
  local field, body = values.text(log:name()), name_in(log:body())
  found = field and named(field) or body and named(body)
  if found then
    return found.sender, found.name
  end
  local name = attribute or field or body
  local sender = name and sender_of(origin)
  if sender then
    return sender, name
  end
  return nil, attribute or field or "log"
end

-- A log of somebody else that has a model and tokens, or tells of a call what it cost or
-- that it failed, is one: the same as the span that it belongs to.
local function call_of(event)
  local record, has_tokens, _, is_guessed = genai.record(event.log, event.fields, event.origin)
  if not (record and (has_tokens or event.fields.cost or record.status_code >= 400)) then
    return nil
  end
  record.timestamp = record.timestamp or event.timestamp
  record.request_id = record.request_id or event.timestamp and table.concat({
    record.service_type, tostring(event.timestamp), record.model or "", record.tokens_input or "",
    record.tokens_output or "",
  }, ":")
  record.unknown_operation = is_guessed and event.name or nil
  return record, has_tokens
end

local function put_event(batch, sender, event)
  local log = event.log
  batch:event {
    sender = sender and sender.name or values.text(event.origin.resource["service.name"])
      or "otlp",
    user_agent = event.origin.user_agent,
    name = values.clip(event.name, 100),
    timestamp = event.timestamp,
    session = values.first_text(log:get "session.id", log:get "conversation.id"),
    attributes = log:rest(),
  }
end

local function take(batch, prices, log, origin)
  local sender, name = recognise(log, origin)
  local fields = log:fields((sender or genai).fields)
  local _, time, observed = log:times()
  local event = {
    name = name,
    timestamp = time or observed or fields.timestamp,
    fields = fields,
    log = log,
    origin = origin,
  }
  local record, has_tokens = (sender and sender.request or call_of)(event)
  if record or sender then
    batch:recognise()
  end
  if not record then
    put_event(batch, sender, event)
    return
  end
  local cost = (sender or genai).cost
  prices:settle(record, cost and cost(fields))
  if sender then
    batch:add(record)
  else
    nesting.add(batch, record, nil, has_tokens)
  end
end

--- Records and events of an ExportLogsServiceRequest.
---@param reader OtlpReader
---@param prices Prices
---@param hand_on (fun(batch: Batch): any?, string?)?
---@return Batch
function otlp_logs.decode(reader, prices, hand_on)
  local batch = batches.new(hand_on, nesting.settle)
  otlp.each(reader, batch, function(log, origin)
    take(batch, prices, log, origin)
  end)
  nesting.settle(batch)
  return batch
end

return otlp_logs
