--- What clients do not read is bounded together: limits.out_bytes.
local helpers = require "spec.helpers"
local http = require "spec.helpers.http"

local MiB = 1024 * 1024
local LIMIT, ROWS, PATH_BYTES, CLIENTS, READERS = 40 * MiB, 1500, 3000, 40, 2
local KERNEL_BYTES = 5 * MiB -- at most, of one socket's

local CONFIG = [[
config.limits.out_bytes = 40 * 1024 * 1024
config.limits.record_bytes = 65536
config.storage.readers = 2
config.storage.hot_days = 0 -- nobody seals meanwhile
]]

local function fill(s)
  local lines = {}
  for i = 1, ROWS do
    lines[i] = ('{"request_id":"r%d","timestamp":%d,"path":"/%s"}')
      :format(i, 1750000000 + i, ("x"):rep(PATH_BYTES))
  end
  local response = s:post("/logs/ingest", table.concat(lines, "\n"),
    { ["content-type"] = "application/x-ndjson" })
  assert.equal(200, response.status)
end

local function figure(s, name)
  return tonumber(s:get("/metrics").body:match("\n" .. name .. " (%S+)\n"))
end

for _, workers in ipairs { 1, 2 } do
  describe("clients that do not read, with " .. workers .. " loops,", function()
    local s, size, before
    setup(function()
      s = http.start { config = CONFIG, workers = workers }
      fill(s)
      size = #s:get("/logs/query?limit=10000").body
      before = s:resident_kib() * 1024
    end)
    teardown(function() s:stop() end)

    it("cost the limit together, and nobody who reads", function()
      local stream = s:stream "/logs/stream?replay=0"
      stream:event()
      local clients, most_waiting, most_resident = {}, 0, 0
      for i = 1, CLIENTS do
        clients[i] = s:raw()
        clients[i].socket:setoption("recv-buffer-size", 65536)
        clients[i]:send(http.bytes "GET /logs/query?limit=10000 HTTP/1.1")
        assert.equal(200, assert(clients[i]:head()).status)
        most_waiting = math.max(most_waiting, figure(s, "moonledger_http_waiting_bytes"))
        most_resident = math.max(most_resident, s:resident_kib() * 1024)
      end
      assert.is_true(CLIENTS * (size - KERNEL_BYTES) > 3 * LIMIT)
      assert.is_true(most_waiting > size - KERNEL_BYTES and most_waiting <= LIMIT)
      -- what a reader makes, there twice while it grows; and of what a thread has freed the
      -- allocator keeps as much for its next
      local made = 2 * size * (1 + READERS + workers)
      -- sanitizers keep what is freed
      assert.is_true(most_resident - before < LIMIT + made or os.getenv "SANITIZE" ~= nil,
        ("%d MiB more"):format((most_resident - before) // MiB))
      assert.is_true(figure(s, "moonledger_http_given_up_total") > CLIENTS // 2)
      -- but for the digits of the time that it took
      assert.near(size, #s:get("/logs/query?limit=10000").body, 16)
      assert.truthy(s:log():find("limits.out_bytes", 1, true))
      local last = s:post("/logs/ingest", '{"request_id":"last","timestamp":1760000000}',
        { ["content-type"] = "application/json" })
      assert.equal(200, last.status)
      repeat
        local event = assert(stream:event())
      until event.data:find('"last"', 1, true)
      stream:close()
      for _, client in ipairs(clients) do
        client:close()
      end
      helpers.eventually(function() return figure(s, "moonledger_http_waiting_bytes") == 0 end)
    end)
  end)
end
