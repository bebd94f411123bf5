--- The server itself, for the dashboard.
local config = require "config"
local json = require "json"
local retention = later "lib.retention"
local server = require "server"
local sse = require "sse"
local storage = require "storage"

return {
  summary = "Ingest, store, stream and code generation of this server.",
  feature = "logs_endpoints_enabled",
  needs = "storage",

  ---@param req Request
  ---@return Response
  handle = function(req)
    local state, kept = server.status(), retention.read(req.now)
    return {
      json = {
        timestamp = req.now,
        version = config.version,
        started = state.started,
        generation = state.generation,
        reload_errors = state.errors,
        database = storage.file(),
        storage = storage.stats(),
        retention = kept and retention.shape(kept) or json.null,
        stream = sse.stats(),
        may_reset = server.may "admin",
      },
    }
  end,
}
