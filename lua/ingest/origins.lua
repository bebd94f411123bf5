--- Where OTLP's items come from: what their resource and their scope tell.
local values = require "lib.values"

local origins = {}

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

-- Coding agents whose rows have a shorter name than their resource.
local agents = { codex_cli_rs = "codex", codex_exec = "codex" }

---@param resource table<string, any>
---@param kept Fragment?
---@param scope string?
---@return Origin
function origins.of(resource, kept, scope)
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

--- Puts it into a record; what the record tells itself stays.
---@param record table
---@param origin Origin
function origins.put(record, origin)
  record.team = record.team or origin.team
  record.host = record.host or origin.host
  record.project = record.project or origin.project
  record.billing = record.billing or origin.billing
  record.user = record.user or origin.user
  record.resource = origin.kept
end

return origins
