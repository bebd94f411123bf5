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

local function ours(core)
  return machine.ours { wrap = machine.pin(core) }
end

local function old(core)
  local folder = helpers.temporary_folder()
  return machine.start({ OLD .. "/build/moonledger", "--config", OLD .. "/config.lua", "--listen",
    "127.0.0.1:0", "--database", folder .. "/old.db", "--workers", 1 },
    { folder = folder, core = core })
end

local subjects = {
  { name = "not told", run = function() return load(ours(1), 0) end },
}
local targets = { { of = "not told", metric = "refused", at_most = 0 } }

-- The server on one core, which all its threads share, and on those that there are.
for _, place in ipairs { { "one core", 1 }, { "any core", machine.ANY_CORE } } do
  for _, when in ipairs { { "of now", false }, { "of a day", true } } do
    local core, spread = place[2], when[2]
    local words = (", %s, %s"):format(when[1], place[1])
    table.insert(subjects,
      { name = "told" .. words, run = function() return load(ours(core), 1, spread) end })
    table.insert(subjects, { name = "old" .. words,
      run = function() return load(old(core), 0, spread) end,
      missing = not OLD and "$OLD names no built checkout" or nil })
    table.insert(targets, { of = "told" .. words, metric = "rows_s", against = "old" .. words,
      at_least = 0.7 })
    table.insert(targets, { of = "told" .. words, metric = "refused", at_most = 0 })
  end
end

return {
  summary = "ingest as NDJSON with every dimension told, and without",
  subjects = function() return subjects end,
  targets = targets,
}
