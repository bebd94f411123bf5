--- The server itself, for the dashboard.
local available = require "lib.available"
local config = require "config"
local server = require "server"
local sse = require "sse"
local storage = require "storage"

return {
  summary = "Ingest, store, stream and code generation of this server.",
  feature = "logs_endpoints_enabled",

  ---@param req Request
  ---@return Response
  handle = function(req)
    local refused = available.refuse()
    if refused then
      return refused
    end
    local state = server.status()
    return {
      json = {
        timestamp = req.now,
        version = config.version,
        started = state.started,
        generation = state.generation,
        reload_errors = state.errors,
        storage = storage.stats(),
        stream = sse.stats(),
        may_reset = server.may "admin",
      },
    }
  end,
}
