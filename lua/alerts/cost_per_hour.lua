--- What the last hour has cost, in dollars.
return {
  summary = "The last hour has cost more than it may.",
  measure = "billed_cost_usd",
  window = "1h",
  warning = 10,
  critical = 50,
  keep_firing_for = "5m",
}
