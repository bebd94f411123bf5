--- The sessions that cost most; with session_client_id also the models of that one.
local filters = require "lib.filters"
local json = require "json"
local needs_storage = require "lib.needs_storage"
local storage = require "storage"
local window = later "lib.window"

return {
  summary = "Sessions by cost.",
  feature = "logs_endpoints_enabled",
  needs = "storage",
  params = filters.params {},

  ---@param req Request
  ---@return Response
  handle = function(req)
    local session = req.params.session_client_id
    local questions = {
      where = filters.where(req.params),
      { by = { "session_client_id" }, order_by = "cost_usd", descending = true, limit = 200 },
    }
    if session and session ~= "" then
      questions[2] = { by = { "model" }, order_by = "cost_usd", descending = true }
    end
    local groups, err, reason = storage.aggregate(questions)
    if not groups then
      return needs_storage.failed(err, reason)
    end
    return {
      json = { sessions = json.array(groups[1]), models = groups[2] and json.array(groups[2]),
        window = window.used(req.params, table.unpack(groups)),
        exact = window.exact(table.unpack(groups)) },
    }
  end,
}
