--- Sizes, times and numbers that a client cannot exceed.
local socket = require "socket"
local helpers = require "spec.helpers"
local http = require "spec.helpers.http"

local SMALL = [[
config.limits = {
  body_bytes = 100000, in_flight_bytes = 150000,
  request_line_bytes = 500, header_bytes = 2000, header_fields = 20,
  header_ms = 1000, body_ms = 500, body_bytes_per_second = 2000, idle_ms = 1000, connections = 20,
}
config.script.memory_bytes = 256 * 1024 * 1024
]]

local function post(length, body)
  return http.bytes("POST /t/echo HTTP/1.1", ("Content-Length: %d\r\n"):format(length), body)
end

for _, workers in ipairs { 1, 2 } do
  describe("a limit, with " .. workers .. " loops,", function()
    local s
    lazy_setup(function() s = http.start { config = SMALL, workers = workers } end)
    lazy_teardown(function() s:stop() end)

    local ENDED = {
      { "a long request line is 414", http.bytes("GET /" .. ("x"):rep(500) .. " HTTP/1.1"), 414 },
      { "a request line without end is 414", "GET /" .. ("x"):rep(600), 414 },
      { "a long header is 431",
        http.bytes("GET /t/show HTTP/1.1", "X: " .. ("x"):rep(2000) .. "\r\n"), 431 },
      { "a header without end is 431", "GET /t/show HTTP/1.1\r\nX: " .. ("x"):rep(3000), 431 },
      { "too many headers are 431", http.bytes("GET /t/show HTTP/1.1", ("X: 1\r\n"):rep(20)), 431 },
      { "100,000 headers are 431", http.bytes("GET /t/show HTTP/1.1", ("X: 1\r\n"):rep(100000)),
        431 },
      { "a large body is 413", post(100001, ("x"):rep(100001)), 413 },
      { "a head that does not arrive is 408", "GET /t/show HTTP/1.1\r\nHo", 408 },
      { "a body that does not arrive is 408", post(1000, "abc"), 408 },
    }
    for _, case in ipairs(ENDED) do
      it("holds: " .. case[1], function()
        local response, closed = http.last_exchange(s, case[2])
        assert.same({ case[3], "close", true },
          { response.status, response.headers.connection, closed })
      end)
    end

    it("is not reached by what is just within it", function()
      local headers = ("X: 1\r\n"):rep(19)
      assert.same(200, http.exchange(s, http.bytes("GET /t/show HTTP/1.1", headers))[1].status)
      assert.same(404,
        http.exchange(s, http.bytes("GET /" .. ("x"):rep(484) .. " HTTP/1.1"))[1].status)
      assert.same(100000, #http.exchange(s, post(100000, ("x"):rep(100000)))[1].body)
    end)

    it("is not reached by what is just within it wherever its head is cut", function()
      local head = http.bytes("GET /t/show HTTP/1.1", ("X: 1\r\n"):rep(19))
      for cut = #head - 4, #head - 1 do
        local connection <close> = s:raw(head:sub(1, cut))
        assert.same(404, s:get("/t/none").status) -- the loop has taken that piece
        connection:send(head:sub(cut + 1))
        assert.same(200, connection:response().status, cut)
      end
    end)

    it("does not touch a body that comes slowly but steadily", function()
      local connection <close> = s:raw(post(40000))
      for _ = 1, 40 do
        connection:send(("x"):rep(1000))
        socket.sleep(0.025)
      end
      assert.same(40000, #connection:response().body)
    end)

    it("ends a body that drips", function()
      local connection <close> = s:raw(post(40000))
      local response
      repeat
        connection:send "x"
        response = connection:response(nil, 0.05)
      until response
      assert.same(408, response.status)
    end)

    it("ends an idle connection without a word", function()
      local fresh <close> = s:raw()
      local used <close> = s:raw(http.bytes "GET /t/show HTTP/1.1")
      assert.same(200, used:response().status)
      assert.same("", fresh:rest())
      assert.same("", used:rest())
    end)

    it("bounds all bodies together: 503 with Retry-After, and room again afterwards", function()
      local refused = helpers.eventually(function()
        local first <close> = s:raw(post(90000, ("x"):rep(80000)))
        local response = http.exchange(s, post(90000, ("x"):rep(90000)))[1]
        return response.status == 503 and first and response
      end)
      assert.same("1", refused.headers["retry-after"])
      helpers.eventually(function()
        return http.exchange(s, post(90000, ("x"):rep(90000)))[1].status == 200
      end)
    end)

    it("bounds the connections: 503 beyond", function()
      local open = {}
      local function has_refused(connection)
        return (connection:line(0) or ""):find("^HTTP/1.1 503 ")
      end
      for i = 1, 25 do
        open[i] = s:raw()
      end
      helpers.eventually(function()
        for _, connection in ipairs(open) do
          if has_refused(connection) then
            return true
          end
        end
      end)
      for _, connection in ipairs(open) do
        connection:close()
      end
      helpers.eventually(function()
        return http.exchange(s, http.bytes "GET /t/show HTTP/1.1")[1].status == 200
      end)
    end)

    it("ends a client that does not read its answer", function()
      local connection <close> = s:raw(http.bytes "GET /t/big?n=30000000 HTTP/1.1")
      helpers.eventually(function()
        return s:get("/metrics").body:find "\nmoonledger_http_connections 1\n"
      end)
      assert.same(200, connection:head().status)
    end)

    it("stops reading from a client that only sends", function()
      local connection <close> = s:raw()
      local bytes, sent = http.bytes("GET /t/big?n=100000 HTTP/1.1"):rep(1000), 0
      connection.socket:settimeout(0.2)
      repeat
        local last, _, partial = connection.socket:send(bytes)
        sent = sent + (last or partial)
      until not last or sent > 200e6
      assert.is_true(sent < 50e6)
    end)
  end)
end

describe("limits in config.lua #loops", function()
  it("count from the reload on", function()
    local s = http.start()
    local line = http.bytes("GET /" .. ("x"):rep(1000) .. " HTTP/1.1")
    assert.same(404, http.exchange(s, line)[1].status)
    local path = s.root .. "/config.lua"
    local text = helpers.read_file(path)
    local change = "config.limits.request_line_bytes = 500\nreturn config\n"
    helpers.write_file(path, (text:gsub("return config%s*$", change)))
    s:signal "HUP"
    helpers.eventually(function()
      s:get "/t/show"
      return http.exchange(s, line)[1].status == 414
    end)
    s:stop()
  end)
end)
