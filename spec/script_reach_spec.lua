--- Every function that a script can reach, found in the state as it runs, is called
--- with hostile arguments: none holds a loop, takes the server down, or keeps it from
--- ending.
local server = require "spec.helpers.server"
local socket = require "socket"

-- Walks what a script can name: globals, libraries, the core's modules, and the
-- methods of the objects they make.
local REACH = [[
local json = require "json"
local long = ("a"):rep(1 << 20)
local HUGE = 1 << 60
local MODULES = { "cjson", "config", "crypto", "json", "kv", "log", "metrics", "price_file",
  "protobuf", "server", "sse", "storage" }

-- Not called: they write what this spec would have to read, reload, delete, or end
-- the call by what they are for.
local LEFT_OUT = { ["_G.print"] = true, ["_G.error"] = true, ["server.reload"] = true,
  ["storage.reset"] = true }

local function objects(req)
  local schema = require("protobuf").schema {
    M = { name = { 1, "string" }, list = { 2, "M", repeated = true } },
  }
  return {
    ["request"] = req, ["body"] = req.body, ["fragment"] = json.fragment "{}", ["schema"] = schema,
    ["counter"] = require("metrics").counter { name = "reach_total", help = "Calls." },
    ["gauge"] = require("metrics").gauge { name = "reach_now", help = "Calls." },
    ["histogram"] = require("metrics").histogram { name = "reach_seconds", help = "Calls." },
  }
end

local METHODS = { "inc", "set", "observe", "decode", "items" }

local function walk(found, seen, name, value, depth)
  if type(value) == "function" and not seen[value] and not LEFT_OUT[name] then
    seen[value] = true
    found[#found + 1] = { name = name, f = value }
  elseif type(value) == "table" and not seen[value] and depth < 4 then
    seen[value] = true
    for key, inner in pairs(value) do
      if type(key) == "string" then walk(found, seen, name .. "." .. key, inner, depth + 1) end
    end
  end
end

local function reach(req)
  local found, seen = {}, {}
  walk(found, seen, "_G", _G, 0)
  for _, name in ipairs(MODULES) do walk(found, seen, name, require(name), 0) end
  for name, object in pairs(objects(req)) do
    for _, method in ipairs(METHODS) do
      local ok, f = pcall(function() return object[method] end)
      if ok and type(f) == "function" then walk(found, seen, name .. "." .. method, f, 0) end
    end
  end
  table.sort(found, function(a, b) return a.name < b.name end)
  return found
end

local function hostile()
  local cyclic, deep, shared = {}, {}, { 1 }
  cyclic[1], cyclic.self = cyclic, cyclic
  for _ = 1, 5000 do deep = { deep } end
  for _ = 1, 60 do shared = { shared, shared } end
  local function nothing() return HUGE end
  local sized = setmetatable({}, { __len = nothing, __newindex = nothing,
    __index = function() return "" end })
  local like_c = setmetatable({}, { __len = nothing, __index = type })
  local looping = setmetatable({}, { __index = function() while true do end end, __len = nothing })
  local list = {}
  for i = 1, 1000 do list[i] = long end
  return { HUGE, math.maxinteger, math.mininteger, 0 / 0, "", long, cyclic, deep, shared, sized,
    like_c, looping, list, "%b()", "[^\n]-b", nothing, rawequal, true }
end

-- Shapes of calls: places of hostile values, after an own first argument where a method needs one.
local SHAPES = {
  function(v) return v end,
  function(v) return v, v end,
  function(v) return v, v, v, v end,
  function(v) return v, HUGE end,
  function(v) return v, 1, HUGE, 2 end,
  function(v) return v, 1, v end,
  function(v) return "", HUGE, v end,
  function(v) return long, v, "%0%0" end,
  function(v) return { v, v }, v end,
}

local function call(req, one)
  local object = objects(req)[one.name:match "^(%a+)%."]
  local values = hostile()
  local shape_number = math.tointeger(tonumber(req.params.shape))
  local shape = SHAPES[shape_number]
  -- From another one in each shape: a call that uses the time up hides those behind it.
  for i = 1, #values do
    local v = values[(i + 2 * shape_number) % #values + 1]
    if object then pcall(one.f, object, shape(v)) else pcall(one.f, shape(v)) end
  end
end

return { summary = "Calls what it finds.", handle = function(req)
  local found = reach(req)
  local n = math.tointeger(tonumber(req.params.n))
  if n == 0 then
    local names = {}
    for i, one in ipairs(found) do names[i] = one.name end
    return { json = { names = names, shapes = #SHAPES } }
  end
  call(req, found[n])
  return { json = { called = found[n].name } }
end }
]]

local CONFIG = [[
  config.script.total_cpu_ms = 20
  config.script.burst_cpu_ms = 10
  config.script.wall_ms = 500
  config.limits.shutdown_ms = 2000
  table.insert(config.routes, { "GET", "/reach/{n}/{shape}", "routes.reach" })
]]

local WATCHDOG_SECONDS = 20 -- where a loop is held, it is held for hours

describe("every function that a script can reach", function()
  local function start()
    return server.start {
      workers = 1, config = CONFIG, files = { ["lua/routes/reach.lua"] = REACH },
    }
  end

  local function ends(s, path)
    local connection = s:raw(("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"):format(path))
    local readable = socket.select({ connection.socket }, nil, WATCHDOG_SECONDS)
    local response = readable[1] and connection:response()
    connection:close()
    return response
  end

  it("gives the loop back, and the server ends when it is asked to", function()
    local s <close> = start()
    local all = s:get("/reach/0/1").json()
    assert.truthy(all.names, s:log())
    assert.is_true(#all.names > 100, #all.names)
    for n, name in ipairs(all.names) do
      for shape = 1, all.shapes do
        assert.truthy(ends(s, ("/reach/%d/%d"):format(n, shape)),
          ("%s, shape %d, holds its loop"):format(name, shape))
      end
    end
    assert.equal(200, s:get("/health/live").status)
    s:stop()
  end)
end)
