--- One connection, many requests: order, methods, ends.
local helpers = require "spec.helpers"
local http = require "spec.helpers.http"

local show, slow = http.bytes "GET /t/show HTTP/1.1", http.bytes "GET /t/slow HTTP/1.1"

local function statuses(responses)
  local list = {}
  for i, response in ipairs(responses) do
    list[i] = response.status
  end
  return list
end

for _, workers in ipairs { 1, 2 } do
  describe("a connection, with " .. workers .. " loops,", function()
    local s
    lazy_setup(function() s = http.start { workers = workers } end)
    lazy_teardown(function() s:stop() end)

    it("answers pipelined requests in their order, slow ones among them", function()
      local bytes = {}
      for i = 1, 12 do
        bytes[i] = i % 4 == 0 and slow or http.bytes("GET /t/show/" .. i .. "/and/x HTTP/1.1")
      end
      for i, response in ipairs(http.exchange(s, table.concat(bytes), 12)) do
        if i % 4 == 0 then
          assert.same("slow", response.body)
        else
          assert.same("a=" .. i .. " b=x", response.json().params)
        end
      end
    end)

    it("sends long answers whole and in their order, and ends only behind the last", function()
      local long = "GET /t/big?n=3000000 HTTP/1.1"
      local bytes = http.bytes(long) .. show .. http.bytes(long)
        .. http.bytes(long, "Connection: close\r\n")
      local connection <close> = s:raw(bytes)
      assert.same(200, s:get("/t/show").status)
      local body = ("0123456789"):rep(300000)
      for i = 1, 4 do
        local response = connection:response()
        assert.is_true(i == 2 and response.json().path == "/t/show" or response.body == body)
      end
      assert.same("", connection:rest())
    end)

    it("answers thousands of pipelined requests", function()
      local last = http.bytes("GET /t/show HTTP/1.1", "Connection: close\r\n")
      local connection <close> = s:raw(show:rep(4999) .. last)
      local _, answers = connection:rest():gsub("HTTP/1.1 200 OK\r\n", "")
      assert.same(5000, answers)
    end)

    it("takes many connections at once", function()
      local connections = {}
      for i = 1, 200 do
        connections[i] = s:raw(slow)
      end
      for _, connection in ipairs(connections) do
        assert.same("slow", connection:response().body)
        connection:close()
      end
    end)

    it("ends after Connection: close, whatever follows", function()
      local closing = http.bytes("GET /t/show HTTP/1.1", "Connection: close\r\n")
      local response, closed = http.last_exchange(s, closing .. show)
      assert.same("close", response.headers.connection)
      assert.is_true(closed)
    end)

    it("answers a client that has ended its side", function()
      local connection <close> = s:raw(slow .. slow)
      connection:shutdown()
      assert.same("slow", connection:response().body)
      assert.same("slow", connection:response().body)
      assert.is_true(connection:is_closed())
    end)

    it("outlives clients that leave in the middle", function()
      for _, bytes in ipairs {
        slow, http.bytes "GET /t/pieces?n=500 HTTP/1.1", http.bytes "GET /t/big?n=3000000 HTTP/1.1",
        "GET /t",
        http.bytes("POST /t/echo HTTP/1.1", "Content-Length: 9\r\n", "abc"),
        http.bytes "GET /logs/stream HTTP/1.1",
      } do
        for _ = 1, 10 do
          s:raw(bytes):close()
        end
      end
      helpers.eventually(function()
        return s:get("/metrics").body:find "\nmoonledger_http_connections 1\n"
      end)
    end)
  end)
end

describe("HTTP/1.0", function()
  local s
  lazy_setup(function() s = http.start() end)
  lazy_teardown(function() s:stop() end)

  it("ends the connection after the answer, and needs no Host", function()
    local response, closed = http.last_exchange(s, "GET /t/show HTTP/1.0\r\n\r\n")
    assert.same({ 200, "close", true }, { response.status, response.headers.connection, closed })
  end)

  it("keeps it where that was asked for", function()
    local bytes = "GET /t/show HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    local responses = http.exchange(s, bytes .. bytes, 2)
    assert.same({ 200, 200 }, statuses(responses))
    assert.same("keep-alive", responses[1].headers.connection)
  end)

  it("gets an answer of unknown length without chunks", function()
    local response = http.exchange(s, "GET /t/pieces HTTP/1.0\r\n\r\n")[1]
    assert.is_nil(response.headers["transfer-encoding"])
    assert.same(500000, #response.body)
  end)

  it("has no expectations", function()
    local response =
      http.exchange(s, "POST /t/echo HTTP/1.0\r\nExpect: magic\r\nContent-Length: 3\r\n\r\nabc")[1]
    assert.same({ 200, {} }, { response.status, response.interim })
  end)
end)

describe("methods and paths", function()
  local s
  lazy_setup(function() s = http.start() end)
  lazy_teardown(function() s:stop() end)

  it("HEAD has the headers of GET and no body", function()
    for _, path in ipairs { "/t/show", "/t/big", "/t/file/dashboard/index.html", "/nowhere",
        "/logs/query" } do
      local get = s:get(path)
      local head = s:request { method = "HEAD", path = path }
      assert.same({ get.status, get.headers["content-type"], "" },
        { head.status, head.headers["content-type"], head.body })
      assert.is_truthy(head.headers["content-length"])
    end
    assert.same(200, s:request({ method = "HEAD", path = "/t/pieces" }).status)
    assert.same(200, s:request({ method = "HEAD", path = "/logs/stream" }).status)
    assert.same(200, s:get("/t/show").status)
  end)

  it("OPTIONS names the methods of every path", function()
    local expected = {
      ["/t/show"] = "GET, HEAD, OPTIONS", ["/t/echo"] = "POST, OPTIONS",
      ["/logs/stream"] = "GET, HEAD, OPTIONS",
    }
    for path, allow in pairs(expected) do
      local response = s:request { method = "OPTIONS", path = path }
      assert.same({ 204, allow, "" }, { response.status, response.headers.allow, response.body })
      assert.is_nil(response.headers["content-length"])
    end
    assert.same(204, s:request({ method = "OPTIONS", path = "*" }).status)
    assert.same(404, s:request({ method = "OPTIONS", path = "/nowhere" }).status)
  end)

  it("another method of a path is 405 and names those it has", function()
    for _, method in ipairs { "DELETE", "PUT", "PATCH", "PROPFIND", "TRACE" } do
      local response = s:request { method = method, path = "/t/show" }
      assert.same({ 405, "GET, HEAD, OPTIONS" }, { response.status, response.headers.allow })
      assert.same({
        detail = "Method Not Allowed",
        error = { type = "invalid_request_error", message = "Method Not Allowed" },
      }, response.json())
    end
  end)

  it("what is posted is served with slashes too many, and a path around an endpoint names it",
      function()
    for _, path in ipairs { "/v1/logs/", "//v1/logs", "//v1//logs//?a=b" } do
      assert.same(200, s:post(path, "{}", { ["content-type"] = "application/json" }).status)
    end
    for _, path in ipairs { "/v1/logs/v1/logs", "/v1/v1/logs", "//otel/v1/logs/" } do
      local response = s:post(path, "{}", { ["content-type"] = "application/json" })
      assert.same({ 404, "Not Found; the endpoint is /v1/logs" },
        { response.status, response.json().detail })
    end
    assert.same("Not Found", s:post("/v1/nothing/", "{}").json().detail)
    assert.same(405, s:post("//logs//query/", "{}").status)
  end)

  it("a slash too many is redirected where the path without it exists", function()
    local response = s:get "/t/show/?a=b%20c"
    assert.same({ 307, "/t/show?a=b%20c" }, { response.status, response.headers.location })
    assert.same("/t/show/%C3%A9/and/%25", s:get("/t/show/%C3%A9/and/%25/").headers.location)
    for _, path in ipairs { "/logs/", "/nowhere/", "/t/show//", "//t/show/", "//evil.example/" } do
      assert.same(404, s:get(path).status)
    end
  end)

  it("an unknown path is 404", function()
    assert.same(
      { detail = "Not Found", error = { type = "not_found_error", message = "Not Found" } },
      s:get("/nowhere").json())
  end)
end)

describe("every answer", function()
  local s
  lazy_setup(function() s = http.start() end)
  lazy_teardown(function() s:stop() end)

  it("carries a date and the headers that browsers heed", function()
    for _, path in ipairs { "/t/show", "/nowhere", "/t/file/dashboard/index.html" } do
      local headers = s:get(path).headers
      assert.matches("^%a%a%a, %d%d %a%a%a %d%d%d%d %d%d:%d%d:%d%d GMT$", headers.date)
      assert.same({ "nosniff", "same-origin" },
        { headers["x-content-type-options"], headers["cross-origin-resource-policy"] })
    end
  end)

  it("takes the client's request id over where it is harmless", function()
    for _, id in ipairs { "abc", "a.b-c_d:e/f", ("x"):rep(128) } do
      local response = s:get("/t/show", { ["x-request-id"] = id })
      assert.same({ id, id }, { response.headers["x-request-id"], response.json().id })
    end
    for _, id in ipairs { "", "a b", 'a"b', "é", ("x"):rep(129) } do
      local given = s:get("/t/show", { ["x-request-id"] = id }).headers["x-request-id"]
      assert.matches("^%x+%-%x+%-7%x+%-%x+%-%x+$", given)
    end
  end)

  it("has a request id also when it is an error", function()
    for _, bytes in ipairs { "BAD\r\n\r\n", http.bytes "GET /nowhere HTTP/1.1" } do
      assert.matches("^%x+%-", http.exchange(s, bytes)[1].headers["x-request-id"])
    end
  end)

  it("cannot be split by a handler's header", function()
    for _, value in ipairs { "a%0D%0Ab:%20c", "a%0Ab", "a%00b" } do
      local response = s:get("/t/headers?value=" .. value)
      assert.same(500, response.status)
      assert.is_nil(response.headers.b)
    end
    for _, name in ipairs { "content-length", "Transfer-Encoding", "connection", "a%20b", "" } do
      assert.same(500, s:get("/t/headers?value=1&name=" .. name).status)
    end
    assert.truthy(s:log():find("header 'content-length', which the server writes itself", 1, true))
    assert.same("fine", s:get("/t/headers?value=fine").headers["x-test"])
  end)

  it("is compressed for those who take gzip, where that is worth it", function()
    local function coding(accept, path)
      return s:get(path or "/t/big", { ["accept-encoding"] = accept }).headers["content-encoding"]
    end
    for _, accept in ipairs { "gzip", "deflate, gzip;q=0.5", "*", "GZIP", "br, *;q=0.1" } do
      assert.same("gzip", coding(accept))
    end
    for _, accept in ipairs { "br", "gzip;q=0", "gzip; q=0.000", "*;q=0", "gzipped", "identity" } do
      assert.is_nil(coding(accept))
    end
    assert.is_nil(coding("gzip", "/t/big?n=500"))
    assert.matches("Accept%-Encoding", s:get("/t/big").headers.vary)
  end)

  it("is the same after decompression, short or long", function()
    for _, n in ipairs { 2000, 100000, 3000000 } do
      local plain = s:get("/t/big?n=" .. n).body
      assert.same(n, #plain)
      assert.is_true(plain
        == helpers.gunzip(s:get("/t/big?n=" .. n, { ["accept-encoding"] = "gzip" }).body))
    end
  end)

  it("is the same after decompression when it comes in pieces, short or long or both in turn",
      function()
    for _, query in ipairs { "n=0", "n=20", "n=20&bytes=200000",
        "n=40&bytes=70000&every_other=5" } do
      local plain = s:get("/t/pieces?" .. query)
      local packed = s:get("/t/pieces?" .. query, { ["accept-encoding"] = "gzip" })
      assert.same("gzip", packed.headers["content-encoding"])
      assert.is_nil(plain.headers["content-encoding"])
      assert.matches("Accept%-Encoding", plain.headers.vary)
      assert.is_true(plain.body == helpers.gunzip(packed.body))
    end
  end)

  it("in compressed pieces may be left by its client at any time", function()
    for _, query in ipairs { "n=100000", "n=1000&bytes=300000" } do
      local leaver =
        s:raw(http.bytes("GET /t/pieces?" .. query .. " HTTP/1.1", "Accept-Encoding: gzip\r\n"))
      leaver:bytes(100)
      leaver:close()
    end
    assert.same(200, s:get("/t/show").status)
  end)
end)

describe("the end of the server", function()
  it("lets requests in hand finish and closes the rest", function()
    for _, workers in ipairs { 1, 2 } do
      local s = http.start { workers = workers }
      local busy, idle = {}, {}
      for i = 1, 8 do
        busy[i], idle[i] = s:raw(slow), s:raw(show)
        assert.same(200, idle[i]:response().status)
      end
      s:signal "TERM"
      for i = 1, 8 do
        assert.same("slow", busy[i]:response().body)
        assert.is_true(busy[i]:is_closed() and idle[i]:is_closed())
        busy[i]:close()
        idle[i]:close()
      end
      assert.same(0, s.process:wait(10))
      s:stop()
    end
  end)
end)
