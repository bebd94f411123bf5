--- What a handler is given and what it may answer.
local server = require "spec.helpers.server"

local HANDLERS = {
  echo = [[return { json = {
    method = req.method, path = req.path, query = req.query, remote = req.remote, id = req.id,
    name = req.params.name,
    agent = req.headers["x-agent"], list = req.headers["x-list"], cookie = req.headers.cookie,
    none = req.headers["x-none"],
    now = math.abs(req.now - os.time()) < 60, length = #req.body,
    body = tostring(req.body), unknown = req.nothing } }]],
  status = [[return { status = 201, body = "made",
    headers = { ["X-One"] = 1, ["set-cookie"] = { "a=1", "b=2" } } }]],
  typed = [[return { headers = { ["Content-Type"] = "text/csv" }, body = "a,b" }]],
  detail = [[return { status = 409, headers = { ["retry-after"] = "7" }, detail = "not now" }]],
  empty = [[return { status = 204 }]],
  beyond = [[return { status = 1000 }]],
  file = [[return { file = "dashboard/index.html" }]],
  nap = [[local before = os.clock() sleep(30) return { json = { cpu = os.clock() - before < 1 } }]],
  lines = [[return { headers = { ["content-type"] = "text/plain" }, stream = function(write)
    for i = 1, 400 do write((("line %d\n"):format(i)):rep(1000)) end end }]],
  torn = [[return { stream = function(write) write "half" sleep(1) error "torn" end }]],
  held = [[
    local kv = require "kv"
    local closed <close> = setmetatable({}, { __close = function() kv.incr "closed" end })
    kv.incr "held"
    sleep(60000) return {}]],
  endless = [[return { stream = function(write)
    local kv = require "kv"
    local closed <close> = setmetatable({}, { __close = function() kv.incr "closed" end })
    kv.incr "held"
    local text = ("x"):rep(65536)
    while true do write(text) end end }]],
  counts = [[local kv = require "kv"
    return { json = { held = kv.get "held", closed = kv.get "closed" } }]],
}

local function handlers_file(options)
  local lines = { "local handlers = {}" }
  for name, code in pairs(HANDLERS) do
    lines[#lines + 1] = ("function handlers.%s(req) %s end"):format(name, code)
  end
  lines[#lines + 1] = [[
    return { summary = "Tries.", scope = "open", ]] .. (options or "") .. [[
      handle = function(req) return handlers[req.params.name](req) end }]]
  return table.concat(lines, "\n")
end

for workers = 1, 2 do
  describe("a handler, with " .. workers .. " loops", function()
    local s
    lazy_setup(function()
      s = server.start {
        workers = workers, files = {
          ["lua/routes/try.lua"] = handlers_file(),
          ["lua/routes/raw.lua"] = handlers_file "raw = true,",
        },
        config = [[
          config.script.wall_ms = 60000
          table.insert(config.routes, { "GET", "/try/{name}", "routes.try" })
          table.insert(config.routes, { "POST", "/try/{name}", "routes.try" })
          table.insert(config.routes, { "GET", "/raw/{name}", "routes.raw" })]],
      }
    end)
    lazy_teardown(function() s:stop() end)

    it("sees the whole request", function()
      local response = s:request {
        method = "POST", path = "/try/echo?a=1&b=%20", body = "some\0bytes",
        headers = { ["X-Agent"] = "spec", ["X-Request-Id"] = "an-id", Cookie = "a=1" },
      }
      assert.same({
        method = "POST", path = "/try/echo", query = "a=1&b=%20", remote = "127.0.0.1",
        id = "an-id", name = "echo", agent = "spec", cookie = "a=1", now = true, length = 10,
        body = "some\0bytes",
      }, response.json())
    end)

    it("sees repeated headers joined", function()
      local connection =
        s:raw "GET /try/echo HTTP/1.1\r\nHost: localhost\r\nX-List: a\r\nx-list: b\r\n\r\n"
      assert.equal("a, b", connection:response().json().list)
      connection:close()
    end)

    it("answers a status, headers and a body", function()
      local response = s:get "/try/status"
      assert.equal(201, response.status)
      assert.equal("1", response.headers["x-one"])
      assert.equal("a=1, b=2", response.headers["set-cookie"])
      assert.equal("text/plain; charset=utf-8", response.headers["content-type"])
      assert.equal("made", response.body)
    end)

    it("chooses the type of its body", function()
      assert.equal("text/csv", s:get("/try/typed").headers["content-type"])
    end)

    it("answers an error's detail", function()
      local response = s:get "/try/detail"
      assert.equal(409, response.status)
      assert.equal("7", response.headers["retry-after"])
      assert.same(
        { detail = "not now", error = { type = "invalid_request_error", message = "not now" } },
        response.json())
    end)

    it("answers nothing but a status", function()
      local response = s:get "/try/empty"
      assert.equal(204, response.status)
      assert.equal("", response.body)
    end)

    it("is told which statuses there are", function()
      for path, last in pairs { ["/try/beyond"] = 599, ["/raw/beyond"] = 999 } do
        assert.equal(500, s:get(path).status)
        assert.truthy(s:log():find("is no integer from 200 to " .. last, 1, true), path)
      end
    end)

    it("answers a file", function()
      local response = s:get "/try/file"
      assert.equal(200, response.status)
      assert.truthy(response.headers["content-type"]:find("text/html", 1, true))
    end)

    it("sleeps without using the processor", function()
      assert.is_true(s:get("/try/nap").json().cpu)
    end)

    it("streams a body of any length", function()
      local body, expected = s:get("/try/lines").body, {}
      for i = 1, 400 do
        expected[i] = (("line %d\n"):format(i)):rep(1000)
      end
      assert.is_true(body == table.concat(expected))
    end)

    it("lets the client notice a stream that failed", function()
      local connection = s:raw "GET /try/torn HTTP/1.1\r\nHost: localhost\r\n\r\n"
      local response, err = connection:response()
      assert.is_nil(response)
      assert.equal("closed", err)
      connection:close()
    end)

    for _, name in ipairs { "held", "endless" } do
      it("ends, and closes what it holds, when the client goes away: " .. name, function()
        local before = s:get("/try/counts").json()
        local connection = s:raw(("GET /try/%s HTTP/1.1\r\nHost: localhost\r\n\r\n"):format(name))
        server.eventually(
          function() return (s:get("/try/counts").json().held or 0) > (before.held or 0) end)
        -- a reset: an end may be half a close
        connection.socket:setoption("linger", { on = true, timeout = 0 })
        connection:close()
        server.eventually(
          function() return (s:get("/try/counts").json().closed or 0) > (before.closed or 0) end)
      end)
    end
  end)
end

describe("a server that stops #loops", function()
  it("does not wait for a script that sleeps for long", function()
    local s <close> = server.start {
      files = { ["lua/routes/try.lua"] = handlers_file() },
      config = [[
        config.limits.shutdown_ms = 100
        table.insert(config.routes, { "GET", "/try/{name}", "routes.try" })]],
    }
    local connection = s:raw "GET /try/held HTTP/1.1\r\nHost: localhost\r\n\r\n"
    server.eventually(function() return s:get("/try/counts").json().held end)
    s:stop()
    connection:close()
  end)
end)
