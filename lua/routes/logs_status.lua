--- Whether the log endpoints are there; it needs neither storage nor collection.
local config = require "config"

return {
  summary = "State of the observability endpoints.",
  feature = "logs_endpoints_enabled",

  ---@return Response
  handle = function()
    return {
      json = {
        status = "healthy",
        prometheus_enabled = config.features.metrics_endpoint_enabled and "True" or "False",
        observability_system = "hybrid_prometheus_structlog",
      },
    }
  end,
}
