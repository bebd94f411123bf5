--- Decodes messages of OTLP as the server does, in one: what a batch holds, before it is stored.
local json = require "spec.helpers.json"
local messages = require "spec.helpers.otlp_messages"
local protobuf = require "spec.helpers.protobuf"
local server = require "spec.helpers.server"

local ROUTE = [[
local json = require "json"
local otlp_logs = require "ingest.otlp_logs"
local otlp_sources = require "ingest.otlp_sources"
local otlp_traces = require "ingest.otlp_traces"
local price_table = require "lib.price_table"

local decoders = { logs = otlp_logs, traces = otlp_traces }

return { handle = function(req)
  local name, encoding = req.path:match "/(%a+)/(%a+)$"
  local source, tell = otlp_sources.open(name, req.body, encoding)
  if not source then
    return { status = 400, detail = tell }
  end
  local batch = decoders[name].decode(source, price_table.current())
  tell(batch)
  return { json = {
    records = json.array(batch.records), events = json.array(batch.events),
    errors = json.array(batch.errors), rejected = batch.rejected, items = batch.items,
    recognised = batch.recognised,
  } }
end }
]]

local CONFIG = [[
config.script.total_cpu_ms = 60000 -- with ThreadSanitizer too
for _, signal in ipairs { "logs", "traces" } do
  for _, encoding in ipairs { "json", "protobuf" } do
    table.insert(config.routes,
      { "POST", ("/decode/%s/%s"):format(signal, encoding), "routes.decode" })
  end
end
]]

---@class Decoder
local Decoder = {}
Decoder.__index = Decoder

local function post(decoder, signal, encoding, body)
  decoder.server = decoder.server
    or server.start { config = CONFIG, files = { ["lua/routes/decode.lua"] = ROUTE } }
  local answer = decoder.server:post(("/decode/%s/%s"):format(signal, encoding), body)
  assert(answer.status == 200, answer.body)
  return answer.json()
end

--- The batch of a message, or of its text as JSON.  The first one starts the server.
---@param signal "logs"|"traces"
---@param message table|string
function Decoder:json(signal, message)
  return post(self, signal, "json", type(message) == "string" and message or json.encode(message))
end

local requests = { logs = "ExportLogsServiceRequest", traces = "ExportTraceServiceRequest" }

--- The batch of a message, or of its bytes.
---@param signal "logs"|"traces"
---@param message table|string
function Decoder:protobuf(signal, message)
  return post(self, signal, "protobuf", type(message) == "string" and message
    or protobuf.encode(messages, requests[signal], message))
end

function Decoder:stop()
  if self.server then
    self.server:stop()
  end
end

return {
  ---@return Decoder
  new = function()
    return setmetatable({}, Decoder)
  end,
}
