--- The newest rows that match.
local cursor = later "lib.cursor"
local fields = require "lib.fields"
local filters = require "lib.filters"
local json = require "json"
local needs_storage = require "lib.needs_storage"
local params = require "lib.params"
local repeat_params = require "lib.repeat_params"
local storage = require "storage"

-- Here both are one exact string.
local READS = { model = filters.exact "model", service_type = filters.exact "service_type" }

return {
  summary = "Rows that match the filters, newest first.",
  feature = "logs_endpoints_enabled",
  needs = "storage",
  params = filters.params {
    limit =
      params.integer { default = 1000, ge = 1, le = 10000, description = "Most rows to answer." },
    start_time = params.time { description = "Unix seconds, inclusive; 0 is no bound." },
    end_time = params.time { description = "Unix seconds, inclusive; 0 is no bound." },
    model = params.string { description = "Exactly this model; empty is no filter." },
    service_type = params.string { description = "Exactly this service type; empty is no filter." },
    cursor = params.string { description = "next_cursor of the page before." },
    fields = fields.param(),
  },

  ---@param req Request
  ---@return Response
  handle = function(req)
    local values = req.params
    local where = filters.where(values, READS)
    local after = values.cursor and cursor.decode(values.cursor, where, true)
    if values.cursor and not after then
      return cursor.refuse(values.cursor)
    end
    local page, message, reason = storage.select {
      where = where, descending = true, limit = values.limit, after = after, as = "json",
      fields = fields.chosen(values.fields),
    }
    if not page then
      return needs_storage.failed(message, reason)
    end
    return {
      json = {
        results = page.json,
        count = page.count,
        limit = values.limit,
        filters = repeat_params(values, { "start_time", "end_time", "model", "service_type" }),
        timestamp = req.now,
        next_cursor = cursor.encode(page.next, where, true) or json.null,
      },
    }
  end,
}
