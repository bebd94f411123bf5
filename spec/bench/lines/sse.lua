local fan_out = require "spec.bench.fan_out"

return fan_out {
  subscribers = 1000, rate = 20,
  targets = {
    { metric = "deliveries_s", against = "limit_sse --coalesce", at_least = 0.8 },
    { metric = "deliveries_s", against = "nchan", at_least = 2 },
    { metric = "p99_us", against = "limit_sse", at_most = 1.15 },
    { metric = "kib_each", at_most = 1.5 },
    { metric = "missing", at_most = 0 },
    { metric = "deliveries_s", of = "100 filters", against = "moonledger", at_least = 0.5 },
  },
}
