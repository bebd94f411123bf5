--- What befalls a server. Each gets the run (spec/chaos/run.lua) and leaves it with a server that
--- serves.
local helpers = require "spec.helpers"
local server = require "spec.helpers.server"
local socket = require "socket"

local disturbances = {}

function disturbances.killed(run)
  run.server:kill()
  run:start()
end

--- It has to end by itself, with everything closed.
function disturbances.stopped(run)
  run.server:stop()
  run:start()
end

function disturbances.frozen(run)
  run.server:signal "STOP"
  run:go_on(run.random(300) / 1000)
  run.server:signal "CONT"
end

--- It gets a fifth of the time, a few milliseconds after the other.
function disturbances.slowed(run)
  for _ = 1, 20 + run.random(30) do
    run.server:signal "STOP"
    socket.sleep(0.008)
    run.server:signal "CONT"
    run:go_on(0.002)
  end
end

--- Days that have closed leave the database while others are told of: until one more has.
function disturbances.sealed(run)
  local s, deadline = run.server, socket.gettime() + 4
  local function count()
    return select(2, s:log():gsub("a day is sealed", ""))
  end
  local before = count()
  repeat
    run:go_on(0.1)
  until count() > before or socket.gettime() > deadline
end

--- A backup begins; whatever comes next may find it under way.
function disturbances.backed_up(run)
  os.execute("rm -rf " .. helpers.quote(run.backups))
  local status = run.server:post("/-/backup").status
  assert(status == 202 or status == 409, status)
end

--- The disk has no room for a while: for files longer than the database is now.
function disturbances.full(run)
  local s = run.server
  local size = #assert(helpers.read_file(s.database))
  local limit = "prlimit --pid " .. s.pid .. " --fsize=%s:unlimited"
  os.execute(limit:format(size + run.random(1 << 18)))
  run:go_on(run.random(500) / 1000)
  os.execute(limit:format "unlimited")
  server.eventually(function()
    run:go_on(0.02)
    return s:get("/health/ready").status == 200
  end)
end

--- Clients that ask for much and do not read it, until the next time.
function disturbances.unread(run, clients)
  for _, connection in ipairs(run.unread) do
    connection:close()
  end
  run.unread = {}
  for i = 1, clients or run.random(20) do
    local path = i % 2 == 0 and "/logs/query?limit=1000" or "/logs/stream"
    run.unread[i] = run.server:raw("GET " .. path .. " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
  end
end

--- A body that ends in the middle is no batch.
function disturbances.cut_off(run)
  local connection = run.server:raw(
    "POST /logs/ingest HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\n"
      .. 'Content-Length: 4000\r\n\r\n{"model":"cut off","cost_usd":1}\n')
  connection:close()
end

function disturbances.garbage(run)
  local bytes = {}
  for i = 1, run.random(2000) do
    bytes[i] = string.char(run.random(0, 255))
  end
  run.server:raw(table.concat(bytes)):close()
end

local function reload(run, text)
  helpers.write_file(run.server.root .. "/lua/routes/chaos.lua", text)
  return run.server:post("/-/reload", "").status
end

--- A script is broken, and repaired.
function disturbances.reloaded(run)
  assert(reload(run, "return {") == 422)
  assert(reload(run, ("return { summary = 'n', handle = function() return { json = %d } end }")
    :format(run.random(9))) == 200)
end

local QUESTIONS = {
  "/logs/analytics?start_time=0", "/logs/query?limit=1000", "/logs/breakdown?by=model,team",
  "/logs/entries?order_by=cost_usd&limit=50", "/logs/export?format=csv", "/logs/overview",
  "/logs/values?field=model", "/logs/errors", "/metrics", "/health", "/logs/sessions",
}

--- Every question has an answer, or the server says that it has none now.
function disturbances.asked(run)
  local path = QUESTIONS[run.random(#QUESTIONS)]
  local status = run.server:get(path).status
  assert(status == 200 or status == 503, path .. ": " .. status)
end

--- A stream shows whole events.
function disturbances.watched(run)
  local stream = run.server:stream "/logs/stream"
  run:go_on(0.05)
  local event = stream:event(0)
  assert(not event or event.json.type, event and event.data)
  stream:close()
end

return disturbances
