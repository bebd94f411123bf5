--- OTLP logs: the events of coding agents.  Each sender's own file says which of its
--- events is a request.
local batches = require "ingest.batch"
local claude_code = require "ingest.claude_code"
local codex = require "ingest.codex"
local gemini_cli = require "ingest.gemini_cli"
local genai = require "ingest.genai"
local otlp = require "ingest.otlp"
local values = require "ingest.values"

local otlp_logs = {}

---@class LogEvent
---@field name string        without the sender's prefix
---@field timestamp any      unix nanoseconds, or ISO text
---@field attributes table<string, any>
---@field origin Origin
---@field trace_id string?

---@class Sender
---@field name string     service_type of its rows
---@field prefix string   of its event names
---@field scope string?   name of its instrumentation scope
---@field service string? service.name of its resource
---@field request fun(event: LogEvent): table? a record, without its cost; nil: no request
---@field cost (fun(event: LogEvent): number?)? the cost that it reports

---@type Sender[]
local senders = { claude_code, codex, gemini_cli }

-- Old and new SDKs differ in where the name stands: the field, the attribute, the body;
-- with the prefix or without.
local function names_of(log, attributes)
  local body = otlp.value(log.body)
  return { values.text(attributes["event.name"]), values.text(log.eventName),
    type(body) == "string" and body or nil }
end

local function starts_with(text, prefix)
  return text:sub(1, #prefix) == prefix
end

local function recognise(log, attributes, origin)
  local names = names_of(log, attributes)
  for _, sender in ipairs(senders) do
    for i = 1, 3 do
      if names[i] and starts_with(names[i], sender.prefix) then
        return sender, names[i]:sub(#sender.prefix + 1)
      end
    end
  end
  local name = names[1] or names[2] or names[3]
  for _, sender in ipairs(senders) do
    if name and (origin.scope == sender.scope
        or origin.resource["service.name"] == sender.service) then
      return sender, name
    end
  end
  return nil, names[1] or names[2] or "log"
end

local function time_of(log, attributes)
  return values.nanoseconds(log.timeUnixNano) or values.nanoseconds(log.observedTimeUnixNano)
    or values.text(attributes["event.timestamp"])
end

-- A log of somebody else that has a model and tokens is a call: the same one as the
-- span that it belongs to.
local function call_of(event, log)
  local span = {
    name = event.name, traceId = log.traceId, spanId = log.spanId,
    endTimeUnixNano = values.nanoseconds(event.timestamp),
  }
  local record, has_tokens = genai.record(span, event.attributes, event.origin)
  if not (record and has_tokens) then
    return nil
  end
  record.timestamp = record.timestamp or event.timestamp
  record.request_id = record.request_id or event.timestamp and table.concat({
    record.service_type, tostring(event.timestamp), record.model or "", record.tokens_input or "",
    record.tokens_output or "",
  }, ":")
  record.unknown_operation = event.name
  return record
end

local function take(batch, prices, log, origin)
  local attributes = otlp.attributes(log.attributes)
  local sender, name = recognise(log, attributes, origin)
  local event = {
    name = name,
    timestamp = time_of(log, attributes),
    attributes = attributes,
    origin = origin,
    trace_id = values.hex_id(log.traceId, 16),
  }
  local record
  if sender then
    record = sender.request(event)
  else
    record = call_of(event, log)
  end
  if record then
    batch:recognise()
    prices:settle(record,
      (sender or genai).cost and (sender or genai).cost(sender and event or attributes))
    batch:add(record)
    return
  elseif sender then
    batch:recognise()
  end
  batch:event {
    sender = sender and sender.name or values.text(origin.resource["service.name"]) or "otlp",
    name = values.clip(name, 100),
    timestamp = event.timestamp,
    session = values.first_text(attributes["session.id"], attributes["conversation.id"]),
    attributes = otlp.rest(attributes),
  }
end

--- Records and events of an ExportLogsServiceRequest.
---@param source Source|table the message, or an iterator over its items
---@param prices Prices
---@param hand_on (fun(batch: Batch): any?, string?)?
---@return Batch
function otlp_logs.decode(source, prices, hand_on)
  local batch = batches.new(hand_on)
  otlp.each(source, otlp.signals.logs, batch, function(log, origin)
    take(batch, prices, log, origin)
  end)
  return batch
end

return otlp_logs
