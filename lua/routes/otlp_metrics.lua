--- OTLP metrics, shown on /metrics under their own names.
local metric_points = later "ingest.metric_points"
local otlp_http = later "ingest.otlp_http"
local otlp_metrics = later "ingest.otlp_metrics"

return {
  summary = "Takes OTLP metrics, as JSON or protobuf.",
  scope = "ingest",
  takes = { "application/json", "application/x-protobuf" },

  ---@param req Request
  ---@return Response
  handle = function(req)
    return otlp_http.take(req, "metrics", otlp_metrics.decode, metric_points.take)
  end,
}
