--- The requests of the last hours that took longest.
local filters = require "lib.filters"
local needs_storage = require "lib.needs_storage"
local params = require "lib.params"
local storage = require "storage"

return {
  summary = "The slowest requests of the last hours.",
  params = {
    hours = params.integer { default = 24, ge = 1, le = 168 },
    limit = params.integer { default = 20, ge = 1, le = 1000 },
  },

  ---@param req Request
  ---@return Response
  handle = function(req)
    local page, err, reason = storage.select {
      where = filters.last_hours(req.params.hours, req.now),
      order_by = "duration_ms", descending = true, limit = req.params.limit, as = "json",
    }
    if not page then
      return needs_storage.failed(err, reason)
    end
    return { json = { requests = page.json } }
  end,
}
