--- Databases with many rows, made once by the server itself and kept under
--- build/bench while the schema stays the same. Their records are numbers 0 .. rows
--- - 1 of records.h, spread evenly over the 30 days before END_US.
local helpers = require "spec.helpers"
local machine = require "spec.bench.machine"
local peers = require "spec.bench.peers"
local socket = require "socket"

local filled = {}

local FOLDER = "build/bench"
local PART = 1000000 -- rows of one CSV file
local QUIET_S = 0.6  -- a first read of a cold file takes some tenths
local DAYS_US = 30 * 86400 * 1000000
local END_US = 1795392000 * 1000000 -- 2026-11-23T00:00:00Z

--- Words for the clients and probes that make the same records.
---@param rows integer
function filled.source(rows)
  local step = DAYS_US // rows
  return { "--start-us", END_US - rows * step, "--step-us", step }
end

--- Appends to words.
function filled.with_source(words, rows)
  return table.move(filled.source(rows), 1, 4, #words + 1, words)
end

--- When record number i of so many was.
function filled.time_us(rows, i)
  local step = DAYS_US // rows
  return END_US - rows * step + i * step
end

--- A window of so many hours, ragged at both ends, as a query string.
---@param hours integer
function filled.window(hours)
  local to = END_US / 1e6 - 1234.567891
  return ("start_time=%.6f&end_time=%.6f"):format(to - hours * 3600, to)
end

local function fill(path, rows)
  io.stderr:write(("filling %s with %d rows\n"):format(path, rows))
  local s = machine.ours { database = path }
  local found = machine.run(filled.with_source(
    { "build/load_ingest", "--port", s.port, "--rows", rows, "--batch", 2000 }, rows))
  s:stop()
  assert(found.rows >= rows, "rows were refused")
end

--- The path of a database with so many rows.
---@param rows integer
function filled.database(rows)
  local schema =
    machine.shell "cat lua/schema.lua src/store/*/*.c spec/bench/records.h | sha1sum":sub(1, 8)
  local path = ("%s/%d-%s.db"):format(FOLDER, rows, schema)
  if not io.open(path) then
    os.execute(("mkdir -p %s && rm -f %s/%d-*"):format(FOLDER, FOLDER, rows))
    fill(path .. ".new", rows)
    os.rename(path .. ".new", path)
  end
  return path
end

local function ids(s)
  return tonumber(s:get("/metrics").body:match "\nmoonledger_store_ids (%d+)")
end

--- Waits until the ids of earlier rows are all in memory, that is until their
--- number has not grown for a while: the seconds that took.
---@param s Server
---@return number
function filled.warm_up(s)
  local started = socket.gettime()
  local known, grew = ids(s), started
  while true do
    socket.sleep(0.1)
    local now = ids(s)
    if now ~= known then
      known, grew = now, socket.gettime()
    elseif socket.gettime() - grew > QUIET_S then
      return grew - started
    end
  end
end

--- Our server on so many rows, warm.
---@param rows integer
---@return Server
function filled.server(rows)
  local s = machine.ours { database = filled.database(rows) }
  filled.warm_up(s)
  return s
end

--- The path of a DuckDB file with the same rows.
---@param rows integer
function filled.duckdb(rows)
  local path = ("%s/%d.duckdb"):format(FOLDER, rows)
  if not io.open(path) then
    io.stderr:write(("filling %s with %d rows\n"):format(path, rows))
    os.execute(("mkdir -p %s && rm -f %s.*"):format(FOLDER, path))
    local sql, part = path .. ".sql", path .. ".csv"
    helpers.write_file(sql, peers.create_table "")
    for first = 0, rows - 1, PART do
      os.execute(("build/print_records --format csv --first %d --rows %d %s > %s"):format(
        first, math.min(PART, rows - first), table.concat(filled.source(rows), " "), part))
      peers.node("duckdb_load.js", path .. ".new", sql, part)
      os.remove(sql)
    end
    os.remove(part)
    os.rename(path .. ".new", path)
  end
  return path
end

--- A copy that may be written to and that is on the disk, so that nobody who syncs
--- waits for it; the caller removes it.
---@param rows integer
function filled.copy(rows)
  local path = ("%s/copy-%d.db"):format(FOLDER, rows)
  os.execute(("rm -f %s*; cp --reflink=auto %s %s; sync %s")
    :format(path, filled.database(rows), path, path))
  return path
end

return filled
