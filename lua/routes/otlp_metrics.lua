--- OTLP metrics, shown on /metrics under their own names.
local config = require "config"
local metric_points = require "ingest.metric_points"
local otlp_http = require "ingest.otlp_http"
local otlp_metrics = later "ingest.otlp_metrics"

local labels = (config.settings or {}).otlp_labels

return {
  summary = "Takes OTLP metrics, as JSON or protobuf.",
  scope = "ingest",
  takes = { "application/json", "application/x-protobuf" },
  handle = otlp_http.handler("metrics", function(source, hand_on)
    return otlp_metrics.decode(source, labels, hand_on)
  end, metric_points.take),
}
