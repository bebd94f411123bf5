--- How many requests were refused because of a limit (429) or an overload (529), by model.
return {
  summary = "The provider refuses requests: its limits are reached, or it is overloaded.",
  measure = "request_count",
  where = { { "status_code", "in", 429, 529 } },
  by = { "model" },
  window = "15m",
  warning = 10,
  critical = 100,
  keep_firing_for = "5m",
}
