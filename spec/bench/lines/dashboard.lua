local filled = require "spec.bench.filled"
local machine = require "spec.bench.machine"

local RUNS = 11

-- A browser is many processes: it may use both cores.
local function measure(...)
  return machine.run { "taskset", "-c", "0-1", "node", "spec/browser/measure.mjs", RUNS, ... }
end

local function overview(hours, options)
  return function()
    local s = filled.server(options.rows)
    local from, to = filled.window(hours):match "start_time=(%d+)%.%d+&end_time=(%d+)"
    local query = ("?window=custom&from=%s&to=%s"):format(from, to)
    local found = measure(s.url, query)
    s:stop()
    return found
  end
end

return {
  summary =
    "the dashboard's overview in Chromium, from navigation to figures and charts, cold cache",
  subjects = function(options)
    return {
      { name = "24 h", run = overview(24, options) },
      { name = "7 days", run = overview(168, options) },
      { name = "30 days", run = overview(720, options) },
      { name = "a bare page", run = measure },
    }
  end,
  targets = {
    { metric = "p50_ms", of = "24 h", against = "a bare page", at_most = 3.5 },
    { metric = "p50_ms", of = "7 days", against = "a bare page", at_most = 3.5 },
    { metric = "p50_ms", of = "30 days", against = "a bare page", at_most = 3.5 },
  },
}
