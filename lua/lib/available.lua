--- Whether the endpoints over stored rows can answer, in the order that the API checks: collection, then storage.
local config = require "config"

local available = {}

---@param message string
---@return Response
local function unavailable(message)
  return { status = 503, detail = message }
end

--- nil when rows can be read; else the answer to give.
---@return Response?
function available.refuse()
  if not config.features.logs_collection_enabled then
    return unavailable "Logs collection is disabled. Enable with logs_collection_enabled=true"
  elseif config.storage.backend == "none" then
    return unavailable 'Storage backend not available. Set storage.backend = "sqlite" in config.lua.'
  end
end

--- The answer to a query that failed.
---@param message string
---@param reason string  as storage gives it
---@return Response
function available.failed(message, reason)
  if reason == "timeout" then
    return unavailable "query too slow: narrow the window"
  end
  return { status = 503, detail = "Query execution failed: " .. message }
end

return available
