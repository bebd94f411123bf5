--- How refusals read is a Lua file: those of scripts, and those that no script is asked for.
local helpers = require "spec.helpers"
local server = require "spec.helpers.server"

local OURS = [[
return function(status, message)
  return ('{"status":%d,"said":%s}'):format(status, message)
end]]

-- The body of each kind of refusal, by its status.
local function refusals(s)
  return {
    script = s:get("/logs/entries/nobody").json(),
    route = s:get("/no\"where").json(),
    method = s:post("/logs/query", "").json(),
    head = s:raw("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"):response("GET").json(),
  }
end

describe("lib/errors.lua", function()
  it("gives every refusal its words, and its own mistakes are named", function()
    local s <close> = server.start { config = "config.features.reload_enabled = true" }
    local shipped = refusals(s)
    for _, body in pairs(shipped) do
      assert.equal(body.detail, body.error.message)
    end
    assert.equal("not_found_error", shipped.route.error.type)
    assert.equal("invalid_request_error", shipped.head.error.type)

    helpers.write_file(s.root .. "/lua/lib/errors.lua", OURS)
    helpers.eventually(function()
      return s:get("/nowhere").json().said
    end)
    local status = { script = 404, route = 404, method = 405, head = 400 }
    for kind, body in pairs(refusals(s)) do
      assert.same({ status = status[kind], said = shipped[kind].detail }, body)
    end

    helpers.write_file(s.root .. "/lua/lib/errors.lua", "return function() return {} end")
    local refused = s:post("/-/reload", "")
    assert.equal(422, refused.status)
    assert.matches("lua/lib/errors.lua:1: must give the body of status 400 as a string",
      refused.body)
  end)
end)
