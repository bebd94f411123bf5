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
local DAY, DAYS = 86400, 30
local DAYS_US = DAYS * DAY * 1000000
local END_US = 1795392000 * 1000000 -- 2026-11-23T00:00:00Z

--- Of the days, those that filled.sealed has in parts.
filled.SEALED = DAYS - 2

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
    os.execute(("mkdir -p %s && rm -rf %s/%d-*"):format(FOLDER, FOLDER, rows))
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
---@param name? string  one of several
function filled.copy(rows, name)
  local path = ("%s/copy-%d%s.db"):format(FOLDER, rows, name or "")
  os.execute(("rm -f %s*; cp --reflink=auto %s %s; sync %s")
    :format(path, filled.database(rows), path, path))
  return path
end

--- Unix seconds at which the nth of the 30 days has ended.
---@param n integer
function filled.end_of_day(n)
  return END_US // 1000000 - (DAYS - n) * DAY
end

--- config.storage.hot_days with which the first n of the 30 days are sealed.
---@param n integer
function filled.hot_days(n)
  return (os.time() // DAY * DAY - filled.end_of_day(n)) // DAY + 1
end

--- The folder of a database's parts.
---@param path string
function filled.folder_of_parts(path)
  return (path:gsub("%.db$", ".cold"))
end

--- The files of sealed days that have been written and whose rows have left the table.
---@param path string
function filled.parts(path)
  return tonumber((machine.shell(("sqlite3 -readonly %s %q"):format(path,
    "SELECT count(*) FROM parts WHERE state = 1 AND taken_time = 9223372036854775807"))))
end

local function seal(path, days)
  local s = machine.ours {
    wrap = {}, database = path, config = "config.storage.hot_days = " .. filled.hot_days(days),
  }
  while filled.parts(path) < days do
    socket.sleep(0.5)
  end
  s:stop()
end

--- The path of a database with so many rows, all but those of the last two days in parts.
---@param rows integer
function filled.sealed(rows)
  local hot = filled.database(rows)
  local path = hot:gsub("%.db$", "-sealed.db")
  if not io.open(path .. ".whole") then
    local rest = path:gsub("%.db$", "")
    io.stderr:write(("sealing %s\n"):format(path))
    os.execute(("rm -rf %s.*; cp --reflink=auto %s %s"):format(rest, hot, path))
    seal(path, filled.SEALED)
    helpers.write_file(path .. ".whole", "")
  end
  return path
end

--- Two subjects, a store with many rows, which grows by so many each time, and an empty one; and
--- what removes them.
---@param added integer
---@param options { rows: integer }
---@param run fun(database: string?, first: integer): table
function filled.large_and_empty(added, options, run)
  local copy
  local stored = options.rows
  local function large()
    copy = copy or filled.copy(options.rows)
    stored = stored + added
    return run(copy, stored - added)
  end
  local function close()
    os.execute("rm -f " .. copy .. "*")
  end
  return { { name = "large", run = large },
    { name = "empty", run = function() return run(nil, 0) end } }, close
end

return filled
