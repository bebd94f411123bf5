--- The sessions that cost most.
local filters = require "lib.filters"
local json = require "json"
local needs_storage = require "lib.needs_storage"
local params = require "lib.params"
local storage = require "storage"

return {
  summary = "Sessions by cost.",
  params = {
    days = params.integer { default = 7, ge = 1, le = 366 },
    limit = params.integer { default = 20, ge = 1, le = 1000 },
  },

  ---@param req Request
  ---@return Response
  handle = function(req)
    local where = filters.last_days(req.params.days, req.now)
    where[#where + 1] = { "session_client_id", "!=", "" }
    local groups, err, reason = storage.aggregate {
      where = where, by = { "session_client_id" }, order_by = "cost_usd", descending = true,
      limit = req.params.limit,
    }
    if not groups then
      return needs_storage.failed(err, reason)
    end
    return { json = { sessions = json.array(groups) } }
  end,
}
