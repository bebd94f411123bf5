--- The share of requests that failed, by status class and minute.
local dates = require "lib.dates"
local filters = require "lib.filters"
local json = require "json"
local needs_storage = require "lib.needs_storage"
local params = require "lib.params"
local storage = require "storage"

return {
  summary = "Error rate by status class and minute.",
  params = { hours = params.integer { default = 1, ge = 1, le = 24 } },

  ---@param req Request
  ---@return Response
  handle = function(req)
    local groups, err, reason = storage.aggregate {
      where = filters.last_hours(req.params.hours, req.now), every = "minute",
    }
    if not groups then
      return needs_storage.failed(err, reason)
    end
    local minutes = json.array {}
    for i, group in ipairs(groups) do
      minutes[i] = {
        minute = dates.iso(group.time), requests = group.requests,
        rate_4xx = group.client_errors / group.requests,
        rate_5xx = group.server_errors / group.requests,
      }
    end
    return { json = { minutes = minutes } }
  end,
}
