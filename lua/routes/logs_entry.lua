--- One row with everything that was sent.
local needs_storage = require "lib.needs_storage"
local storage = require "storage"

return {
  summary = "One row by its request_id, with its extra.",
  feature = "logs_endpoints_enabled",
  needs = "storage",

  ---@param req Request
  ---@return Response
  handle = function(req)
    local row, message, reason = storage.get(req.params.request_id, "json")
    if row then
      return { json = row }
    elseif message then
      return needs_storage.failed(message, reason)
    end
    return { status = 404, detail = "Not Found" }
  end,
}
