--- Days that are Parquet: what they take, what they answer, and what making them costs.
local filled = require "spec.bench.filled"
local helpers = require "spec.helpers"
local machine = require "spec.bench.machine"
local peers = require "spec.bench.peers"
local report = require "spec.bench.report"
local socket = require "socket"

local ASKED, LOOKUPS = 7, 200
local SEALED_IN_A_ROUND, TAKEN_IN_A_ROUND = 3, 5 -- days, of the copies that are ingested into

-- Each matches between 1 and 10 % of the rows of every minute.
local ASK = [[
local params = require "lib.params"
local storage = require "storage"
local WHERE = {
  prefix = { { "client_ip", "prefix", "10.0.3.12" } },
  mixed = {
    { "duration_ms", ">=", 8000 }, { "path", "=", "/api/v1/messages" },
    { "tokens_input", ">=", 4096 },
  },
}
return {
  summary = "Counts and sums under a filter.",
  params = {
    of = params.string { one_of = { "prefix", "mixed" }, required = true },
    before = params.time {},
  },
  handle = function(req)
    local where = { table.unpack(WHERE[req.params.of]) }
    if req.params.before then
      where[#where + 1] = { "timestamp", "<", req.params.before }
    end
    local groups, message = storage.aggregate {
      where = where,
      measures = { "requests", "cost_usd", "tokens_input", "tokens_output", "duration_ms" },
    }
    if not groups then
      return { status = 503, detail = message }
    end
    return { json = groups[1] }
  end,
}
]]

local SUMS = "SELECT count(*) AS requests, sum(cost_usd) AS cost_usd, "
  .. "sum(tokens_input) AS tokens_input, sum(tokens_output) AS tokens_output, "
  .. "sum(duration_ms) AS duration_ms FROM rows WHERE "

local QUESTIONS = {
  "prefix", SUMS .. "starts_with(client_ip, '10.0.3.12')",
  "mixed", SUMS .. "duration_ms >= 8000 AND path = '/api/v1/messages' AND tokens_input >= 4096",
  "dearest", "SELECT * FROM rows ORDER BY cost_usd DESC, timestamp DESC, rowid DESC LIMIT 50",
}

local CONFIG = [[table.insert(config.routes, { "GET", "/ask", "routes.ask" })]]

local function start(path, config)
  local s = machine.ours {
    wrap = {}, database = path, config = CONFIG .. "\n" .. (config or ""),
    files = { ["lua/routes/ask.lua"] = ASK },
  }
  filled.warm_up(s)
  return s
end

--- Milliseconds of one answer, and how many were refused.
local function median_ms(s, paths)
  local times, refused = {}, 0
  for i, path in ipairs(paths) do
    local started = socket.gettime()
    local answer = s:get(path)
    times[i] = (socket.gettime() - started) * 1e3
    refused = refused + (answer.status == 200 and 0 or 1)
  end
  local median = report.summary(times)
  return median, refused
end

local function repeated(path)
  local paths = {}
  for i = 1, ASKED do
    paths[i] = path
  end
  return paths
end

--- Requests of all days, by their ids.
local function lookups(rows)
  local paths = {}
  for i = 1, LOOKUPS do
    local line = machine.shell(("build/print_records --format csv --rows 1 --first %d")
      :format((i - 1) * 7919 % LOOKUPS * (rows // LOOKUPS)))
    paths[i] = "/logs/entries/" .. line:match '^"([^"]+)"'
  end
  return paths
end

local function export_rows_s(s, rows)
  local command = "curl -sS -o /dev/null -w '%%{time_total}' "
    .. "'http://127.0.0.1:%d/logs/export?format=ndjson'"
  return rows / tonumber((machine.shell(command:format(s.port))))
end

local function ask_all(path, options)
  local s, found = start(path), { errors = 0 }
  for name, paths in pairs {
    prefix_ms = repeated "/ask?of=prefix", mixed_ms = repeated "/ask?of=mixed",
    dearest_ms = repeated "/logs/entries?order_by=cost_usd&order_desc=true&limit=50",
    analytics_ms = repeated("/logs/analytics?" .. filled.window(168)),
    lookup_ms = lookups(options.rows),
  } do
    local median, refused = median_ms(s, paths)
    found[name] = median
    found.errors = found.errors + refused
  end
  found.export_rows_s = export_rows_s(s, options.rows)
  s:stop()
  return found
end

-- Of tables and indices that are named so; free pages do not count: the next rows fill them.  Page
-- by page, for an aggregate of dbstat's has 32 bits.
local function bytes_of(path, pattern)
  local sql = "SELECT sum(pgsize) FROM dbstat WHERE name GLOB '%s'"
  sql = sql:format(pattern)
  return tonumber((machine.shell(("sqlite3 -readonly %s %q"):format(path, sql))))
end

local function bytes_of_parts(path)
  local command = "find %s -name '*.parquet' -printf '%%s\n' | awk '{n += $1} END {print n + 0}'"
  return tonumber((machine.shell(command:format(filled.folder_of_parts(path)))))
end

local function bytes(path, rows)
  local parts = bytes_of_parts(path)
  return {
    rows_bytes = (bytes_of(path, "rows*") + parts) / rows,
    all_bytes = (bytes_of(path, "*") + parts) / rows,
    parts_bytes = parts,
  }
end

local Copy = {}
Copy.__index = Copy

--- A store that the rounds go through, day by day.
local function copy(rows, name)
  return setmetatable({
    path = filled.copy(rows, name), rows = rows, stored = rows, days = 0,
    batch = math.max(1000, rows // 50),
  }, Copy)
end

function Copy:remove()
  os.execute(("rm -rf %s.*"):format((self.path:gsub("%.db$", ""))))
end

function Copy:ingest(config)
  local s = start(self.path, config)
  local words = { "build/load_ingest", "--port", s.port, "--rows", self.batch, "--batch", 1000,
    "--first", self.stored }
  local found = machine.run(filled.with_source(words, self.rows))
  self.stored = self.stored + self.batch
  s:stop()
  return { rows_s = found.rows_s, p99_us = found.p99_us, refused = found.refused }
end

function Copy:ingest_while_sealing()
  self.days = self.days + SEALED_IN_A_ROUND
  return self:ingest("config.storage.hot_days = " .. filled.hot_days(self.days))
end

function Copy:ingest_while_taking()
  self.days = self.days + TAKEN_IN_A_ROUND
  local age = filled.hot_days(self.days) - 1
  return self:ingest(("config.storage.retention = { rows = '%dd' }"):format(age))
end

--- Seals all days that are due and one more: rows/s from reading them to the rename.
function Copy:seal()
  self.days = self.days + 1
  local s = start(self.path, "config.storage.hot_days = " .. filled.hot_days(self.days))
  helpers.eventually(function()
    return filled.parts(self.path) >= self.days
  end)
  s:stop()
  local rows, ms = 0, 0
  for line in s:log():gmatch "[^\n]*a day is sealed[^\n]*" do
    rows = rows + tonumber(line:match "rows=(%d+)" or line:match '"rows":(%d+)')
    ms = ms + tonumber(line:match "ms=(%d+)" or line:match '"ms":(%d+)')
  end
  return { rows_s = rows / ms * 1e3 }
end

local function ask_duckdb(rows)
  local folder = filled.folder_of_parts(filled.sealed(rows))
  return peers.node_anywhere("duckdb_parts.js", folder, machine.CORES, table.unpack(QUESTIONS))
end

local function duckdb_questions(rows)
  return function()
    local found = ask_duckdb(rows)
    return { prefix_ms = found.prefix_ms, mixed_ms = found.mixed_ms,
      dearest_ms = found.dearest_ms }
  end
end

local function duckdb_copy(rows, days)
  return function()
    return peers.node("duckdb_copy.js", filled.duckdb(rows), "build/bench/copy.parquet",
      filled.end_of_day(0), filled.end_of_day(days))
  end
end

--- Our answers about the parts' days, and DuckDB's.
local function difference(rows)
  return function()
    local s = start(filled.sealed(rows))
    local theirs = ask_duckdb(rows)
    local worst = 0
    for _, name in ipairs { "prefix", "mixed" } do
      local ours = s:get(("/ask?of=%s&before=%d"):format(name,
        filled.end_of_day(filled.SEALED))).json()
      for figure, value in pairs(ours) do
        local other = theirs[name .. "_" .. figure]
        worst = math.max(worst, math.abs(value - other) / math.max(1, math.abs(other)))
      end
    end
    s:stop()
    return { difference = worst }
  end
end

local sealing, taking

local function subjects(options)
  local rows, missing = options.rows, peers.missing "duckdb"
  sealing, taking = nil, nil
  local function seal()
    sealing = sealing or copy(rows, "-sealing")
    return sealing
  end
  local function take()
    taking = taking or copy(rows, "-taking")
    return taking
  end
  return {
    { name = "sealed", run = function()
      local path = filled.sealed(rows)
      local found = ask_all(path, options)
      for name, value in pairs(bytes(path, rows)) do
        found[name] = value
      end
      return found
    end },
    { name = "hot", run = function()
      local path = filled.database(rows)
      local found = ask_all(path, options)
      found.rows_bytes = bytes(path, rows).all_bytes
      found.all_bytes = found.rows_bytes
      return found
    end },
    { name = "DuckDB", missing = missing, run = duckdb_questions(rows) },
    { name = "agreement", missing = missing, run = difference(rows) },
    { name = "DuckDB, COPY", missing = missing, run = duckdb_copy(rows, filled.SEALED) },
    { name = "seal", run = function() return seal():seal() end },
    { name = "DuckDB, COPY of a day", missing = missing, run = duckdb_copy(rows, 1) },
    { name = "ingest", run = function() return seal():ingest() end },
    { name = "ingest while sealing", run = function() return seal():ingest_while_sealing() end },
    { name = "ingest, once more", run = function() return take():ingest() end },
    { name = "ingest while rows are taken", run = function()
      return take():ingest_while_taking()
    end },
  }
end

return {
  summary = "30 days, 28 of them sealed, beside the same rows hot and beside DuckDB",
  subjects = subjects,
  close = function()
    sealing:remove()
    taking:remove()
  end,
  targets = {
    { metric = "rows_bytes", against = "hot", at_most = 0.28 },
    { metric = "all_bytes", against = "hot", at_most = 0.4 },
    { metric = "parts_bytes", against = "DuckDB, COPY", than = "bytes", at_most = 1 },
    { metric = "prefix_ms", against = "DuckDB", at_most = 3 },
    { metric = "mixed_ms", against = "DuckDB", at_most = 3 },
    { metric = "dearest_ms", against = "DuckDB", at_most = 3 },
    { metric = "errors", at_most = 0 },
    { metric = "difference", of = "agreement", at_most = 1e-9 },
    { metric = "lookup_ms", against = "hot", at_most = 10 },
    { metric = "export_rows_s", against = "hot", at_least = 0.9 },
    { metric = "analytics_ms", against = "hot", at_most = 1.2 },
    { metric = "rows_s", of = "seal", against = "DuckDB, COPY of a day", at_least = 0.5 },
    { metric = "rows_s", of = "ingest while sealing", against = "ingest", at_least = 0.7 },
    { metric = "rows_s", of = "ingest while rows are taken", against = "ingest, once more",
      at_least = 0.7 },
  },
}
