--- Whether the endpoints over stored rows can answer, in the order that the API
--- checks: collection, then storage.
local config = require "config"

local needs_storage = {}

--- nil when rows can be read; else the answer to give.
---@return Response?
function needs_storage.refuse()
  if not config.features.logs_collection_enabled then
    return {
      status = 503,
      detail = "Logs collection is disabled. Enable with logs_collection_enabled=true",
    }
  elseif config.storage.backend == "none" then
    return {
      status = 503,
      detail = 'Storage backend not available. Set storage.backend = "sqlite" in config.lua.',
    }
  end
end

--- The answer to a query that failed.
---@param message string
---@param reason string  as storage gives it
---@return Response
function needs_storage.failed(message, reason)
  local slow = reason == "timeout"
  return {
    status = 503,
    detail = slow and "query too slow: narrow the window" or "Query execution failed: " .. message,
  }
end

return needs_storage
