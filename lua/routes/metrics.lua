--- Prometheus text of everything.
local metrics = require "metrics"

return {
  summary = "Prometheus metrics; OpenMetrics for clients that ask for it.",
  feature = "metrics_endpoint_enabled",
  answers = "text/plain",

  ---@param req Request
  ---@return Response
  handle = function(req)
    local page, content_type = metrics.render(req.headers.accept)
    return {
      headers = {
        ["content-type"] = content_type,
        ["cache-control"] = "no-cache, no-store, must-revalidate",
        pragma = "no-cache",
        expires = "0",
      },
      body = page,
    }
  end,
}
