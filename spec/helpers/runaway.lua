--- Handlers that run away, and a server that has them.
local server = require "spec.helpers.server"

local runaway = {}

-- Where the memory or the stack ends first, the time must not.
--- What config.lua is changed by, for scripts that may run so long.
function runaway.config(total_cpu_ms)
  return ([[
    config.script.total_cpu_ms = %d
    config.script.burst_cpu_ms = 50
    config.script.wall_ms = 60000
    table.insert(config.routes, { "GET", "/runaway/{name}", "routes.runaway" })
    table.insert(config.routes, { "GET", "/calm", "routes.calm" })
    table.insert(config.routes, { "GET", "/waits", "routes.waits" })
  ]]):format(total_cpu_ms)
end

runaway.SHORT, runaway.LONG = runaway.config(150), runaway.config(20000)

runaway.CALM =
  [[return { summary = "Calm.", handle = function() return { json = { calm = true } } end }]]
local WAITS = [[return { summary = "Waits for ever.", timeout_ms = 100,
  handle = function() sleep(3600000) end }]]

-- Name, status, words of the log, and what the handler does.
runaway.CASES = {
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
  { "no_answer", 500, "returned a nil", "" },
  { "no_json", 500, "json that cannot be written", "return { json = { f = print } }" },
  { "header_injection", 500, "characters that no header may have",
    "return { headers = { a = 'b\\r\\nc: d' }, body = '' }" },
  { "unknown_field", 500, "unknown field 'jsn'", "return { jsn = {} }" },
}

local function runaway_file()
  local lines = { "local run = {}" }
  for _, case in ipairs(runaway.CASES) do
    lines[#lines + 1] = ("function run.%s() %s end"):format(case[1], case[4])
  end
  lines[#lines + 1] =
    'return { summary = "Runs away.", handle = function(req) return run[req.params.name]() end }'
  return table.concat(lines, "\n")
end

--- A server with the cases under /runaway/NAME, and with /calm and /waits.
function runaway.start(workers, text)
  return server.start {
    workers = workers, config = text,
    files = {
      ["lua/routes/runaway.lua"] = runaway_file(), ["lua/routes/calm.lua"] = runaway.CALM,
      ["lua/routes/waits.lua"] = WAITS,
    },
  }
end

return runaway
