--- What it costs that records tell who spent it, and that there are cells of each of these: beside
--- a build of before there were dimensions, in the checkout that $OLD names.
local helpers = require "spec.helpers"
local machine = require "spec.bench.machine"

local ROWS = 200000
local OLD = os.getenv "OLD"

local function load(s, owned)
  local before = machine.cpu_seconds(s.pid)
  local found = machine.run { "build/load_ingest", "--port", s.port, "--rows", ROWS,
    "--batch", 1000, "--owned", owned }
  local cpu = machine.cpu_seconds(s.pid) - before
  s:stop()
  return { rows_s = found.rows_s, cpu_us = cpu * 1e6 / ROWS, refused = found.refused }
end

local function old()
  local folder = helpers.temporary_folder()
  return machine.start({ OLD .. "/build/moonledger", "--config", OLD .. "/config.lua", "--listen",
    "127.0.0.1:0", "--database", folder .. "/old.db", "--workers", 1 }, { folder = folder })
end

return {
  summary = "ingest as NDJSON with every dimension told, and without",
  subjects = function()
    return {
      { name = "told", run = function() return load(machine.ours(), 1) end },
      { name = "not told", run = function() return load(machine.ours(), 0) end },
      { name = "old, not told", run = function() return load(old(), 0) end,
        missing = not OLD and "$OLD names no built checkout" or nil },
    }
  end,
  targets = {
    { metric = "rows_s", against = "old, not told", at_least = 0.7 },
    { metric = "refused", at_most = 0 },
  },
}
