--- Deletes all rows and rollups, and what decoders remember of them.
local memory = later "ingest.memory"
local storage = require "storage"

return {
  summary = "Deletes all rows; metrics keep their counts.",
  feature = "logs_endpoints_enabled",
  needs = "storage",
  scope = "admin",

  ---@param req Request
  ---@return Response
  handle = function(req)
    local done, message = storage.reset()
    if not done then
      return { status = 503, detail = "Reset operation failed: " .. message }
    end
    memory.clear()
    return {
      json = {
        status = "success",
        message = "All logs data has been reset",
        timestamp = req.now,
        backend = "duckdb",
      },
    }
  end,
}
