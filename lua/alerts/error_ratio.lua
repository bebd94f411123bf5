--- The share of requests that failed, in per cent, by model.
return {
  summary = "Too many requests fail.",
  measure = "error_rate",
  by = { "model" },
  window = "15m",
  min_requests = 20,
  warning = 5,
  critical = 25,
  ["for"] = "2m",
  keep_firing_for = "5m",
}
