--- What it costs that records tell who spent it, and that there are cells of each of these: beside
--- a build of before there were dimensions, in the checkout that $OLD names.  Records of now, as
--- they come while they are sent, and those of a day that is loaded later: 231 a minute, which are
--- more cells.
local helpers = require "spec.helpers"
local machine = require "spec.bench.machine"

local ROWS = 400000
local OLD = os.getenv "OLD"

local function load(s, owned, spread)
  local before = machine.cpu_seconds(s.pid)
  local words = { "build/load_ingest", "--port", s.port, "--rows", ROWS, "--batch", 1000,
    "--owned", owned }
  if not spread then
    table.move({ "--start-us", os.time() * 1000000, "--step-us", 10 }, 1, 4, #words + 1, words)
  end
  local found = machine.run(words)
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
    local missing = not OLD and "$OLD names no built checkout" or nil
    return {
      { name = "told", run = function() return load(machine.ours(), 1) end },
      { name = "not told", run = function() return load(machine.ours(), 0) end },
      { name = "old, not told", run = function() return load(old(), 0) end, missing = missing },
      { name = "told, of a day", run = function() return load(machine.ours(), 1, true) end },
      { name = "old, not told, of a day", run = function() return load(old(), 0, true) end,
        missing = missing },
    }
  end,
  targets = {
    { metric = "rows_s", against = "old, not told", at_least = 0.7 },
    { of = "told, of a day", metric = "rows_s", against = "old, not told, of a day",
      at_least = 0.7 },
    { metric = "refused", at_most = 0 },
  },
}
