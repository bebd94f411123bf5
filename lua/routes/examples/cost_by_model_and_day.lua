--- What each model cost on each UTC day.
local dates = require "lib.dates"
local filters = require "lib.filters"
local json = require "json"
local needs_storage = require "lib.needs_storage"
local params = require "lib.params"
local storage = require "storage"

return {
  summary = "Requests and cost per model and day.",
  params = { days = params.integer { default = 7, ge = 1, le = 366 } },

  ---@param req Request
  ---@return Response
  handle = function(req)
    local groups, err, reason = storage.aggregate {
      where = filters.last_days(req.params.days, req.now), by = { "model" }, every = "day",
    }
    if not groups then
      return needs_storage.failed(err, reason)
    end
    local days = json.array {}
    for i, group in ipairs(groups) do
      days[i] = {
        day = dates.iso(group.time), model = group.model, requests = group.requests,
        cost_usd = group.cost_usd,
      }
    end
    return { json = { days = days } }
  end,
}
