--- What is served beside scripts that run away, and what is told of them.
local runaway = require "spec.helpers.runaway"
local server = require "spec.helpers.server"
local socket = require "socket"

describe("routes beside runaway scripts", function()
  local function quantile(times, q)
    table.sort(times)
    return times[math.ceil(#times * q)]
  end

  local function measure(s, seconds)
    local times, deadline = {}, socket.gettime() + seconds
    while socket.gettime() < deadline do
      local started = socket.gettime()
      assert.equal(200, s:get("/calm").status)
      times[#times + 1] = socket.gettime() - started
    end
    return times
  end

  local HITS = { "endless_loop", "loop_in_pcall", "loop_in_coroutine", "loop_in_gsub", "pattern",
    "growing_table" }

  it("answer long before these have had their time", function()
    local s <close> = runaway.start(1, runaway.config(1000))
    local quiet = quantile(measure(s, 0.5), 0.5)
    local connections, begun = {}, socket.gettime()
    for i, name in ipairs(HITS) do
      connections[i] = s:raw(("GET /runaway/%s HTTP/1.1\r\nHost: localhost\r\n\r\n"):format(name))
    end
    local busy = quantile(measure(s, 1), 0.5)
    for i in ipairs(HITS) do
      assert.truthy(connections[i]:response().status >= 500)
      connections[i]:close()
    end
    local each = (socket.gettime() - begun) / #HITS
    assert.is_true(busy < quiet + each / 20,
      ("median %.1f ms, without runaways %.1f ms, which took %.1f ms each")
        :format(busy * 1e3, quiet * 1e3, each * 1e3))
    s:stop()
  end)

  it("have the memory that they need while others fill it", function()
    local s <close> = runaway.start(1, runaway.LONG)
    for _ = 1, 3 do
      local connections = {}
      for _, name in ipairs { "growing_table", "many_coroutines", "growing_list", "growing_table",
          "growing_list" } do
        connections[#connections + 1] =
          s:raw(("GET /runaway/%s HTTP/1.1\r\nHost: localhost\r\n\r\n"):format(name))
      end
      for _, connection in ipairs(connections) do
        repeat
          local response = s:get "/calm"
          assert.same({ 200, { calm = true } }, { response.status, response.json() })
        until socket.select({ connection.socket }, nil, 0)[1]
        assert.equal(500, connection:response().status)
        connection:close()
      end
    end
    s:stop()
  end)

  it("go on when a timer runs away", function()
    local s <close> = server.start {
      workers = 1,
      config = runaway.SHORT .. 'config.routes = { { "GET", "/calm", "routes.calm" } }',
      files = {
        ["lua/routes/calm.lua"] = "every(10, function() while true do end end)\n" .. runaway.CALM,
      },
    }
    server.eventually(
      function() return s:log():find "used up its CPU time.-used up its CPU time" end)
    assert.equal(200, s:get("/calm").status)
    s:stop()
  end)
end)

describe("what fails again and again", function()
  it("is told with its file a few times, and counted", function()
    local s <close> = server.start {
      config = 'config.routes = { { "GET", "/calm", "routes.calm" }, '
        .. '{ "GET", "/metrics", "routes.metrics" } }',
      files = { ["lua/routes/calm.lua"] = "local n = 0\nevery(1, function()\n  n = n + 1\n"
        .. '  error("boom " .. n)\nend)\n' .. runaway.CALM },
    }
    server.eventually(function()
      local count = s:get("/metrics").body:match 'failures_total{module="every",kind="error"} (%d+)'
      return tonumber(count or 0) > 30
    end)
    local lines = select(2, s:log():gsub('timer="?lua/routes/calm.lua:2"? [^\n]*boom', ""))
    assert.equal(10, lines, s:log())
    s:stop()
  end)
end)

describe("the traceback of a script's error", function()
  it("stands in the answer when dev = true", function()
    local s <close> = runaway.start(1, runaway.SHORT .. "config.dev = true")
    local response = s:get("/runaway/table_as_error")
    assert.equal(500, response.status)
    assert.truthy(response.json().detail:find("lua/routes/runaway.lua:%d+: in "))
    s:stop()
  end)

  it("stands only in the log otherwise", function()
    local s <close> = runaway.start(1, runaway.SHORT)
    assert.equal("Internal Server Error", s:get("/runaway/yield_to_nobody").json().detail)
    assert.truthy(s:log():find("lua/routes/runaway.lua:%d+: in "))
    s:stop()
  end)
end)
