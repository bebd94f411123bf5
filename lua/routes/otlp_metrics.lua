--- OTLP metrics, shown on /metrics under their own names.
local config = require "config"
local metric_points = require "ingest.metric_points"
local otlp_http = require "ingest.otlp_http"
local otlp_metrics = require "ingest.otlp_metrics"

local labels = (config.settings or {}).otlp_labels

return {
  summary = "Takes OTLP metrics, as JSON or protobuf.",
  scope = "ingest",
  handle = otlp_http.handler("metrics", function(message)
    return otlp_metrics.decode(message, labels)
  end, metric_points.take),
}
