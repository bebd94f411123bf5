--- OTLP traces: spans of LLM calls become records, other spans are left alone.
local batches = require "ingest.batch"
local claude_code = require "ingest.claude_code"
local gemini_cli = require "ingest.gemini_cli"
local genai = require "ingest.genai"
local nesting = require "ingest.nesting"
local openrouter = require "ingest.openrouter"
local otlp = require "ingest.otlp"

local otlp_traces = {}

local function claude_span(span, origin)
  local from, to = span:times()
  return claude_code.span({
    name = span:name() or "",
    timestamp = to or from,
    fields = span:fields(claude_code.fields),
    log = span,
    origin = origin,
  }, from and to and (to - from) / 1e6 or nil)
end

-- A user may give the service another name; only a span without a scope is asked for its own.
local function is_claude_code(span, origin)
  if origin.is_claude_code == nil then
    origin.is_claude_code = origin.resource["service.name"] == claude_code.service
      or origin.scope:find("com.anthropic.claude_code", 1, true) == 1
  end
  return origin.is_claude_code
    or origin.scope == "" and (span:name() or ""):find(claude_code.prefix, 1, true) == 1
end

local function all()
  return true
end

-- By service, which of its spans tell once more what it tells in logs or in other spans.
local echoes = { [gemini_cli.service] = all, [openrouter.service] = openrouter.is_echo }

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
  local is_echo = echoes[origin.resource["service.name"]]
  if is_echo and is_echo(span, fields) then
    batch:recognise()
    return
  end
  local record, is_told, parent, is_guessed = genai.record(span, fields, origin)
  if record then
    batch:recognise()
    prices:settle(record, genai.cost(fields))
    nesting.add(batch, record, parent, is_told, is_guessed, origin.scope)
    return
  end
  nesting.pass(batch, is_told and "known" or fields.http and "http" or "unknown", span:ids())
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
  local batch = batches.new(hand_on, nesting.settle)
  otlp.each(reader, batch, function(span, origin)
    take(batch, prices, span, origin)
  end)
  nesting.settle(batch)
  return batch
end

return otlp_traces
