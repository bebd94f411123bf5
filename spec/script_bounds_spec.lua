--- No function of C that a script can reach holds a loop: it has a bound, gives
--- way, or raises when the time is up.
local server = require "spec.helpers.server"

-- Values that say they are larger than anything can be.
local HOSTILE = [[
  local HUGE = 1 << 60
  local huge = setmetatable({}, { __len = function() return HUGE end })
  local endless = setmetatable({}, {
    __len = function() return HUGE end,
    __index = coroutine.wrap(function() while true do coroutine.yield '' end end),
  })
  local long = ('a'):rep(1 << 20)
  local json = require 'json'
  local shared = { 1 }
  for _ = 1, 60 do shared = { shared, shared } end
]]

-- Name, and what the handler does; each would run for hours.
local ENDLESS = {
  { "pattern by its starts", [[return (('a'):rep(19000) .. '\n'):rep(100):find('a[^\n]-b')]] },
  { "pattern of brackets", "return ('('):rep(1 << 20):find('%b()')" },
  { "pattern of a long set", "return long:find('[' .. ('b'):rep(1 << 20) .. 'a]*c')" },
  { "pattern of a long lazy set", "return long:find('a[' .. ('b'):rep(1 << 20) .. 'a]-c')" },
  { "pattern of nothing", "return long:gsub('', ('%0'):rep(1 << 20))" },
  { "table.move", "return table.move({}, 1, HUGE, 2)" },
  { "table.move downwards", "return table.move({}, 1, HUGE, 2, {})" },
  { "table.insert", "return table.insert(huge, 1, 1)" },
  { "table.remove", "return table.remove(huge, 1)" },
  { "table.concat", "return table.concat(endless)" },
  { "table.sort", [[
    local long_one = setmetatable({}, { __len = function() return (1 << 31) - 2 end })
    return table.sort(long_one, rawequal)]] },
  { "table.sort of long texts", [[
    local t = {}
    for i = 1, 10000 do t[i] = long end
    table.sort(t)]] },
  { "json.encode of shared tables", "return json.encode(shared)" },
  { "json.encode of tables that were large", [[
    local was, list = {}, {}
    for i = 1, 100000 do was['k' .. i] = 1 end
    for i = 1, 100000 do was['k' .. i] = nil end
    for i = 1, 100000 do list[i] = was end
    return json.encode(list)]] },
  { "an answer of shared tables", "return shared" },
}

-- Fills memory outside of Lua's own.
local LARGE = {
  { "json.encode", "local t = { long } for _ = 1, 12 do t = { t, t } end json.encode(t)" },
  { "json.fragment", "local t = {} while true do t[#t + 1] = json.fragment(long) end" },
  { "json.values", "local t = {} while true do t[#t + 1] = json.values(long) end" },
  { "storage.append",
    "local t = {} for i = 1, 1000 do t[i] = { long = long } end "
      .. "require('storage').append('topic', t)" },
}

describe("a function of C #signals", function()
  local s
  lazy_setup(function()
    local lines = { HOSTILE, "local run = {}" }
    local cases = table.move(LARGE, 1, #LARGE, #ENDLESS + 1, { table.unpack(ENDLESS) })
    for i, case in ipairs(cases) do
      lines[#lines + 1] = ("run[%d] = function() %s end"):format(i, case[2])
    end
    lines[#lines + 1] = [[
      return { summary = "Runs.", handle = function(req)
        local f = run[math.tointeger(tonumber(req.params.n))]
        return { json = f() or {} }
      end }]]
    s = server.start {
      config = [[
        config.script.total_cpu_ms = 200
        config.script.burst_cpu_ms = 50
        config.script.wall_ms = 60000
        table.insert(config.routes, { "GET", "/run/{n}", "routes.run" })
        table.insert(config.routes, { "GET", "/right", "routes.right" })]],
      files = {
        ["lua/routes/run.lua"] = table.concat(lines, "\n"),
        ["lua/routes/right.lua"] = [[
          local function plain(t) return { table.unpack(t) } end
          return { summary = "Uses them right.", handle = function()
            local t = { 3, 1, 2 }
            local moved = table.move(plain(t), 1, 3, 2)
            local down = table.move(plain(moved), 2, 4, 1)
            local removed = { table.remove({}), table.remove(down), table.remove(down, 1),
              pcall(table.remove, down, 5) }
            table.insert(t, 2, 9)
            table.insert(t, 7)
            local by_c = { 1, 2 }
            table.sort(by_c, function(a, b) return b < a end)
            local sorted = { 'c', 'a', 'b' }
            table.sort(sorted)
            return { json = {
              empty = #(''):rep(1 << 60), rep = ('ab'):rep(3, '-'), none = ('x'):rep(-1),
              t = t, moved = moved, down = down, removed = #removed, by_c = by_c, sorted = sorted,
              concat = table.concat({ 1, 'b', 2.5 }, ', '),
              part = table.concat({ 1, 2, 3 }, '', 2, 3),
              wrong = select(2, pcall(table.concat, { {} })),
              place = select(2, pcall(table.insert, t, 99, 1)):match('%((.*)%)'),
              handled = { xpcall(error, function(m) return m .. '!' end, 'x') },
              passed = { xpcall(function(...) return ... end, error, 1, 2) },
            } }
          end }]],
      },
    }
  end)
  lazy_teardown(function() s:stop() end)

  for i, case in ipairs(ENDLESS) do
    it("ends where it would run for hours: " .. case[1], function()
      local response = s:get("/run/" .. i)
      assert.equal(503, response.status)
      assert.truthy(response.json().detail:find("CPU time", 1, true))
      assert.equal(200, s:get("/health/live").status)
    end)
  end

  for i, case in ipairs(LARGE) do
    it("has no memory beyond the state's: " .. case[1], function()
      local before = s:resident_kib()
      local response = s:get("/run/" .. #ENDLESS + i)
      assert.is_true(response.status == 500 or response.status == 503, response.status)
      local grown = s:resident_kib() - before
      assert.is_true(grown < 4 * 64 * 1024, ("%d KiB more"):format(grown))
      assert.equal(200, s:get("/health/live").status)
    end)
  end

  it("does what Lua's own does", function()
    assert.same({
      empty = 0, rep = "ab-ab-ab", none = "",
      t = { 3, 9, 1, 2, 7 }, moved = { 3, 3, 1, 2 }, down = { 1, 2 }, removed = 5, by_c = { 2, 1 },
      sorted = { "a", "b", "c" }, concat = "1, b, 2.5", part = "23",
      wrong = "invalid value (table) at index 1 in table for 'concat'",
      place = "position out of bounds",
      handled = { false, "x!" }, passed = { true, 1, 2 },
    }, s:get("/right").json())
  end)
end)

describe("a server that is asked to end #signals", function()
  local BUSY = {
    "while true do end",
    "while true do pcall(function() while true do end end) end",
    "return ('a'):rep(20000):find('.-.-.-b')",
    "table.sort({ 3, 2, 1 }, function() while true do end end)",
    "return table.move({}, 1, 1 << 60, 2)",
    "local function f(n) if n > 0 then return 1 + f(n - 1) end while true do end end f(100000)",
    "while true do local t = ('x'):rep(4000000) end",
  }

  it("does so when limits.shutdown_ms have passed, whatever scripts do", function()
    local lines = { "local run = {}" }
    for i, code in ipairs(BUSY) do
      lines[#lines + 1] = ("run[%d] = function() %s end"):format(i, code)
    end
    lines[#lines + 1] = [[
      return { summary = "Runs.", handle = function(req)
        return run[math.tointeger(tonumber(req.params.n))]()
      end }]]
    local s <close> = server.start {
      workers = 1, files = { ["lua/routes/run.lua"] = table.concat(lines, "\n") },
      config = [[
        config.script.total_cpu_ms = 3600000
        config.script.wall_ms = 3600000
        config.limits.shutdown_ms = 300
        table.insert(config.routes, { "GET", "/run/{n}", "routes.run" })]],
    }
    local connections = {}
    for i in ipairs(BUSY) do
      connections[i] = s:raw(("GET /run/%d HTTP/1.1\r\nHost: localhost\r\n\r\n"):format(i))
    end
    assert.equal(200, s:get("/health/live").status)
    -- fails where it takes longer than the helpers wait, which is not for the hours that
    -- the scripts have
    s:stop()
    for _, connection in ipairs(connections) do
      connection:close()
    end
  end)
end)
