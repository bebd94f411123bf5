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

--- For use between setup and teardown.
---@return Decoder
local function new()
  return setmetatable({}, Decoder)
end

function Decoder:start()
  self.server = server.start { config = CONFIG, files = { ["lua/routes/decode.lua"] = ROUTE } }
end

function Decoder:stop()
  self.server:stop()
end

--- The batch of a message, or of its text as JSON.
---@param signal "logs"|"traces"
---@param message table|string
function Decoder:json(signal, message)
  local text = type(message) == "string" and message or json.encode(message)
  local answer = self.server:post("/decode/" .. signal .. "/json", text)
  assert(answer.status == 200, answer.body)
  return answer.json()
end

local requests = { logs = "ExportLogsServiceRequest", traces = "ExportTraceServiceRequest" }

--- The batch of a message, or of its bytes.
---@param signal "logs"|"traces"
---@param message table|string
function Decoder:protobuf(signal, message)
  local bytes = type(message) == "string" and message
    or protobuf.encode(messages, requests[signal], message)
  local answer = self.server:post("/decode/" .. signal .. "/protobuf", bytes)
  assert(answer.status == 200, answer.body)
  return answer.json()
end

return { new = new }
