--- Every call for a descriptor or a thread that requests lead to is refused once: the request gets
--- an error or does without, the server goes on, and what was acknowledged is there.
local helpers = require "spec.helpers"
local server = require "spec.helpers.server"

-- Of spec/refused/refusing.c.
local KINDS = { "descriptor", "thread" }
local BINARY = ((os.getenv "MOONLEDGER" or "build/moonledger"):gsub("[^/]*$", "refusing"))

-- Each file that is loaded is one call more at the same place.
local RELOADS = 3

local CONFIG = [[
config.features.reload_enabled = true
config.storage.hot_days = 2
config.storage.backup_folder = %q
table.insert(config.routes, { "GET", "/refused", "routes.refused" })
]]

-- Results and texts that are larger than what is refused.
local ROUTE = [[
local json = require "json"
local storage = require "storage"
return { summary = "Large things.", handle = function()
  local rows, message = storage.sql "SELECT printf('%.9000c', 'x') AS text FROM rows LIMIT 20"
  if not rows then
    return { status = 503, detail = message }
  end
  return { json = { rows = json.array(rows), text = json.encode { ("y"):rep(40000) } } }
end }
]]

describe("a call that is refused", function()
  local folder, s, acknowledged

  local function start()
    s = server.start {
      binary = BINARY, database = folder .. "/a.db", config = CONFIG:format(folder .. "/backups"),
      env = { REFUSE = folder .. "/order" }, files = { ["lua/routes/refused.lua"] = ROUTE },
    }
  end

  local function order(kind, n)
    local file = assert(io.open(folder .. "/order", "r+b"))
    file:write(string.pack("<i4i4", kind, n))
    file:close()
  end

  local function is_over()
    return select(2, string.unpack("<i4i4", helpers.read_file(folder .. "/order"))) <= 0
  end

  setup(function()
    folder = helpers.temporary_folder()
    helpers.write_file(folder .. "/order", ("\0"):rep(8))
    acknowledged = 0
    start()
  end)
  teardown(function()
    s:kill()
    helpers.remove_folder(folder)
  end)

  local function gzipped(count)
    local lines = {}
    for i = 1, count do
      lines[i] = ('{"request_id":"%d-%d","timestamp":%d,"note":"%s"}'):format(acknowledged, i,
        os.time() - (i % 2) * 5 * 86400, ("n"):rep(400))
    end
    return helpers.gzip(table.concat(lines, "\n"))
  end

  local function batch()
    return {
      method = "POST", path = "/logs/ingest", body = gzipped(100),
      headers = { ["content-type"] = "application/x-ndjson", ["content-encoding"] = "gzip" },
    }
  end

  --- The status of a request on a connection of its own; nil where that was refused.
  local function ask(r)
    local ok, response = pcall(function()
      local connection <close> = s:raw()
      r.host = "localhost"
      connection:send(connection.request_text(r))
      return connection:response(r.method)
    end)
    return ok and response and response.status or nil
  end

  local function wait_for_upkeep()
    helpers.eventually(function()
      return ask { path = "/-/upkeep" } ~= 202
    end)
  end

  --- Everything that asks the system for something; the statuses.
  local function ask_all()
    local statuses = {}
    local function add(status)
      statuses[#statuses + 1] = status or "closed"
    end
    local status = ask(batch())
    acknowledged = acknowledged + (status == 200 and 1 or 0)
    add(status)
    for _, path in ipairs {
      "/logs/query?limit=200", "/logs/analytics", "/logs/export?format=csv&start_time=0",
      "/refused", "/metrics", "/dashboard", "/logs/entries?order_by=model",
    } do
      add(ask { path = path })
    end
    for _, path in ipairs { "/-/backup", "/-/verify?full=true" } do
      add(ask { method = "POST", path = path, body = "" })
      wait_for_upkeep()
    end
    add(ask { method = "POST", path = "/-/reload", body = "" })
    return statuses
  end

  local function is_fine(statuses)
    for _, status in ipairs(statuses) do
      if status ~= 200 and status ~= 202 then
        return false
      end
    end
    return true
  end

  --- One call is refused; the statuses meanwhile, and whether there were so many calls.
  local function ask_refused(kind, n)
    order(kind, n)
    local statuses = ask_all()
    local reached = is_over()
    order(0, 0)
    local text = ("%s %d: %s"):format(KINDS[kind], n, table.concat(statuses, " "))
    assert.is_false(s.process:has_ended(), text .. s:log():sub(-600))
    for _, status in ipairs(statuses) do
      assert.is_true(status == "closed" or status < 300 or status >= 409, text)
    end
    assert.equal(100 * acknowledged, s:get("/logs/entries?limit=1").json().total_count, text)
    return statuses, reached
  end

  for kind, name in ipairs(KINDS) do
    it("costs no more than what asked for it: " .. name, function()
      helpers.eventually(function() return is_fine(ask_all()) end)
      local n, reloads = 0, 0
      repeat
        n = n + 1
        local statuses, reached = ask_refused(kind, n)
        reloads = reloads + (statuses[#statuses] == 422 and 1 or 0)
      until not reached or reloads == RELOADS
      assert.is_true(n > 1)
      helpers.eventually(function() return is_fine(ask_all()) end)
    end)
  end
end)
