--- Scripts that run away cost their own request and nothing else.
local server = require "spec.helpers.server"
local socket = require "socket"

-- Where the memory or the stack ends first, the time must not.
local function config(total_cpu_ms)
  return ([[
    config.script.total_cpu_ms = %d
    config.script.burst_cpu_ms = 50
    config.script.wall_ms = 60000
    table.insert(config.routes, { "GET", "/runaway/{name}", "routes.runaway" })
    table.insert(config.routes, { "GET", "/calm", "routes.calm" })
    table.insert(config.routes, { "GET", "/waits", "routes.waits" })
  ]]):format(total_cpu_ms)
end

local SHORT, LONG = config(150), config(20000)

local CALM =
  [[return { summary = "Calm.", handle = function() return { json = { calm = true } } end }]]
local WAITS = [[return { summary = "Waits for ever.", timeout_ms = 100,
  handle = function() sleep(3600000) end }]]

-- Name, status, words of the log, and what the handler does.
local RUNAWAYS = {
  { "endless_loop", 503, "CPU time", "while true do end" },
  { "loop_in_pcall", 503, "CPU time", "while true do pcall(function() while true do end end) end" },
  { "loop_in_coroutine", 503, "CPU time", "coroutine.wrap(function() while true do end end)()" },
  { "loop_in_pcalled_coroutine", 503, "CPU time",
    "while true do pcall(coroutine.wrap(function() while true do end end)) end" },
  { "loop_in_comparator", 503, "CPU time",
    "table.sort({ 3, 2, 1 }, function() while true do end end)" },
  { "pcall_in_comparator", 503, "CPU time",
    "table.sort({ 3, 2, 1 }, function() while true do pcall(function() while true do end end) "
      .. "end end)" },
  { "comparator_in_coroutine", 503, "CPU time",
    "coroutine.wrap(function() table.sort({ 3, 2, 1 }, function() while true do end end) end)()" },
  { "coroutine_in_comparator", 503, "CPU time",
    "table.sort({ 3, 2, 1 }, function() coroutine.wrap(function() while true do end end)() end)" },
  { "loop_in_gsub", 503, "CPU time", "('x'):gsub('x', function() while true do end end)" },
  { "loop_in_index", 503, "CPU time",
    "return setmetatable({}, { __index = function() while true do end end }).x" },
  { "loop_in_tostring", 503, "CPU time",
    "return tostring(setmetatable({}, { __tostring = function() while true do end end }))" },
  { "pattern", 503, "CPU time", "return ('a'):rep(20000):find('.-.-.-b')" },
  { "pattern_gsub", 503, "CPU time", "return ('a'):rep(20000):gsub('.*.*.*b', '')" },
  { "pattern_gmatch", 503, "CPU time", "for _ in ('a'):rep(20000):gmatch('.-.-.-b') do end" },
  { "long_c_calls", 503, "CPU time", "while true do local s = ('x'):rep(4000000) end" },
  { "table_insert", 503, "CPU time",
    "local t = {} for i = 1, 100000 do t[i] = i end while true do table.insert(t, 1, 1) "
      .. "table.remove(t) end" },
  { "rep_bomb", 500, "not enough memory", "return ('x'):rep(1 << 30)" },
  { "growing_table", 500, "not enough memory", "local t = {} while true do t[#t + 1] = {} end" },
  { "growing_text", 500, "not enough memory", "local t = 'x' while true do t = t .. t end" },
  { "growing_list", 500, "not enough memory",
    "local t = {} while true do t[#t + 1] = ('x'):rep(100000 + #t) end" },
  { "many_coroutines", 500, "not enough memory",
    "local t = {} while true do t[#t + 1] = coroutine.create(print) end" },
  { "deep_coroutines", 500, "too deep",
    "local function f() return coroutine.wrap(f)() end f()" },
  { "deep_recursion", 500, "script failed", "local function f() return 1 + f() end f()" },
  { "handler_of_xpcall", 503, "CPU time", [[
    table.sort({ 3, 2, 1 }, function()
      local function loop() while true do end end
      xpcall(loop, loop)
    end)]] },
  { "pcall_deep", 503, "CPU time", [[
    local function loop() while true do end end
    local function f(n) if n > 0 then return 1 + f(n - 1) end while true do pcall(loop) end end
    table.sort({ 3, 2, 1 }, function() f(5000) end)]] },
  { "long_c_calls_deep", 503, "CPU time", [[
    local s = ('x'):rep(4000000)
    local function f(n) if n > 0 then return 1 + f(n - 1) end while true do local t = s .. n end end
    f(100000)]] },
  { "wait_in_comparator", 500, "sleep waits and cannot be called inside table.sort",
    "table.sort({ 3, 2, 1 }, function() sleep(1) end)" },
  { "wait_in_coroutine", 500, "sleep waits and cannot be called in a coroutine",
    "coroutine.wrap(function() sleep(1) end)()" },
  { "yield_to_nobody", 500, "yield from outside a coroutine", "coroutine.yield(1)" },
  { "table_as_error", 500, "the error is a table value", "error({})" },
  { "nil_as_error", 500, "the error is a nil value", "error(nil)" },
  { "looping_error", 500, "the error is a table value",
    "error(setmetatable({}, { __tostring = function() while true do end end }))" },
  { "gc", 500, "__gc is not available", "setmetatable({}, { __gc = function() error('x') end })" },
  { "error_in_close", 500, "second",
    "local x <close> = setmetatable({}, { __close = function() error('second') end }) return {}" },
  { "loop_in_close", 500, "first",
    "local x <close> = setmetatable({}, { __close = function() while true do end end }) "
      .. "error('first')" },
  { "loop_in_close_of_loop", 503, "CPU time", [[
    local x <close> = setmetatable({}, { __close = function() while true do pcall(error) end end })
    while true do end]] },
  { "loop_in_close_of_coroutine", 503, "CPU time", [[
    local co = coroutine.wrap(function()
      local x <close> = setmetatable({}, { __close = function() while true do end end })
      while true do end
    end)
    pcall(co)]] },
  { "long_load", 500, "the text is too long", "load(('x=1 '):rep(1000000))" },
  { "no_answer", 500, "answered a nil", "" },
  { "no_json", 500, "json that cannot be written", "return { json = { f = print } }" },
  { "header_injection", 500, "characters that no header may have",
    "return { headers = { a = 'b\\r\\nc: d' }, body = '' }" },
  { "unknown_field", 500, "unknown field 'jsn'", "return { jsn = {} }" },
}

local function runaway_file()
  local lines = { "local run = {}" }
  for _, case in ipairs(RUNAWAYS) do
    lines[#lines + 1] = ("function run.%s() %s end"):format(case[1], case[4])
  end
  lines[#lines + 1] =
    'return { summary = "Runs away.", handle = function(req) return run[req.params.name]() end }'
  return table.concat(lines, "\n")
end

local function start(workers, text)
  return server.start {
    workers = workers, config = text,
    files = {
      ["lua/routes/runaway.lua"] = runaway_file(), ["lua/routes/calm.lua"] = CALM,
      ["lua/routes/waits.lua"] = WAITS,
    },
  }
end

for workers = 1, 2 do
  describe("a script that runs away, with " .. workers .. " loops", function()
    local short, long
    setup(function() short, long = start(workers, SHORT), start(workers, LONG) end)
    teardown(function()
      short:stop()
      long:stop()
    end)

    local function costs_its_own_request(s, path, status, words)
      local before = #s:log()
      local response = s:get(path)
      assert.equal(status, response.status)
      assert.equal("string", type(response.json().detail))
      local line = s:log():sub(before + 1)
      assert.truthy(line:find(words, 1, true), line)
      assert.truthy(line:find("request_id=" .. response.headers["x-request-id"], 1, true), line)
      assert.same({ calm = true }, s:get("/calm").json())
    end

    for _, case in ipairs(RUNAWAYS) do
      local name, status, words = table.unpack(case)
      it("costs its own request: " .. name, function()
        costs_its_own_request(status == 503 and short or long, "/runaway/" .. name, status, words)
      end)
    end

    it("costs its own request: waits for ever", function()
      costs_its_own_request(short, "/waits", 503, "took too long")
    end)

    it("keeps its memory only as long as it runs", function()
      for _ = 1, 6 do
        assert.equal(500, long:get("/runaway/growing_table").status)
        assert.equal(200, long:get("/calm").status)
      end
    end)
  end)
end

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

  it("answer as soon as without them, give or take a slice for each", function()
    local s <close> = start(1, config(1000))
    local quiet = quantile(measure(s, 0.5), 0.5)
    local connections = {}
    for i, name in ipairs(HITS) do
      connections[i] = s:raw(("GET /runaway/%s HTTP/1.1\r\nHost: localhost\r\n\r\n"):format(name))
    end
    local busy = quantile(measure(s, 1), 0.5)
    for i in ipairs(HITS) do
      assert.truthy(connections[i]:response().status >= 500)
      connections[i]:close()
    end
    assert.is_true(busy < quiet + 0.025,
      ("median %.1f ms, without runaways %.1f ms"):format(busy * 1e3, quiet * 1e3))
    s:stop()
  end)

  it("have the memory that they need while others fill it", function()
    local s <close> = start(1, LONG)
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
      workers = 1, config = SHORT .. 'config.routes = { { "GET", "/calm", "routes.calm" } }',
      files = { ["lua/routes/calm.lua"] = "every(10, function() while true do end end)\n" .. CALM },
    }
    server.eventually(
      function() return s:log():find "used up its CPU time.-used up its CPU time" end)
    assert.equal(200, s:get("/calm").status)
    s:stop()
  end)
end)

describe("the traceback of a script's error", function()
  it("stands in the answer when dev = true", function()
    local s <close> = start(1, SHORT .. "config.dev = true")
    local response = s:get("/runaway/table_as_error")
    assert.equal(500, response.status)
    assert.truthy(response.json().detail:find("lua/routes/runaway.lua:%d+: in "))
    s:stop()
  end)

  it("stands only in the log otherwise", function()
    local s <close> = start(1, SHORT)
    assert.equal("Internal Server Error", s:get("/runaway/yield_to_nobody").json().detail)
    assert.truthy(s:log():find("lua/routes/runaway.lua:%d+: in "))
    s:stop()
  end)
end)
