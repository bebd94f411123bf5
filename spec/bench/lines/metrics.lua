local machine = require "spec.bench.machine"
local peers = require "spec.bench.peers"

-- The samples of limit_metrics.c.
local ROUTE = [[
local metrics = require "metrics"

local labels = { "model", "endpoint", "service_type" }
local counters, histograms = {}, {}
for i = 0, 9 do
  counters[i] = metrics.counter {
    name = ("bench_counter_%d_total"):format(i), help = "Bench.",
    labels = { "model", "endpoint", "service_type", "cost_type" },
  }
end
for i = 0, 4 do
  histograms[i] = metrics.histogram {
    name = ("bench_histogram_%d"):format(i), help = "Bench.", labels = labels,
    buckets = { .01, .05, .1, .25, .5, 1, 2.5, 5, 10, 25 },
  }
end

return {
  summary = "Makes one part of 100,000 samples.",
  handle = function(req)
    local part = math.tointeger(tonumber(req.path:match "%d+$"))
    local last = part < 10 and 4999 or 768
    for set = 0, last do
      local model, service = "claude-sonnet-4-" .. set, "service_" .. set % 7
      if part < 10 then
        counters[part]:inc(set * 37.25, model, "/api/v1/messages", service, "total")
      else
        histograms[part - 10]:observe(set / 100, model, "/api/v1/messages", service)
      end
    end
    return { json = { part = part } }
  end,
}
]]

local function start()
  local s = machine.ours {
    config = [[
      table.insert(config.routes, { "GET", "/bench/{part}", "routes.bench" })
      config.metrics.max_series = 20000]],
    files = { ["lua/routes/bench.lua"] = ROUTE },
  }
  for part = 0, 14 do
    local r = s:get("/bench/" .. part)
    assert(r.status == 200, r.body)
  end
  return s
end

local function ours(options)
  local s = start()
  local scrape = machine.wrk(s, "/metrics", { connections = 1, seconds = options.seconds })
  local finish = machine.begin {
    "build/load_get", "--port", s.port, "--path", "/metrics", "--rate", 10, "--seconds",
    options.seconds,
  }
  local others = machine.wrk(s, "/logs/status", { connections = 1, seconds = options.seconds })
  finish()
  local bytes = #s:get("/metrics").body
  s:stop()
  return {
    ms = scrape.p50_us / 1e3, bytes = bytes, others_p99_ms = others.p99_us / 1e3,
    errors = scrape.errors + others.errors,
  }
end

return {
  summary = "a page of 100,000 samples over HTTP, and what other requests feel meanwhile",
  subjects = function(options)
    return {
      { name = "moonledger", run = function() return ours(options) end },
      { name = "limit_metrics", run = machine.pace },
      { name = "prom-client", missing = peers.missing "prom-client",
        run = function() return peers.node "prom_client.js" end },
    }
  end,
  targets = {
    { metric = "ms", against = "limit_metrics", at_most = 4 },
    { metric = "ms", of = "prom-client", against = "moonledger", at_least = 25 },
    { metric = "others_p99_ms", against = "limit_metrics", than = "ms", at_most = 0.17 },
    { metric = "errors", at_most = 0 },
  },
}
