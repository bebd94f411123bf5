--- What a script keeps of the server beyond its life: coroutines, requests, bodies, streams.
local server = require "spec.helpers.server"

-- Each holds the coroutine it runs in, and waits in it.
local HELD = [[
local held = {}
every(20, function()
  held.every = coroutine.running()
  sleep(60000)
end)
held.load = coroutine.running()
return held
]]

local ROUTES = [[
for _, name in ipairs { "hold", "stream", "drive", "rest" } do
  local path = "/" .. name .. (name == "drive" and "/{how}/{what}" or "")
  table.insert(config.routes, { "GET", path, "routes." .. name })
end
]]

local FILES = {
  ["lua/lib/held.lua"] = HELD,
  ["lua/routes/hold.lua"] = [[
    local held = require "lib.held"
    return { summary = "Waits.", handle = function()
      held.request = coroutine.running()
      sleep(300)
      return { json = { held = true } }
    end }]],
  ["lua/routes/stream.lua"] = [[
    local held = require "lib.held"
    return { summary = "Streams.", handle = function()
      return { stream = function(write)
        held.stream = coroutine.running()
        write("a")
        sleep(300)
        write("b")
      end }
    end }]],
  ["lua/routes/rest.lua"] = [[
    local held = require "lib.held"
    return { summary = "Is at rest afterwards.", handle = function()
      held.rest = coroutine.running()
      return { json = {} }
    end }]],
  ["lua/routes/drive.lua"] = [[
    local held = require "lib.held"
    local hows = {
      resume = function(co) return select(2, coroutine.resume(co)) end,
      close = function(co) return select(2, pcall(coroutine.close, co)) end,
      nested = function(co)
        return coroutine.wrap(function() return select(2, coroutine.resume(co, 1, 2)) end)()
      end,
    }
    return { summary = "Tries.", handle = function(req)
      local co, waits = held[req.params.what], { request = true, stream = true, every = true }
      if not co or waits[req.params.what] and coroutine.status(co) ~= "suspended" then
        return { json = { known = false } }
      end
      return { json = { known = true, why = tostring(hows[req.params.how](co)) } }
    end }]],
}

describe("a script that holds a coroutine of the server's", function()
  local s
  lazy_setup(function() s = server.start { workers = 1, config = ROUTES, files = FILES } end)
  lazy_teardown(function() s:stop() end)

  local function drive(how, what)
    local answer = server.eventually(function()
      local json = s:get("/drive/" .. how .. "/" .. what).json()
      return json.known and json
    end)
    assert.truthy(answer.why:find("only the server does", 1, true), answer.why)
  end

  for _, how in ipairs { "resume", "close", "nested" } do
    for _, what in ipairs { "request", "stream" } do
      it(("cannot %s that of a %s"):format(how, what), function()
        local path = what == "request" and "/hold" or "/stream"
        local request = ("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"):format(path)
        local connection <close> = s:raw(request)
        drive(how, what)
        local response = assert(connection:response())
        assert.equal(what == "request" and '{"held":true}' or "ab", response.body)
      end)
    end

    for _, what in ipairs { "every", "load", "rest" } do
      it(("cannot %s that of %s"):format(how, what), function()
        s:get "/rest"
        drive(how, what)
        assert.equal(200, s:get("/rest").status)
      end)
    end
  end
end)

-- A request of POST /keep leaves these; GET /use/{what} tries them.
local KEEP = [[
local held = require "lib.held"
local json = require "json"
local protobuf = require "protobuf"
local sse = require "sse"
local storage = require "storage"
local schema = protobuf.schema {
  List = { items = { 1, "Item", repeated = true } }, Item = { n = { 1, "int" } },
}
return { summary = "Keeps.", handle = function(req)
  held.req, held.body = req, req.body
  held.next = schema:items("List", req.body, { "items" })
  assert(held.next().n == 5)
  held.stream = sse.stream { topic = "logs", hello = {} }
  if req.query == "take" then
    json.values(req.body)
    local ok, why = pcall(held.next)
    return { json = { ok = ok, why = why } }
  elseif req.query == "stream" then
    return { stream = function(write)
      held.write = write
      write "a"
    end }
  end
  return { json = {} }
end }]]

local USE = [[
local held = require "lib.held"
local json = require "json"
local storage = require "storage"
local uses = {
  method = function() return held.req.method end,
  headers = function() return held.req.headers end,
  params = function() held.req.params = {} end,
  text = function() return tostring(held.body) end,
  length = function() return #held.body end,
  ingest = function() return storage.ingest(held.body, "json") end,
  values = function() return json.values(held.body) end,
  next = function() return held.next() end,
  write = function() return held.write "b" end,
}
return { summary = "Uses.", handle = function(req)
  if req.params.what == "stream" then
    return held.stream
  end
  local ok, why = pcall(uses[req.params.what])
  return { json = { ok = ok, why = tostring(why) } }
end }]]

describe("a script that holds a finished request's", function()
  local s
  lazy_setup(function()
    s = server.start {
      workers = 1, -- each loop has a state of its own
      config = [[
        table.insert(config.routes, { "POST", "/keep", "routes.keep" })
        table.insert(config.routes, { "GET", "/use/{what}", "routes.use" })]],
      files = {
        ["lua/lib/held.lua"] = "return {}", ["lua/routes/keep.lua"] = KEEP,
        ["lua/routes/use.lua"] = USE,
      },
    }
  end)
  lazy_teardown(function() s:stop() end)

  local TWO_ITEMS = "\10\2\8\5\10\2\8\6"

  local function keep(query)
    return s:post("/keep" .. (query and "?" .. query or ""), TWO_ITEMS)
  end

  for _, what in ipairs { "method", "headers", "params", "text", "length", "ingest", "values",
      "next" } do
    it(what .. " is told so", function()
      assert.equal(200, keep().status)
      assert.same({ ok = false, why = "the request is finished" }, (function()
        local answer = s:get("/use/" .. what).json()
        return { ok = answer.ok, why = answer.why:match "the request is finished" }
      end)())
    end)
  end

  it("write is told so", function()
    assert.equal("a", keep("stream").body)
    local answer = s:get("/use/write").json()
    assert.truthy(not answer.ok and answer.why:find("belongs to another request", 1, true),
      answer.why)
  end)

  it("body's items is told that the body went elsewhere", function()
    local answer = keep("take").json()
    assert.truthy(not answer.ok and answer.why:find("handed to something else", 1, true),
      answer.why)
  end)

  it("stream can answer one request only", function()
    keep()
    local first = s:stream "/use/stream"
    finally(function() first.connection:close() end)
    assert.equal(200, first.status)
    assert.equal(500, s:get("/use/stream").status)
    assert.truthy(s:log():find("every request needs its own", 1, true), s:log())
  end)
end)
