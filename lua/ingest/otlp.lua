--- OTLP's three signals, and the walk through the log records or spans of a body.
--- Source: opentelemetry-proto, docs/specification.md.
local content = require "content"
local origins = require "ingest.origins"
local values = require "lib.values"

local otlp = {}

---@class Signal
---@field resources string its list of resources
---@field items string     the lists of items inside, as messages name them
---@field rejected string  member of partialSuccess

---@type table<string, Signal>
otlp.signals = {
  logs = { resources = "resourceLogs", items = "logRecords", rejected = "rejectedLogRecords" },
  traces = { resources = "resourceSpans", items = "spans", rejected = "rejectedSpans" },
  metrics = { resources = "resourceMetrics", items = "metrics", rejected = "rejectedDataPoints" },
}

-- What a resource says about the SDK and the machine's build is the same in every row.
local dull = content {
  names = { "service.name" },
  prefixes = { "telemetry.", "process.", "os.", "host.arch" },
}

local items_a_look = 64

--- Calls visit(item, origin) for every log record or span that can be read; the reader is the item,
--- and the next one after the visit.  A batch that has grown large is handed on before it goes on.
---@param reader OtlpReader
---@param batch Batch  is handed on when it is large: looked at now and then
---@param visit fun(item: OtlpReader, origin: Origin)
function otlp.each(reader, batch, visit)
  local resource, kept, origin
  while true do
    local more, new_resource, new_scope, fault = reader:next()
    if not more then
      return
    elseif new_resource then
      resource, kept = reader:resource(dull)
    end
    if new_resource or new_scope then
      origin = origins.of(resource, kept, reader:scope())
      batch.sender = batch.sender or {
        service_type = values.text(resource["service.name"]), user_agent = origin.user_agent,
      }
    end
    batch.items = batch.items + 1
    if fault then
      batch:reject(fault)
    else
      visit(reader, origin)
    end
    if batch.items % items_a_look == 0 and not batch:relieve() then
      return
    end
  end
end

return otlp
