local filled = require "spec.bench.filled"
local json = require "spec.helpers.json"
local machine = require "spec.bench.machine"
local peers = require "spec.bench.peers"

local function ours(rows, hours, options)
  return function()
    local s = filled.server(rows)
    local found = machine.wrk(s, "/logs/analytics?" .. filled.window(hours), {
      connections = 1, seconds = options.seconds,
    })
    s:stop()
    return { p50_ms = found.p50_us / 1e3, p99_ms = found.p99_us / 1e3, errors = found.errors }
  end
end

--- The largest relative difference between our summary and the records added up one by one.
local function difference(rows)
  local known
  return function()
    local s = filled.server(rows)
    local window = filled.window(168)
    local summary = json.decode(s:get("/logs/analytics?" .. window).body).summary
    s:stop()
    local from, to = window:match "start_time=(.-)&end_time=(.*)"
    known = known or machine.run(filled.with_source({
      "build/sum_records", "--rows", rows, "--from-us", (from:gsub("%.", "")), "--to-us",
      (to:gsub("%.", "")),
    }, rows))
    local worst = 0
    for name, value in pairs(known) do
      worst = math.max(worst, math.abs(summary[name] - value) / math.max(1, math.abs(value)))
    end
    return { difference = worst }
  end
end

local function duckdb(rows, way)
  return function()
    local from, to = filled.window(168):match "start_time=(.-)&end_time=(.*)"
    return peers.node("duckdb_analytics.js", filled.duckdb(rows), way, from, to)
  end
end

return {
  summary = "/logs/analytics with all its shapes over HTTP, one client",
  subjects = function(options)
    local many, few = options.rows, options.rows // 10
    local missing = peers.missing "duckdb"
    return {
      { name = "168 h, many rows", run = ours(many, 168, options) },
      { name = "24 h, many rows", run = ours(many, 24, options) },
      { name = "168 h, a tenth of the rows", run = ours(few, 168, options) },
      { name = "limit_metrics", run = machine.pace },
      { name = "raw scan", run = difference(many) },
      { name = "DuckDB, combined queries", missing = missing, run = duckdb(many, "combined") },
      { name = "DuckDB, a query per figure", missing = missing, run = duckdb(many, "single") },
    }
  end,
  targets = {
    { metric = "p50_ms", against = "limit_metrics", than = "ms", at_most = 0.125 },
    { metric = "p50_ms", against = "168 h, a tenth of the rows", at_most = 1.3 },
    { metric = "p50_ms", against = "24 h, many rows", at_most = 1.6 },
    { metric = "difference", of = "raw scan", at_most = 1e-9 },
    { metric = "p50_ms", of = "DuckDB, combined queries", against = "168 h, many rows",
      at_least = 50 },
    { metric = "p50_ms", of = "DuckDB, a query per figure", against = "168 h, many rows",
      at_least = 500 },
    { metric = "errors", at_most = 0 },
  },
}
