local helpers = require "spec.helpers"
local machine = require "spec.bench.machine"
local peers = require "spec.bench.peers"
local socket = require "socket"

local ROWS = 200000

local function ours()
  local s = machine.ours()
  local before = machine.cpu_seconds(s.pid)
  local found = machine.run { "build/load_ingest", "--port", s.port, "--rows", ROWS,
    "--batch", 1000 }
  local cpu = machine.cpu_seconds(s.pid) - before
  s:stop()
  return { rows_s = found.rows_s, cpu_us = cpu * 1e6 / ROWS, p99_us = found.p99_us,
    refused = found.refused }
end

local function probe(...)
  local flags = { ... }
  return function()
    local folder = helpers.temporary_folder()
    local words = { "build/limit_insert", "--rows", ROWS, "--file", folder .. "/limit.db",
      table.unpack(flags) }
    local found = machine.run(words, 1)
    helpers.remove_folder(folder)
    return found
  end
end

local function postgres()
  local p = peers.postgres()
  helpers.write_file(p.folder .. "/table.sql",
    peers.create_table "" .. "CREATE INDEX ON records (timestamp);\n")
  os.execute(("build/print_records --rows %d --batch 1000 --format copy > %s/rows.sql")
    :format(ROWS, p.folder))
  p:psql(p.folder .. "/table.sql")
  local started = socket.gettime()
  p:psql(p.folder .. "/rows.sql")
  local took = socket.gettime() - started
  p:stop()
  return { rows_s = ROWS / took }
end

local function duckdb()
  local folder = helpers.temporary_folder()
  helpers.write_file(folder .. "/table.sql", peers.create_table " PRIMARY KEY")
  os.execute(("build/print_records --rows 2000 --format csv > %s/rows.csv"):format(folder))
  local found = peers.node("duckdb_commits.js", folder)
  helpers.remove_folder(folder)
  return found
end

return {
  summary =
    "NDJSON over HTTP, 1,000 records a request, answered after an fsynced commit with dedupe "
      .. "and rollups",
  subjects = function()
    return {
      { name = "moonledger", run = ours },
      { name = "insert", run = probe() },
      { name = "insert+rollups", run = probe("--rollups", 1) },
      { name = "scan+insert+rollups", run = probe("--scan", 1, "--rollups", 1) },
      { name = "PostgreSQL COPY", missing = peers.missing "postgresql", run = postgres },
      { name = "DuckDB, commit per row", missing = peers.missing "duckdb", run = duckdb },
    }
  end,
  targets = {
    { metric = "rows_s", against = "insert+rollups", at_least = 0.7 },
    { metric = "rows_s", against = "scan+insert+rollups", at_least = 0.75 },
    { metric = "rows_s", against = "PostgreSQL COPY", at_least = 1.4 },
    { metric = "rows_s", against = "DuckDB, commit per row", at_least = 200 },
    { metric = "refused", at_most = 0 },
  },
}
