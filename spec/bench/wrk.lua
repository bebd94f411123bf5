-- Runs inside wrk: so many requests at a time, and the figures as NAME=NUMBER words.
local batch

function init(args)
  local requests = {}
  for i = 1, tonumber(args[1]) do
    requests[i] = wrk.format()
  end
  batch = table.concat(requests)
end

function request()
  return batch
end

function done(summary, latency)
  local errors = summary.errors
  io.write(("requests=%d req_s=%.0f p50_us=%d p99_us=%d errors=%d\n"):format(
    summary.requests, summary.requests / summary.duration * 1e6, latency:percentile(50),
    latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
