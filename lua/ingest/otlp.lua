--- OTLP's three signals, and the walk through the log records or spans of a body.
--- Source: opentelemetry-proto, docs/specification.md.
local content = require "content"
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

---@class Origin
---@field resource table<string, any> attributes of the resource
---@field kept Fragment?              those that are worth a place in each row: team, host, version
---@field scope string                name of the instrumentation scope
---@field team string?                team.id of the resource
---@field host string?                host.name
---@field project string?             what a user put there (OTEL_RESOURCE_ATTRIBUTES), as billing
---@field billing string?             "billed" or "notional"
---@field user string?
---@field user_agent string?          the service and its version, as rows of agents have it
---@field is_claude_code boolean?      as otlp_traces has found

local items_a_look = 64

-- Coding agents whose rows have a shorter name than their resource.
local agents = { codex_cli_rs = "codex" }

local function origin_of(resource, kept, scope)
  local service = values.text(resource["service.name"])
  local version = values.text(resource["service.version"])
  return {
    resource = resource, kept = kept, scope = scope or "",
    team = values.first_text(resource["team.id"], resource.team),
    host = values.text(resource["host.name"]),
    project = values.first_text(resource.project, resource["project.name"],
      resource["service.namespace"]),
    billing = values.text(resource.billing),
    user = values.first_text(resource["user.email"], resource["user.id"], resource["enduser.id"]),
    user_agent = service and version and (agents[service] or service) .. "/" .. version,
  }
end

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
      origin = origin_of(resource, kept, reader:scope())
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
