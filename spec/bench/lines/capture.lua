local helpers = require "spec.helpers"
local machine = require "spec.bench.machine"
local peers = require "spec.bench.peers"

--- Waits until every call is a row.
local function settle(s, calls)
  helpers.eventually(function()
    local rows = s:get("/metrics").body:match "\nmoonledger_store_rows (%d+)\n"
    return tonumber(rows) >= calls
  end)
end

local function ours(port)
  return machine.ours {
    config = ('config.captures = { ["/anthropic"] = "http://127.0.0.1:%d" }'):format(port),
  }
end

local function measure(start, path, options, afterwards)
  return function()
    local upstream = peers.upstream()
    local s = start(upstream.port)
    local found = machine.wrk(s, path, { connections = 64, seconds = options.seconds })
    if afterwards then
      afterwards(s, found.requests)
    end
    s:stop()
    upstream:stop()
    return {
      req_s = found.req_s, cpu_us = found.cpu_us, p50_us = found.p50_us, p99_us = found.p99_us,
      errors = found.errors,
    }
  end
end

return {
  summary = "small JSON calls that pass through, wrk -t1 -c64, the same upstream behind both",
  subjects = function(options)
    local missing = peers.missing "nginx"
    return {
      { name = "moonledger", missing = missing,
        run = measure(ours, "/anthropic/v1/messages", options, settle) },
      { name = "nginx", missing = missing, run = measure(peers.proxy, "/v1/messages", options) },
    }
  end,
  targets = {
    { metric = "req_s", against = "nginx", at_least = 0.3 },
    { metric = "errors", at_most = 0 },
  },
}
