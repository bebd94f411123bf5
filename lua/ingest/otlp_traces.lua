--- OTLP traces: spans of LLM calls become records, other spans are left alone.
local batches = require "ingest.batch"
local claude_code = require "ingest.claude_code"
local genai = require "ingest.genai"
local nesting = require "ingest.nesting"
local otlp = require "ingest.otlp"
local values = require "ingest.values"

local otlp_traces = {}

local function claude_span(span, attributes, origin)
  local from = values.nanoseconds(span.startTimeUnixNano)
  local to = values.nanoseconds(span.endTimeUnixNano)
  return claude_code.span({
    name = values.text(span.name) or "",
    timestamp = to or from,
    attributes = attributes,
    origin = origin,
    trace_id = values.hex_id(span.traceId, 16),
  }, from and to and (to - from) / 1e6 or nil)
end

local function is_claude_code(span, origin)
  return origin.resource["service.name"] == claude_code.service
    or type(span.name) == "string" and span.name:sub(1, #claude_code.prefix) == claude_code.prefix
end

local function take(batch, prices, span, origin)
  local attributes = otlp.attributes(span.attributes)
  if is_claude_code(span, origin) then
    batch:recognise()
    local record = claude_span(span, attributes, origin)
    if record then
      batch:add(record)
    end
    return
  end
  local record, is_told = genai.record(span, attributes, origin)
  local parent = values.hex_id(span.parentSpanId, 8)
  if record then
    batch:recognise()
    prices:settle(record, genai.cost(attributes))
    nesting.add(batch, record, parent, is_told)
    return
  end
  nesting.pass(values.hex_id(span.traceId, 16), values.hex_id(span.spanId, 8), parent)
  if is_told then
    batch:recognise()
  end
end

--- Records of an ExportTraceServiceRequest.
---@param source Source|table the message, or an iterator over its items
---@param prices Prices
---@param hand_on (fun(batch: Batch): any?, string?)?
---@return Batch
function otlp_traces.decode(source, prices, hand_on)
  local batch = batches.new(hand_on)
  otlp.each(source, otlp.signals.traces, batch, function(span, origin)
    take(batch, prices, span, origin)
  end)
  return batch
end

return otlp_traces
