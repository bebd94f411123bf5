--- OTLP over HTTP: content types, partial success, errors (opentelemetry-proto,
--- docs/specification.md, "OTLP/HTTP"). The answer has the request's encoding.  Of
--- errors only 503 asks the sender to try again.
local json = require "json"
local needs_storage = require "lib.needs_storage"
local otlp = later "ingest.otlp"
local otlp_sources = later "ingest.otlp_sources"
local senders = later "ingest.senders"

local otlp_http = {}

-- google.rpc.Code
local invalid_argument, unavailable = 3, 14

---@class Encoding
---@field type string
---@field name "json"|"protobuf"
---@field partial fun(signal: Signal, rejected: integer, message: string): string
---@field status fun(code: integer, message: string): string
---@field empty string

local encodings = {}

encodings["application/json"] = {
  type = "application/json",
  name = "json",
  empty = "{}",

  partial = function(signal, rejected, message)
    return json.encode {
      partialSuccess = { [signal.rejected] = tostring(rejected), errorMessage = message },
    }
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
  name = "protobuf",
  empty = "",

  partial = function(_, rejected, message)
    return field_bytes(1, field_number(1, rejected) .. field_bytes(2, message))
  end,

  status = function(code, message)
    return field_number(1, code) .. field_bytes(2, message)
  end,
}

local function encoding_of(req)
  local content_type = (req.headers["content-type"] or ""):lower()
  return encodings[content_type:match("^%s*([^;%s]*)")]
end

local function answer(encoding, status, body, headers)
  headers = headers or {}
  headers["content-type"] = encoding.type
  return { status = status, headers = headers, body = body }
end

local function refuse(encoding, message)
  return answer(encoding, 503, encoding.status(unavailable, message), { ["retry-after"] = "1" })
end

local short = 4096

-- A body without items is an export with nothing in it, or something else altogether.
local function is_export(body, signal)
  if #body <= 2 or #body > short then
    return #body <= 2
  end
  local text = tostring(body):lower():gsub("_", "")
  return text:find('"' .. signal.resources:lower() .. '"', 1, true) ~= nil
end

-- The exporter of what nobody here knows should hear of it: it may be another server's.
local function complain(batch, signal, expected)
  if batch.items == 0 and not expected then
    batch:warn(("there is nothing in %s"):format(signal.resources))
  elseif batch.items > 0 and batch.recognised == 0 and batch.rejected == 0 then
    batch:warn(("%d %s taken, but none is of a model or an agent that is known here"):format(
      batch.items, signal.items))
  end
end

local function success(encoding, signal, batch)
  if batch.rejected == 0 and #batch.errors == 0 then
    return answer(encoding, 200, encoding.empty)
  end
  return answer(encoding, 200,
    encoding.partial(signal, batch.rejected, table.concat(batch.errors, "; ")))
end

--- What a request for one signal brings in.
---@param req Request
---@param name "logs"|"traces"|"metrics"
---@param decode fun(source: OtlpReader|Source, hand_on: fun(batch: Batch): any?, string?): Batch
--- keep takes what a batch holds; it returns nil and why when that could not be stored.
---@param keep fun(batch: Batch): any?, string?
---@return Response
function otlp_http.take(req, name, decode, keep)
  local signal = otlp.signals[name]
  local encoding = encoding_of(req)
  if not encoding then
    return { status = 415, detail = "OTLP is application/x-protobuf or application/json" }
  end
  local refused = name ~= "metrics" and needs_storage.refuse()
  if refused then
    return refuse(encoding, refused.detail)
  end
  if #req.body == 0 then
    return answer(encoding, 200, encoding.empty)
  end
  local expected = is_export(req.body, signal)
  local source, tell = otlp_sources.open(name, req.body, encoding.name)
  if not source then
    senders.refused(senders.of_request(req), 1, { tell })
    return answer(encoding, 400, encoding.status(invalid_argument, tell))
  end
  local batch = decode(source, keep)
  if batch.fault or not batch:flush() then
    return refuse(encoding, batch.fault)
  end
  tell(batch)
  complain(batch, signal, expected)
  if #batch.errors > 0 then
    senders.refused(batch.sender or senders.of_request(req), batch.rejected, batch.errors)
  end
  return success(encoding, signal, batch)
end

return otlp_http
