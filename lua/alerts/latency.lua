--- How long the slowest twentieth of requests take at least, in milliseconds, by model.
return {
  summary = "Requests take long.",
  measure = "duration_ms_p95",
  by = { "model" },
  window = "15m",
  min_requests = 20,
  warning = 60000,
  critical = 180000,
  ["for"] = "5m",
  keep_firing_for = "5m",
}
