local captured = require "spec.bench.captured"
local helpers = require "spec.helpers"
local machine = require "spec.bench.machine"
local peers = require "spec.bench.peers"

local STREAMS = 1000

--- Waits until every call is a row.
local function settle(s, calls)
  helpers.eventually(function()
    local rows = s:get("/metrics").body:match "\nmoonledger_store_rows (%d+)\n"
    return tonumber(rows) >= calls
  end)
end

local function ours(port)
  return captured.ours("http://127.0.0.1:" .. port)
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

-- Streams: what is added to the first event, and what 1,000 open ones take, with TLS told apart.
local function streams(start, path, holds)
  return function()
    local upstream = captured.upstream()
    local between = start(upstream.port)
    local found = {
      added_us = captured.added_us(upstream, between, path),
      kib_each = holds and captured.kib_each(between, STREAMS) or nil,
    }
    between:stop()
    upstream:stop()
    return found
  end
end

local function tls_streams()
  local upstream = captured.upstream()
  local tls = peers.tls_proxy(upstream.port)
  local s = captured.ours("https://127.0.0.1:" .. tls.port,
    ("config.outside.ca_file = %q"):format(tls.certificate))
  local found = { kib_each = captured.kib_each(s, STREAMS) }
  s:stop()
  tls:stop()
  upstream:stop()
  helpers.remove_folder(tls.certificate:match "^(.*)/")
  return found
end

local function calls(options)
  local ours_us, wrk_us = captured.call_cpu_us(options.seconds)
  return { call_us = ours_us, wrk_us = wrk_us }
end

return {
  summary = "calls that pass through, the same upstream behind both: JSON, wrk -t1 -c64; streams",
  subjects = function(options)
    local missing = peers.missing "nginx"
    return {
      { name = "moonledger", missing = missing,
        run = measure(ours, "/anthropic/v1/messages", options, settle) },
      { name = "nginx", missing = missing, run = measure(peers.proxy, "/v1/messages", options) },
      { name = "streams", run = streams(ours, "/anthropic/v1/messages", true) },
      { name = "nginx streams", missing = missing, run = streams(peers.proxy, "/v1/messages") },
      { name = "streams of TLS", missing = missing, run = tls_streams },
      { name = "http.get", missing = missing, run = function() return calls(options) end },
    }
  end,
  targets = {
    { metric = "req_s", against = "nginx", at_least = 0.3 },
    { metric = "errors", at_most = 0 },
    { metric = "added_us", of = "streams", against = "nginx streams", at_most = 3 },
    { metric = "kib_each", of = "streams", at_most = 40 },
    { metric = "call_us", of = "http.get", against = "http.get", than = "wrk_us", at_most = 4 },
  },
}
