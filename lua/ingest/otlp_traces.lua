--- OTLP traces: spans of LLM calls become records, other spans are left alone.
local batches = require "ingest.batch"
local claude_code = require "ingest.claude_code"
local genai = require "ingest.genai"
local nesting = require "ingest.nesting"
local otlp = require "ingest.otlp"

local otlp_traces = {}

local function claude_span(span, origin)
  local from, to = span.start, span.time
  return claude_code.span({
    name = span.name or "",
    timestamp = to or from,
    fields = span:fields(claude_code.fields),
    log = span,
    origin = origin,
  }, from and to and (to - from) / 1e6 or nil)
end

local function is_claude_code(span, origin)
  return origin.resource["service.name"] == claude_code.service
    or (span.name or ""):sub(1, #claude_code.prefix) == claude_code.prefix
end

local function take(batch, prices, span, origin)
  if is_claude_code(span, origin) then
    batch:recognise()
    local record = claude_span(span, origin)
    if record then
      batch:add(record)
    end
    return
  end
  local fields = span:fields(genai.fields)
  local record, is_told = genai.record(span, fields, origin)
  if record then
    batch:recognise()
    prices:settle(record, genai.cost(fields))
    nesting.add(batch, record, span.parent_id, is_told)
    return
  end
  nesting.pass(span.trace_id, span.span_id, span.parent_id)
  if is_told then
    batch:recognise()
  end
end

--- Records of an ExportTraceServiceRequest.
---@param reader OtlpReader
---@param prices Prices
---@param hand_on (fun(batch: Batch): any?, string?)?
---@return Batch
function otlp_traces.decode(reader, prices, hand_on)
  local batch = batches.new(hand_on)
  otlp.each(reader, batch, function(span, origin)
    take(batch, prices, span, origin)
  end)
  return batch
end

return otlp_traces
