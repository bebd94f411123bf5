--- http, the client of scripts, against servers that are slow, lie or die (peer.js).
local helpers = require "spec.helpers"
local peer = require "spec.helpers.peer"

-- A name that leads to this machine, as one does whose owner has rebound it; nil: none here.
local function rebound_name()
  for line in io.lines "/etc/hosts" do
    local name = line:match "^127%.[%d.]+%s+([%w-]+)%s*$"
    if name and name ~= "localhost" then
      return name
    end
  end
end

local function refused_text(host)
  return host .. ": scripts may call only the hosts in outside.allow of config.lua"
end

describe("http", function()
  local other, s, url

  lazy_setup(function()
    other = peer.node "spec/helpers/peer.js"
    url = "http://127.0.0.1:" .. other.port
    s = peer.caller {
      config = ([[config.outside.allow =
        { "127.0.0.1:%d", "localhost:%d", "127.0.0.1:1", "10.255.255.1", "nowhere.invalid",
          "nowhere.onion", "%s" }]])
        :format(other.port, other.port, rebound_name() or "nowhere.invalid"),
    }
  end)

  lazy_teardown(function()
    s:stop()
    other:stop()
  end)

  local function run(code, ...)
    return peer.run(s, code, ...)
  end

  --- The connection on which code runs from now on.
  local function begin(code)
    return s:raw(("POST /lua HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s")
      :format(#code, code))
  end

  --- status and body, or message and reason, of one call; options as Lua text.
  local function call(path, options)
    return run([[
      local r, message, reason = http.get("%s", { %s })
      if not r then return false, message, reason end
      return r.status, r.body]], url .. path, options or "")
  end

  it("sends what it is given, and no more", function()
    local _, body = run([[
      local r = assert(http.request { method = "PUT", url = "%s/echo?a=%%20b#gone",
        headers = { ["X-One"] = "1", ["x-two"] = { "2", "3" } }, body = "hello" })
      return r.status, r.body]], url)
    local sent = require("spec.helpers.json").decode(body)
    local lines = {}
    for line in sent.head:gmatch "[^\r\n]+" do
      lines[#lines + 1] = line
    end
    table.sort(lines)
    assert.same({
      "Accept-Encoding: gzip", "Content-Length: 5", "Host: 127.0.0.1:" .. other.port,
      "PUT /echo?a=%20b HTTP/1.1", "User-Agent: moonledger/0.1.0", "X-One: 1", "x-two: 2",
      "x-two: 3",
    }, lines)
    assert.equal(5, sent.body)
  end)

  for path, body in pairs {
    ["/close"] = "to the end", ["/chunked"] = "abcde", ["/early"] = "late",
    ["/gzip"] = ("moon"):rep(100000), ["/raw-deflate"] = "moon",
  } do
    it("reads " .. path, function()
      assert.same({ 200, body }, { call(path) })
    end)
  end

  it("waits for no body where none can be, whatever Content-Length says", function()
    assert.same({ 304, "" }, { call("/unchanged", "total_ms = 5000") })
  end)

  it("gives headers joined and one by one", function()
    assert.same({ "a=1, b=2", { "a=1", "b=2" } }, { run([[
      local r = assert(http.get "%s/cookies")
      return r.headers["set-cookie"], r.header_list["set-cookie"] ]], url) })
  end)

  it("keeps connections, and none that is not at its end", function()
    local first, second, after = run([[
      local function ask(path) return assert(http.get("%s" .. path)).body end
      local first, second = ask "/number", ask "/number"
      ask "/more-than-said"
      return first, second, ask "/number"]], url)
    assert.equal(first, second)
    assert.not_equal(first, after)
  end)

  it("keeps them no longer than the other side does, however long that is", function()
    local ages, still, gone = run([[
      local function ask(path) return assert(http.get("%s" .. path)).body end
      local ages, still = ask "/number-for-ages", ask "/number-no-more"
      return ages, still, ask "/number"]], url)
    assert.equal(ages, still)
    assert.not_equal(ages, gone)
  end)

  it("streams both ways, and holds back what is not taken", function()
    local count, bytes, sent = run([[
      local pieces = 0
      local r = assert(http.request { method = "POST", url = "%s/big", stream = true,
        body = function()
          pieces = pieces + 1
          sleep(1)
          return pieces <= 20 and ("x"):rep(1000) or nil
        end })
      local count, bytes, most = 0, 0, 0
      for piece in function() return r:read() end do
        count, bytes = count + 1, bytes + #piece
      end
      return count, bytes, pieces - 1]], url)
    assert.same({ 50000000, 20 }, { bytes, sent })
    assert.is_true(count > 100)
    local before = s:resident_kib()
    run([[
      local r = assert(http.get("%s/big", { stream = true }))
      sleep(200)
      r:close()]], url)
    assert.is_true(s:resident_kib() - before < 8 * 1024)
  end)

  it("stops sending when the answer is there", function()
    assert.same({ "too much", true }, { run([[
      local pieces = 0
      local r = assert(http.request { method = "POST", url = "%s/early-no", length = 1000000,
        body = function()
          pieces = pieces + 1
          sleep(5)
          return ("x"):rep(100)
        end })
      return r.body, pieces < 1000]], url) })
  end)

  it("gives what came before an end that nobody waited for", function()
    assert.same({ "half", true, "closed", "closed" }, { run([[
      local r = assert(http.get("%s/dies-in-body", { stream = true }))
      sleep(100)
      local half = r:read()
      local none, _, reason = r:read()
      local again, _, same = r:read()
      return half, none == nil and again == nil, reason, same]], url) })
  end)

  it("gives a request up whose body says why it ends", function()
    assert.same({ false, "no more", "closed" }, { run([[
      local r, message, reason = http.request { method = "POST", url = "%s/echo",
        body = function() return nil, "no more" end }
      return r or false, message, reason]], url) })
  end)

  local host = "127.0.0.1:%d"
  for _, case in ipairs {
    { "/silent", "first_byte_ms = 60", "timeout", ": no response within first_byte_ms" },
    { "/slow-body", "idle_ms = 60", "timeout", ": nothing came for idle_ms" },
    { "/drip", "total_ms = 100", "timeout", ": not done within total_ms" },
    { "/big", "max_bytes = 1000", "too_large", nil },
    { "/gzip", "max_bytes = 1000", "too_large", nil },
    { "/endless-head", "", "too_large", nil },
    { "/dies-in-head", "", "closed", ": the connection was closed before the response" },
    { "/dies-in-body", "", "closed", ": the connection was closed within the response's body" },
    { "/dies-in-chunk", "", "closed", ": the connection was closed within the response's body" },
    { "/resets", "", "closed", ": connection reset by peer" },
    { "/no-http", "", "protocol", nil },
    { "/two-lengths", "", "protocol", nil },
    { "/length-and-chunks", "", "protocol", nil },
    { "/switches", "", "protocol", nil },
    { "/cut-gzip", "", "protocol", nil },
  } do
    local path, options, reason, text = table.unpack(case, 1, 4)
    it(("fails with %s at %s"):format(reason, path), function()
      local fine, message, got = call(path, options)
      assert.same({ false, reason }, { fine, got })
      if text then
        assert.equal(host:format(other.port) .. text, message)
      end
    end)
  end

  it("tells of hosts that are not reached", function()
    local function fails(target, options)
      return select(2, run([[
        local _, message, reason = http.get("%s", { %s })
        return false, message, reason]], target, options or ""))
    end
    assert.same({ "127.0.0.1:1: connection refused", "connect" }, { fails "http://127.0.0.1:1" })
    assert.same({ refused_text "127.0.0.1:2", "refused" }, { fails "http://127.0.0.1:2" })
    assert.same({ refused_text "example.com:80", "refused" }, { fails "http://example.com" })
    local _, reason = fails("http://nowhere.invalid", "connect_ms = 3000")
    assert.is_true(reason == "resolve" or reason == "timeout")
  end)

  it("looks a name up again for who asks again, and others go on meanwhile", function()
    local beside = [[
      local kv = require "kv"
      repeat
        sleep(0)
        kv.incr "turns"
      until kv.get "done"
      return true]]
    local connection <close> = begin(beside)
    helpers.eventually(function()
      return run [[return require("kv").get "turns" or false]]
    end)
    local reason, turns = run [[
      local kv, reason = require "kv", nil
      local before = kv.get "turns"
      for _ = 1, 50 do
        reason = select(3, http.get "http://nowhere.onion/") -- RFC 7686: there is none, at once
      end
      local turns = kv.get "turns" - before
      kv.set("done", true)
      return reason, turns]]
    assert.equal("resolve", reason)
    assert.is_true(turns >= 10, turns)
    assert.equal("[true]", assert(connection:response()).body)
  end)

  local it_if_there_is_one = rebound_name() and it or pending
  it_if_there_is_one("calls no name that leads to this machine", function()
    local url_of_name = ("http://%s:2/"):format(rebound_name())
    local fine, message, reason = run([[
      local _, message, reason = http.get("%s")
      return false, message, reason]], url_of_name)
    assert.same({ false, "refused" }, { fine, reason })
    assert.matches("127.0.0.1 is a private address: outside.allow", message, 1, true)
  end)

  it("refuses what cannot be sent, by its name", function()
    for code, message in pairs {
      ['http.get "ftp://x"'] = "bad field url %(expected http:// or https://%)",
      ['http.get "http://u:p@x/"'] = "set the header Authorization",
      ['http.get("http://x/", { timeout = 1 })'] = "unknown option timeout: known are ",
      ['http.get("http://x/", { headers = { host = "y" } })'] = "host is written by the client",
      ['http.get("http://x/", { headers = { a = "b\\r\\nc" } })'] = "a has a control character",
      ['http.get("http://x/", { total_ms = -1 })'] = "bad field total_ms",
    } do
      assert.matches(message, (select(2, run("return pcall(function() %s end)",
        (code:gsub("%%", "%%%%"))))))
    end
  end)

  it("makes 1,000 calls at once", function()
    local before = s:resident_kib()
    local seen = run([[
      local count = 0
      local open = {}
      for i = 1, 1000 do
        open[i] = assert(http.get("%s/slow-body?" .. i, { stream = true }))
      end
      for _, r in ipairs(open) do
        count = count + (r:read() == "begin" and 1 or 0)
      end
      return count]], url)
    assert.equal(1000, seen)
    helpers.eventually(function()
      local _, closed = other:said():gsub("closed", "")
      return closed >= 1000
    end)
    local grown = s:resident_kib() - before -- a sanitizer's own memory grows with it
    assert.is_true(os.getenv "SANITIZE" ~= nil or grown < 40 * 1024)
  end)

  it("ends a call with its task", function()
    local function closed()
      return select(2, other:said():gsub("closed", ""))
    end
    local before = closed()
    assert.equal(200, run([[
      local kept = assert(http.get("%s/slow-body", { stream = true }))
      return kept.status]], url))
    helpers.eventually(function() return closed() > before end)
  end)

  it("goes on over a reload", function()
    local code = ([[
      local r = assert(http.get("%s/drip", { stream = true }))
      local n = 0
      while n < 30 do n = n + #assert(r:read()) end
      return n >= 30]]):format(url)
    local function reloads()
      return s:get("/metrics").body:match 'moonledger_reloads_total{result="success"} (%d+)' or "0"
    end
    local before = reloads()
    local connection = begin(code)
    s:signal "HUP"
    helpers.eventually(function() return reloads() ~= before end)
    assert.equal("[true]", assert(connection:response()).body)
    connection:close()
  end)
end)
