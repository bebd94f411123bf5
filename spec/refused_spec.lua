--- What the system refuses costs the request that asked for it; when it is there
--- again, so is the answer.
local helpers = require "spec.helpers"
local http = require "spec.helpers.http"
local server = require "spec.helpers.server"

local function query(s)
  return s:get "/logs/query?limit=1"
end

local REQUEST = "GET /logs/query?limit=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"

local function ingest(s, id)
  return s:post("/logs/ingest", ('{"request_id":"%s","timestamp":1750000000}'):format(id),
    { ["content-type"] = "application/json" })
end

describe("a database file that cannot be read", function()
  local folder, s

  -- What a stop leaves is in the file itself, not in its log.
  before_each(function()
    folder = helpers.temporary_folder()
    s = server.start { database = folder .. "/a.db" }
    assert.equal(200, ingest(s, "a").status)
    s:stop()
    s = server.start { database = folder .. "/a.db" }
  end)
  after_each(function()
    s:stop()
    helpers.remove_folder(folder)
  end)

  local function is_told()
    local response = query(s)
    assert.equal(503, response.status)
    assert.equal("string", type(response.json().detail))
    assert.equal(200, s:get("/health/live").status)
  end

  it("because it was removed is 503, and 200 when it is back", function()
    assert(os.rename(s.database, s.database .. ".away"))
    is_told()
    assert.truthy(s:log():find("cannot be opened for reading", 1, true), s:log())
    assert(os.rename(s.database .. ".away", s.database))
    assert.equal(200, query(s).status)
  end)

  it("because it was cut is 503", function()
    os.execute("truncate -s 4096 " .. helpers.quote(s.database))
    is_told()
  end)
end)

describe("a database file under a running server", function()
  local folder, s

  before_each(function()
    folder = helpers.temporary_folder()
    s = server.start { database = folder .. "/a.db" }
    assert.equal(200, ingest(s, "first").status)
  end)
  after_each(function()
    s:stop()
    helpers.remove_folder(folder)
  end)

  local function assert_told(words)
    for path, response in pairs {
      ingest = ingest(s, "second"), ready = s:get "/health/ready", health = s:get "/health",
    } do
      assert.equal(503, response.status, path)
      assert.truthy(response.body:find(words, 1, true), path .. ": " .. response.body)
    end
    assert.equal(200, s:get("/health/live").status)
  end

  it("that is removed takes nothing more in, until it is put back", function()
    assert(os.rename(s.database, s.database .. ".away"))
    assert_told "was removed or replaced under the server: put it back"
    assert(os.rename(s.database .. ".away", s.database))
    assert.equal(200, ingest(s, "third").status)
    assert.equal(200, s:get("/health/ready").status)
  end)

  it("that is replaced is not written to", function()
    os.execute(("cd %s && cp a.db b.db && mv b.db a.db"):format(helpers.quote(folder)))
    local before = helpers.read_file(s.database)
    assert_told "was removed or replaced under the server"
    assert.equal(before, helpers.read_file(s.database))
  end)

  it("that loses its log takes nothing more in", function()
    assert(os.remove(s.database .. "-wal"))
    assert_told "(-wal) was removed"
  end)

  it("that is cut takes nothing more in, whatever its size is later", function()
    s:stop()
    s = server.start { database = folder .. "/a.db" }
    os.execute("truncate -s 0 " .. helpers.quote(s.database))
    assert_told "was cut under the server: stop it and restore a backup"
    os.execute("truncate -s 10M " .. helpers.quote(s.database))
    assert_told "was cut"
  end)
end)

describe("descriptors that are used up", function()
  -- Under the limit's own clamp, so that the sockets take what the store would need.
  local LIMIT = 512

  it("refuse new connections, and the store has its own", function()
    local s <close> = server.start {
      wrap = { "prlimit", "--nofile=" .. LIMIT .. ":" .. LIMIT },
      config = "config.limits.connections = 10000",
    }
    local clients = {}
    for i = 1, LIMIT do
      clients[i] = s:raw ""
    end
    assert.truthy(s:log():find("limits.connections", 1, true), s:log())
    local open =
      server.eventually(function() return s:log():find("a connection was refused", 1, true) end)
    assert.truthy(open, s:log())
    clients[1]:send(REQUEST)
    local first = assert(clients[1]:response())
    assert.equal(200, first.status, first.body .. s:log())
    for i = 2, LIMIT do
      clients[i]:close()
    end
    server.eventually(function()
      local ok, response = pcall(query, s)
      return ok and response.status == 200
    end)
    clients[1]:close()
  end)
end)

describe("descriptors beside many parts", function()
  local LIMIT, DAYS = 512, 40

  it("are kept for these, whatever connections take", function()
    local s <close> = server.start {
      wrap = { "prlimit", "--nofile=" .. LIMIT .. ":" .. LIMIT },
      config = "config.storage.hot_days = 2 config.limits.connections = 10000 "
        .. "config.storage.query_deadline_ms = 120000",
    }
    local list, today = {}, os.time() // 86400 * 86400
    for day = 1, DAYS do
      for i = 1, 3 do
        list[#list + 1] = { request_id = day .. "-" .. i, timestamp = today - (day + 2) * 86400 + i,
          client_ip = "10.0.0." .. day, tokens_input = i }
      end
    end
    s:ingest(list)
    server.eventually(function()
      return select(2, s:log():gsub('msg="a day is sealed"', "")) == DAYS
    end)
    local clients = {}
    for i = 1, LIMIT do
      clients[i] = s:raw ""
    end
    server.eventually(function() return s:log():find("a connection was refused", 1, true) end)
    local targets = {
      "/logs/breakdown?by=client_ip&start_time=0", "/logs/entries?order_by=tokens_input",
      "/logs/export?format=csv&start_time=0",
    }
    for i = 1, 12 do
      clients[i]:send(("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"):format(targets[i % 3 + 1]))
    end
    for i = 1, 12 do
      assert.equal(200, assert(clients[i]:response()).status)
    end
    for i = 1, LIMIT do
      clients[i]:close()
    end
    s:stop()
    assert.falsy(s.final_log:find("Too many open files.-parquet"))
  end)
end)

describe("memory of a size that somebody else chooses", function()
  local MiB = 1024 * 1024
  local s

  local function limit(bytes)
    assert(os.execute(("prlimit --pid %d --as=%s:"):format(s.pid, bytes)))
  end

  -- From now on so many bytes more can be had.
  local function leave(bytes)
    local pages = helpers.read_file("/proc/" .. s.pid .. "/statm"):match "%d+"
    limit(math.tointeger(pages * 4096 + bytes))
  end

  -- What AddressSanitizer makes for a thread that runs for the first time is no memory of ours.
  local sanitizer = os.getenv "ASAN_OPTIONS"
  local wrap = sanitizer
    and { "env", "ASAN_OPTIONS=" .. sanitizer .. ":detect_stack_use_after_return=0" } or {}

  before_each(function()
    s = http.start { wrap = wrap }
    os.execute(("truncate -s 48M %s/static/big.bin"):format(helpers.quote(s.root)))
    assert.equal(200, http.exchange(s, http.bytes "GET /t/show HTTP/1.1")[1].status)
  end)
  after_each(function() s:stop() end)

  local function post(headers, body)
    return http.bytes("POST /t/echo HTTP/1.1", headers .. "Content-Length: " .. #body .. "\r\n",
      body)
  end

  -- Which grow from 32 MiB to 64.
  local CASES = {
    { "a body", post("", ("x"):rep(32 * MiB + 1000)) },
    { "what a body inflates to",
      post("Content-Encoding: gzip\r\n", helpers.gzip(("x"):rep(33 * MiB))) },
    { "a file", http.bytes "GET /t/file/big.bin HTTP/1.1" },
  }

  for _, case in ipairs(CASES) do
    it("is refused to that client, and given again when there is some: " .. case[1], function()
      leave(24 * MiB)
      assert.equal(503, http.exchange(s, case[2])[1].status)
      assert.equal(200, s:get("/health/live").status)
      limit "unlimited"
      local status = http.exchange(s, case[2])[1].status
      assert.is_true(status == 200 or status == 500, status) -- 500: more than a script may hold
    end)
  end
end)

describe("files that may not grow", function()
  it("refuse records, and the server is ready by itself when they may", function()
    local s <close> = server.start()
    local function limit(bytes)
      os.execute(("prlimit --pid %d --fsize=%s:unlimited"):format(s.pid, bytes))
    end
    assert.equal(200, ingest(s, "a").status)
    limit(4096)
    assert.equal(503, ingest(s, "b").status)
    assert.equal(503, s:get("/health/ready").status)
    limit "unlimited"
    helpers.eventually(function() return s:get("/health/ready").status == 200 end)
    assert.equal(200, ingest(s, "b").status)
    assert.equal(2, s:get("/logs/entries?limit=1").json().total_count)
    s:stop()
  end)
end)

describe("what the server makes", function()
  it("is its owner's alone", function()
    local folder = helpers.temporary_folder()
    local s <close> = server.start { database = folder .. "/below/a.db" }
    assert.equal(200, ingest(s, "a").status)
    local list =
      io.popen(("cd %s && stat -c '%%a %%n' below below/a.db*"):format(helpers.quote(folder)))
    for line in list:lines() do
      assert.truthy(line == "700 below" or line:find "^600 below/a%.db", line)
    end
    list:close()
    s:stop()
    helpers.remove_folder(folder)
  end)
end)
