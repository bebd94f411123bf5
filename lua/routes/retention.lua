--- What is kept, since when, what went and what is next.
local needs_storage = require "lib.needs_storage"
local retention = later "lib.retention"

return {
  summary = "What is kept and since when, what went, and what is next.",
  needs = "storage",
  scope = "read",

  ---@param req Request
  ---@return Response
  handle = function(req)
    local figures, message, reason = retention.read(req.now)
    if not figures then
      return needs_storage.failed(message, reason)
    end
    return { json = retention.shape(figures) }
  end,
}
