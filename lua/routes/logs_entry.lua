--- One row with everything that was sent.
local available = require "lib.available"
local storage = require "storage"

return {
  summary = "One row by its request_id, with its extra.",
  feature = "logs_endpoints_enabled",

  ---@param req Request
  ---@return Response
  handle = function(req)
    local refused = available.refuse()
    if refused then
      return refused
    end
    local row, message, reason = storage.get(req.params.request_id, "json")
    if row then
      return { json = row }
    elseif message then
      return available.failed(message, reason)
    end
    return { status = 404, detail = "Not Found" }
  end,
}
