--- What notes on llhttp 8.1 call questionable, and what must be said to it.
local http = require "spec.helpers.http"

local get, post = "GET /t/show HTTP/1.1", "POST /t/echo HTTP/1.1"
local chunked = "Transfer-Encoding: chunked\r\n"

local REFUSED = {
  { "Content-Length beside Transfer-Encoding",
    http.bytes(post, "Content-Length: 3\r\n" .. chunked, "0\r\n\r\n") },
  { "an empty Transfer-Encoding", http.bytes(post, "Transfer-Encoding:\r\n") },
  { "an empty Transfer-Encoding beside Content-Length",
    http.bytes(post, "Transfer-Encoding:\r\nContent-Length: 3\r\n", "abc") },
  { "an empty Transfer-Encoding behind Content-Length",
    http.bytes(post, "Content-Length: 3\r\nTransfer-Encoding: \t\r\n", "abc") },
  { "Transfer-Encoding: gzip, chunked",
    http.bytes(post, "Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n") },
  { "Transfer-Encoding: gzip", http.bytes(post, "Transfer-Encoding: gzip\r\n") },
  { "Transfer-Encoding: xchunked", http.bytes(post, "Transfer-Encoding: xchunked\r\n") },
  { "Content-Length twice", http.bytes(post, "Content-Length: 3\r\nContent-Length: 3\r\n", "abc") },
  { "Content-Length: +3", http.bytes(post, "Content-Length: +3\r\n", "abc") },
  { "Content-Length: 3,3", http.bytes(post, "Content-Length: 3,3\r\n", "abc") },
  { "Content-Length: -1", http.bytes(post, "Content-Length: -1\r\n") },
  { "a Content-Length beyond 64 bits",
    http.bytes(post, "Content-Length: 99999999999999999999999\r\n") },
  { "bare LF after the request line", "GET /t/show HTTP/1.1\nHost: localhost\r\n\r\n" },
  { "bare LF after a header", "GET /t/show HTTP/1.1\r\nHost: localhost\n\r\n" },
  { "bare LF as the end of the head", "GET /t/show HTTP/1.1\r\nHost: localhost\r\n\n" },
  { "LF after a chunk's size", http.bytes(post, chunked, "3\nabc\r\n0\r\n\r\n") },
  { "0x before a chunk's size", http.bytes(post, chunked, "0x3\r\nabc\r\n0\r\n\r\n") },
  { "a blank after a chunk's size", http.bytes(post, chunked, "3 \r\nabc\r\n0\r\n\r\n") },
  { "CR and another byte after a chunk's size", http.bytes(post, chunked, "3\rXabc\r\n0\r\n\r\n") },
  { "a chunk that does not end in CRLF", http.bytes(post, chunked, "3\r\nabcXX0\r\n\r\n") },
  { "a chunk's size beyond 64 bits",
    http.bytes(post, chunked, "fffffffffffffffff\r\nabc\r\n0\r\n\r\n") },
  { "a folded trailer", http.bytes(post, chunked, "0\r\nX: a\r\n b\r\n\r\n") },
  { "a trailer that begins with a blank", http.bytes(post, chunked, "0\r\n X: a\r\n\r\n") },
  { "a trailer folded with a TAB", http.bytes(post, chunked, "0\r\nX: a\r\n\tb\r\n\r\n") },
  { "bare LF behind a trailer", http.bytes(post, chunked, "0\r\nX: a\nY: b\r\n\r\n") },
  { "bare LF as the end of trailers", http.bytes(post, chunked, "0\r\nX: a\r\n\n") },
  { "bare LF behind the last chunk", http.bytes(post, chunked, "0\r\n\n") },
  { "CR and another byte behind a trailer", http.bytes(post, chunked, "0\r\nX: a\rY\n\r\n") },
  { "CR and another byte at the end", http.bytes(post, chunked, "0\r\n\rX") },
  { "a trailer without a name", http.bytes(post, chunked, "0\r\n: a\r\n\r\n") },
  { "a trailer without a colon", http.bytes(post, chunked, "0\r\nX\r\n\r\n") },
  { "a blank in a trailer's name", http.bytes(post, chunked, "0\r\nX : a\r\n\r\n") },
  { "NUL in a trailer", http.bytes(post, chunked, "0\r\nX: a\0\r\n\r\n") },
  { "NUL in a header", http.bytes(get, "X: a\0b\r\n") },
  { "a control character in a header", http.bytes(get, "X: a\1b\r\n") },
  { "DEL in a header", http.bytes(get, "X: a\127b\r\n") },
  { "CR in a header", http.bytes(get, "X: a\rb\r\n") },
  { "Transfer-Encoding behind an empty header and CR",
    http.bytes(post, "X:\r" .. chunked, "0\r\n\r\n") },
  { "a lower-case method", http.bytes "get /t/show HTTP/1.1" },
  { "a blank before the colon", http.bytes(get, "X : a\r\n") },
  { "a blank inside a header's name", http.bytes(get, "X Y: a\r\n") },
  { "a header without a name", http.bytes(get, ": a\r\n") },
  { "a header without a colon", http.bytes(get, "X\r\n") },
  { "a raw 8-bit byte in the target", http.bytes "GET /t/show\xff HTTP/1.1" },
  { "a TAB in the target", http.bytes "GET /t/\tshow HTTP/1.1" },
  { "no Host", "GET /t/show HTTP/1.1\r\n\r\n" },
  { "an empty Host", "GET /t/show HTTP/1.1\r\nHost:\r\n\r\n" },
  { "two Hosts", http.bytes(get, "Host: localhost\r\n") },
  { "a Host with a blank", "GET /t/show HTTP/1.1\r\nHost: local host\r\n\r\n" },
  { "a Host with a path", "GET /t/show HTTP/1.1\r\nHost: localhost/x\r\n\r\n" },
  { "a folded header", http.bytes(get, "X: a\r\n b\r\n") },
  { "a header folded with a TAB", http.bytes(get, "X: a\r\n\tb\r\n") },
  { "a header folded into nothing", http.bytes(get, "X: a\r\n \r\n") },
  { "a folded Transfer-Encoding",
    http.bytes(post, "Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n") },
  { "a folded Content-Length", http.bytes(post, "Content-Length:\r\n 3\r\n", "abc") },
  { "chunks in HTTP/1.0", "POST /t/echo HTTP/1.0\r\nHost: localhost\r\n" .. chunked
    .. "\r\n0\r\n\r\n" },
  { "HTTP/0.9", "GET /t/show\r\n\r\n" },
  { "RTSP", "GET /t/show RTSP/1.0\r\nHost: localhost\r\n\r\n" },
  { "a fragment in the target", http.bytes "GET /t/show#x HTTP/1.1" },
  { "two blanks after the method", http.bytes "GET  /t/show HTTP/1.1" },
  { "a blank after the version", http.bytes "GET /t/show HTTP/1.1 " },
  { "TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" },
  { "a path that does not begin with /", http.bytes "GET t/show HTTP/1.1" },
  { "* with another method than OPTIONS", http.bytes "GET * HTTP/1.1" },
  { "a user in an absolute target", http.bytes "GET http://me@localhost/t/show HTTP/1.1" },
  { "a % without digits", http.bytes "GET /t/show%zz HTTP/1.1" },
  { "%00 in the path", http.bytes "GET /t/show%00 HTTP/1.1" },
  { "an encoded slash", http.bytes "GET /t%2Fshow HTTP/1.1" },
  { "an encoded slash in the rest of a path", http.bytes "GET /t/file/..%2Fx HTTP/1.1" },
  { "an encoded slash beside a parameter", http.bytes "GET /t/show%2F1/and/2 HTTP/1.1" },
  { "empty lines without end", ("\r\n"):rep(20) },
}

local NOT_OURS = {
  { "HTTP/2.0", "GET /t/show HTTP/2.0\r\nHost: localhost\r\n\r\n", 505 },
  { "HTTP/1.2", "GET /t/show HTTP/1.2\r\nHost: localhost\r\n\r\n", 505 },
  { "HTTP/9.9", "GET /t/show HTTP/9.9\r\nHost: localhost\r\n\r\n", 505 },
  { "HTTP/2 with prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505 },
  { "CONNECT", "CONNECT localhost:1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n", 501 },
  { "an unknown expectation", http.bytes(post, "Expect: magic\r\nContent-Length: 3\r\n", "abc"),
    417 },
}

for _, workers in ipairs { 1, 2 } do
  describe("a request with a fault, with " .. workers .. " loops", function()
    local s
    lazy_setup(function() s = http.start { workers = workers } end)
    lazy_teardown(function() s:stop() end)

    for _, case in ipairs(REFUSED) do
      it("is answered 400 once and the connection closed: " .. case[1], function()
        local response, closed = http.last_exchange(s, case[2] .. http.bytes(get))
        assert.same(400, response.status)
        assert.same("close", response.headers.connection)
        assert.same("invalid_request_error", response.json().error.type)
        assert.is_true(closed)
      end)
    end

    for _, case in ipairs(NOT_OURS) do
      it("is answered " .. case[3] .. ": " .. case[1], function()
        local response, closed = http.last_exchange(s, case[2])
        assert.same(case[3], response.status)
        assert.is_true(closed)
      end)
    end

    it("does not spoil what came before it on the connection", function()
      local responses =
        http.exchange(s, http.bytes(get):rep(3) .. "BAD\r\n\r\n" .. http.bytes(get), 4)
      assert.same({ 200, 200, 200, 400 },
        { responses[1].status, responses[2].status, responses[3].status, responses[4].status })
    end)
  end)
end

describe("an unusual request", function()
  local s
  lazy_setup(function() s = http.start() end)
  lazy_teardown(function() s:stop() end)

  local function show(bytes)
    local response = http.exchange(s, bytes)[1]
    assert.same(200, response.status)
    return response.json()
  end

  it("may have empty lines before it", function()
    assert.same("/t/show", show("\r\n\r\n" .. http.bytes(get)).path)
  end)

  it("may name its host in the target, which then counts", function()
    assert.same("/t/show", show(http.bytes "GET http://127.0.0.1:1/t/show?x HTTP/1.1").path)
    assert.same(403,
      http.exchange(s, http.bytes "GET http://evil.example/t/show HTTP/1.1")[1].status)
  end)

  it("may ask for an upgrade, which nobody gives", function()
    local upgrade = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"
    local responses = http.exchange(s, http.bytes(get, upgrade) .. http.bytes(get), 2)
    assert.same({ 200, 200 }, { responses[1].status, responses[2].status })
  end)

  it("may have a body where none is expected", function()
    assert.same("abc", show(http.bytes(get, "Content-Length: 3\r\n", "abc")).body)
  end)

  it("may have trailers, which change nothing", function()
    local trailers = "3\r\nabc\r\n0\r\nContent-Length: 9\r\nX-Request-Id: trailer\r\n\r\n"
    local responses = http.exchange(s, http.bytes(post, chunked, trailers) .. http.bytes(get), 2)
    assert.same("abc", responses[1].body)
    assert.not_same("trailer", responses[1].headers["x-request-id"])
    assert.same(200, responses[2].status)
  end)

  it("may have chunk extensions, but not without end", function()
    assert.same("abc",
      http.exchange(s, http.bytes(post, chunked, "3;a=b\r\nabc\r\n0\r\n\r\n"))[1].body)
    local endless = "3;a=" .. ("b"):rep(5000) .. "\r\nabc\r\n0\r\n\r\n"
    local response = http.last_exchange(s, http.bytes(post, chunked, endless))
    assert.same(431, response.status)
  end)

  it("may arrive byte by byte", function()
    local connection <close> = s:raw()
    for byte in (http.bytes(post, chunked, "3\r\nabc\r\n5\r\nhello\r\n0\r\n\r\n")
        .. http.bytes(get)):gmatch "." do
      connection:send(byte)
    end
    assert.same("abchello", connection:response().body)
    assert.same(200, connection:response().status)
  end)

  local PATHS = {
    { "/t/show?a=1&b=%zz", "/t/show", "a=1&b=%zz", "" },
    { "/t/%73how", "/t/show", "", "" },
    { "/t/./x/../show", "/t/show", "", "" },
    { "/t/%2e%2E/t/show", "/t/show", "", "" },
    { "/../../t/show", "/t/show", "", "" },
    { "/t/show/a%20b/and/%C3%A9", "/t/show/a b/and/é", "", "a=a b b=é" },
    { "/t/show/%2525/and/+", "/t/show/%25/and/+", "", "a=%25 b=+" },
  }
  for _, case in ipairs(PATHS) do
    it("has its path decoded once and its query left alone: " .. case[1], function()
      local shown = show(http.bytes("GET " .. case[1] .. " HTTP/1.1"))
      assert.same({ case[2], case[3], case[4] }, { shown.path, shown.query, shown.params })
    end)
  end
end)
