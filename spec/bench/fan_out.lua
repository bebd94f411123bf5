--- The lines about event streams: so many subscribers, one event to all of them.
local machine = require "spec.bench.machine"
local peers = require "spec.bench.peers"

local RAW = { "--raw", 1, "--subscribe", "/", "--publish", "/" }
local NCHAN = { "--raw", 1, "--subscribe", "/sub", "--publish", "/pub" }

local function client(s, subscribers, words, more)
  local all = { "build/load_sse", "--port", s.port, "--subscribers", subscribers }
  table.move(words, 1, #words, #all + 1, all)
  table.move(more, 1, #more, #all + 1, all)
  return machine.ready(all)
end

-- Memory when what the server keeps for later is full.
local function settled_kib(s, words)
  local before, kib = 0, machine.rss_kib(s.pid)
  while kib > before + 256 do
    client(s, 1, words, { "--seconds", 2 })()
    before, kib = kib, machine.rss_kib(s.pid)
  end
  return kib
end

--- Throughput with 16 events in flight, then latencies at a fixed rate, then what
--- the subscribers cost in memory.
local function measure(start, subscribers, words, options, rate)
  return function()
    local s = start()
    local rss = settled_kib(s, words)
    local many = client(s, subscribers, words, { "--seconds", options.seconds })()
    local kib_each = (machine.rss_kib(s.pid) - rss) / subscribers
    local timed = client(s, subscribers, words, { "--seconds", options.seconds, "--rate", rate })()
    s:stop()
    return {
      deliveries_s = many.deliveries_s, p50_us = timed.p50_us, p99_us = timed.p99_us,
      kib_each = math.max(0, kib_each), missing = many.missing + timed.missing,
    }
  end
end

---@param line { subscribers: integer, rate: integer, targets: table[] }
---@return Line
return function(line)
  local function subject(name, start, words, options, missing)
    return { name = name, missing = missing,
      run = measure(start, line.subscribers, words, options, line.rate) }
  end
  return {
    summary = ("one event of 780 bytes to %d subscribers, 16 in flight; latency at %d events/s")
        :format(
      line.subscribers, line.rate),
    subjects = function(options)
      local function probe(...)
        local words = { ... }
        return function() return machine.probe("limit_sse", table.unpack(words)) end
      end
      return {
        subject("moonledger", machine.ours, {}, options),
        subject("100 filters", machine.ours, { "--filters", 100 }, options),
        subject("limit_sse", probe(), RAW, options),
        subject("limit_sse --coalesce", probe "--coalesce", RAW, options),
        subject("nchan", peers.nchan, NCHAN, options, peers.missing "nchan"),
      }
    end,
    targets = line.targets,
  }
end
