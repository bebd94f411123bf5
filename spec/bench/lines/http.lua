local machine = require "spec.bench.machine"
local peers = require "spec.bench.peers"

local ROUTE = [[
return {
  summary = "What every framework's benchmark answers.",
  handle = function()
    return { json = { message = "hello", n = 42 } }
  end,
}
]]

local function ours()
  return machine.ours {
    config = 'table.insert(config.routes, { "GET", "/bench", "routes.bench" })',
    files = { ["lua/routes/bench.lua"] = ROUTE },
  }
end

local function measure(start, options)
  return function()
    local s = start()
    local found = machine.wrk(s, "/bench", { connections = 64, seconds = options.seconds })
    local pipelined =
      machine.wrk(s, "/bench", { connections = 64, seconds = options.seconds, depth = 16 })
    s:stop()
    return {
      req_s = found.req_s, cpu_us = found.cpu_us, p50_us = found.p50_us, p99_us = found.p99_us,
      pipelined_req_s = pipelined.req_s, errors = found.errors + pipelined.errors,
    }
  end
end

return {
  summary = "a JSON route in Lua, wrk -t1 -c64, then 16 requests at a time",
  subjects = function(options)
    return {
      { name = "moonledger", run = measure(ours, options) },
      { name = "limit_http",
        run = measure(function() return machine.probe "limit_http" end, options) },
      { name = "nginx+lua", missing = peers.missing "nginx",
        run = measure(peers.nginx_lua, options) },
    }
  end,
  targets = {
    { metric = "cpu_us", against = "limit_http", at_most = 1.25 },
    { metric = "cpu_us", against = "nginx+lua", at_most = 0.95 },
    { metric = "pipelined_req_s", against = "nginx+lua", at_least = 3.5 },
    { metric = "req_s", against = "limit_http", at_least = 0.95 },
    { metric = "p99_us", against = "limit_http", at_most = 1.1 },
    { metric = "errors", at_most = 0 },
  },
}
