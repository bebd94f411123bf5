--- Bodies: how they may arrive, and what they may not do.
local helpers = require "spec.helpers"
local http = require "spec.helpers.http"

local chunked = "Transfer-Encoding: chunked\r\n"

local function echo(headers, body)
  return http.bytes("POST /t/echo HTTP/1.1", headers, body)
end

local function gzipped(bytes)
  return ("Content-Encoding: gzip\r\nContent-Length: %d\r\n"):format(#bytes), bytes
end

describe("a body", function()
  local s
  lazy_setup(function() s = http.start() end)
  lazy_teardown(function() s:stop() end)

  it("may come in chunks, gzipped, or both", function()
    local text = ("hello "):rep(1000)
    local small = helpers.gzip(text)
    local in_chunks = ("%x\r\n%s\r\n5\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n"):format(
      10, small:sub(1, 10), small:sub(11, 15), #small - 15, small:sub(16))
    assert.same("hello",
      http.exchange(s, echo(chunked, "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"))[1].body)
    assert.same(text, http.exchange(s, echo(gzipped(small)))[1].body)
    assert.same(text,
      http.exchange(s, echo("Content-Encoding: x-gzip\r\n" .. chunked, in_chunks))[1].body)
    assert.same(text .. text, http.exchange(s, echo(gzipped(small .. small)))[1].body)
    assert.same("", http.exchange(s, echo("Content-Length: 0\r\n"))[1].body)
    assert.same("", http.exchange(s, echo "")[1].body)
  end)

  it("of any size comes whole, and so does what is behind it", function()
    for _, size in ipairs { 65535, 1 << 20, (2 << 20) + 1, (5 << 20) + 12345 } do
      local numbers = {}
      for i = 1, size // 8 + 1 do
        numbers[i] = ("%08d"):format(i)
      end
      local text = table.concat(numbers):sub(1, size)
      local responses = http.exchange(s, echo(("Content-Length: %d\r\n"):format(size), text)
        .. echo("Content-Length: 2\r\n", "ok"), 2)
      assert.is_true(responses[1].body == text, size .. " bytes differ")
      assert.same("ok", responses[2].body)
    end
  end)

  it("that is not gzip, though it says so, is 400", function()
    local small = helpers.gzip(("hello "):rep(1000))
    for _, bytes in ipairs { "hello", small:sub(1, -4), small .. "x", "" } do
      local response = http.exchange(s, echo("Content-Encoding: gzip\r\n" .. chunked,
        (#bytes > 0 and ("%x\r\n%s\r\n"):format(#bytes, bytes) or "") .. "0\r\n\r\n"))[1]
      assert.same(400, response.status)
    end
  end)

  it("with two faults is told of the first, however it is cut", function()
    local bytes = echo("Content-Encoding: gzip\r\n" .. chunked, "5\r\nhello!")
    local whole = http.exchange(s, bytes)[1]
    assert.same(400, whole.status)
    assert.truthy(whole.body:find("not what gzip makes", 1, true), whole.body)
    local cut <close> = s:raw(bytes:sub(1, -2))
    assert.same(whole.body, cut:response().body)
  end)

  it("in another coding is 415, and the connection goes on", function()
    for _, coding in ipairs { "deflate", "br", "gzip, gzip" } do
      local bytes = echo("Content-Encoding: " .. coding .. "\r\nContent-Length: 5\r\n", "hello")
      local responses = http.exchange(s, bytes .. echo("Content-Length: 2\r\n", "ok"), 2)
      assert.same({ 415, "gzip", "ok" },
        { responses[1].status, responses[1].headers["accept-encoding"], responses[2].body })
    end
  end)

  it("is not larger than its route allows, announced or not", function()
    local function small(headers, body)
      return http.exchange(s, http.bytes("POST /t/small HTTP/1.1", headers, body))[1].status
    end
    local zeros = helpers.gzip(("\0"):rep(1001))
    assert.same(200, small("Content-Length: 1000\r\n", ("x"):rep(1000)))
    assert.same(413, small("Content-Length: 1001\r\n", ("x"):rep(1001)))
    assert.same(200, small(chunked, "3e8\r\n" .. ("x"):rep(1000) .. "\r\n0\r\n\r\n"))
    assert.same(413, small(chunked, "3e9\r\n" .. ("x"):rep(1001) .. "\r\n0\r\n\r\n"))
    assert.same(413, small(gzipped(zeros)))
  end)

  it("is refused when a chunk announces more, before that comes", function()
    local head = "POST /t/small HTTP/1.1"
    for _, body in ipairs { "3e9\r\n", "1f4\r\n" .. ("x"):rep(500) .. "\r\n1f5\r\n",
      "fffffffffffffff\r\n" } do
      local response, closed = http.last_exchange(s, http.bytes(head, chunked, body))
      assert.same({ 413, true }, { response.status, closed })
      response = http.last_exchange(s,
        http.bytes(head, chunked .. "Content-Encoding: gzip\r\n", "3e9\r\n"))
      assert.same(413, response.status)
    end
  end)

  it("that inflates to much lets others have their turn", function()
    local zeros = helpers.gzip(("\0"):rep(60 << 20))
    local large <close> = s:raw(echo(gzipped(zeros)))
    local answered = 0
    repeat
      assert.same(200, s:get("/t/show").status)
      answered = answered + 1
      local head = large:head(0)
    until head
    -- in one go it would be one or two
    assert.is_true(answered > 15, answered .. " others were answered")
  end)

  it("that inflates without measure is 413 and costs little memory", function()
    local bomb = helpers.gzip(("\0"):rep(100 << 20))
    local response = http.last_exchange(s, echo(gzipped(bomb)))
    assert.same(413, response.status)
    assert.same("the body is too large", response.json().detail)
  end)

  it("that is announced and then not sent stores nothing", function()
    local line = '{"request_id":"half"}\n'
    local connection <close> = s:raw(http.bytes("POST /logs/ingest HTTP/1.1",
      "Content-Type: application/x-ndjson\r\nContent-Length: 1000\r\n", line))
    connection:shutdown()
    assert.same(400, connection:response().status)
    s:raw(http.bytes("POST /logs/ingest HTTP/1.1", "Content-Type: application/x-ndjson\r\n"
      .. chunked,
      ("%x\r\n%s\r\n"):format(#line, line))):close()
    assert.same(0, s:get("/logs/query").json().count)
  end)
end)

describe("Expect: 100-continue", function()
  local s
  lazy_setup(function() s = http.start() end)
  lazy_teardown(function() s:stop() end)
  local expect = "Expect: 100-continue\r\nContent-Length: 3\r\n"

  it("is met when the body will be read", function()
    local connection <close> = s:raw(echo(expect))
    assert.same(100, connection:head().status)
    connection:send "abc"
    assert.same("abc", connection:response().body)
  end)

  it("is not needed when the body is there already", function()
    local response = http.exchange(s, echo(expect, "abc"))[1]
    assert.same({ "abc", {} }, { response.body, response.interim })
  end)

  it("is refused with the final status when the body will not be read", function()
    local refused = {
      [404] = http.bytes("POST /nowhere HTTP/1.1", expect),
      [405] = http.bytes("POST /t/show HTTP/1.1", expect),
      [413] = echo "Expect: 100-continue\r\nContent-Length: 99999999999\r\n",
      [403] = echo("Origin: http://evil.example\r\n" .. expect),
    }
    for status, bytes in pairs(refused) do
      local response, closed = http.last_exchange(s, bytes)
      assert.same({ status, {}, true }, { response.status, response.interim, closed })
    end
  end)

  it("means nothing without a body", function()
    local response =
      http.exchange(s, http.bytes("GET /t/show HTTP/1.1", "Expect: 100-continue\r\n"))[1]
    assert.same({ 200, {} }, { response.status, response.interim })
  end)
end)
