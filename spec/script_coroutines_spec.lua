--- The coroutines of requests and of every() are the server's: no script drives one.
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
  table.insert(config.routes, { "GET", "/" .. name .. (name == "drive" and "/{how}/{what}" or ""), "routes." .. name })
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
  setup(function() s = server.start { config = ROUTES, files = FILES } end)
  teardown(function() s:stop() end)

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
        local connection <close> = s:raw(("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"):format(path))
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
