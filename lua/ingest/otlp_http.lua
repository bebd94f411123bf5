--- OTLP over HTTP: content types, partial success, errors (opentelemetry-proto, docs/specification.md, "OTLP/HTTP").
--- The answer has the request's encoding.  Of errors only 503 asks the sender to try again.
local json = require "json"
local otlp = require "ingest.otlp"
local otlp_messages = require "ingest.otlp_messages"
local protobuf = require "protobuf"

local otlp_http = {}

local schema = protobuf.schema(otlp_messages)

-- google.rpc.Code
local invalid_argument, unavailable = 3, 14

---@class Encoding
---@field type string
---@field decode fun(body: Body, name: string): table?, string|table<string, integer>
---@field partial fun(signal: Signal, rejected: integer, message: string): string
---@field status fun(code: integer, message: string): string
---@field empty string

local encodings = {}

encodings["application/json"] = {
  type = "application/json",
  empty = "{}",

  decode = function(body)
    local ok, message = pcall(json.decode, tostring(body))
    if not ok then
      return nil, "not JSON: " .. tostring(message)
    elseif type(message) ~= "table" then
      return nil, "not a JSON object"
    end
    return message, {}
  end,

  partial = function(signal, rejected, message)
    return json.encode { partialSuccess = { [signal.rejected] = tostring(rejected), errorMessage = message } }
  end,

  status = function(code, message)
    return json.encode { code = code, message = message }
  end,
}

local function varint(n)
  local bytes = {}
  repeat
    local low = n & 0x7F
    n = n >> 7
    bytes[#bytes + 1] = string.char(n ~= 0 and low | 0x80 or low)
  until n == 0
  return table.concat(bytes)
end

local function field_number(number, n)
  return n == 0 and "" or varint(number << 3) .. varint(n)
end

local function field_bytes(number, bytes)
  return bytes == "" and "" or varint(number << 3 | 2) .. varint(#bytes) .. bytes
end

encodings["application/x-protobuf"] = {
  type = "application/x-protobuf",
  empty = "",

  decode = function(body, name)
    return schema:decode(name, body)
  end,

  partial = function(_, rejected, message)
    return field_bytes(1, field_number(1, rejected) .. field_bytes(2, message))
  end,

  status = function(code, message)
    return field_number(1, code) .. field_bytes(2, message)
  end,
}

local function encoding_of(req)
  local type = (req.headers["content-type"] or ""):lower()
  return encodings[type:match("^%s*([^;%s]*)")]
end

local function answer(encoding, status, body, headers)
  headers = headers or {}
  headers["content-type"] = encoding.type
  return { status = status, headers = headers, body = body }
end

local function refuse(encoding, message)
  return answer(encoding, 503, encoding.status(unavailable, message), { ["retry-after"] = "1" })
end

local function success(encoding, signal, batch)
  if batch.rejected == 0 and #batch.errors == 0 then
    return answer(encoding, 200, encoding.empty)
  end
  return answer(encoding, 200, encoding.partial(signal, batch.rejected, table.concat(batch.errors, "; ")))
end

local items = { logs = "LogRecord", traces = "Span", metrics = "Metric" }
local requests = {
  logs = "ExportLogsServiceRequest", traces = "ExportTraceServiceRequest", metrics = "ExportMetricsServiceRequest",
}

--- A handler for one signal.
---@param name "logs"|"traces"|"metrics"
---@param decode fun(message: table): Batch
---@param keep fun(batch: Batch): any?, string?  nil and why when nothing could be stored
---@return fun(req: Request): Response
function otlp_http.handler(name, decode, keep)
  local signal = otlp.signals[name]
  return function(req)
    local encoding = encoding_of(req)
    if not encoding then
      return { status = 415, detail = "OTLP is application/x-protobuf or application/json" }
    end
    local message, dropped = {}, {}
    if #req.body > 0 then
      message, dropped = encoding.decode(req.body, requests[name])
    end
    if not message then
      return answer(encoding, 400, encoding.status(invalid_argument, dropped))
    end
    local batch = decode(message)
    if dropped[items[name]] then
      batch:reject("broken " .. items[name], dropped[items[name]])
    end
    local kept, fault = keep(batch)
    if not kept then
      return refuse(encoding, fault)
    end
    return success(encoding, signal, batch)
  end
end

return otlp_http
