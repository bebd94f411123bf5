--- What it costs to look for the id of every record in all segments of ids: single records into a
--- store whose ids have nearly all left memory, so that filters stand before the segments, and into
--- one where there is nothing to look in.
local filled = require "spec.bench.filled"
local machine = require "spec.bench.machine"

local ROWS = 50000

-- A tenth of the ids stays in memory; sixteen times as many have filters.
local function few_in_memory(rows)
  return ("config.storage.dedupe_max_ids = %d"):format(rows // 10)
end

local function ingest(database, first, rows)
  local s = machine.ours { database = database, config = few_in_memory(rows) }
  filled.warm_up(s)
  local before = machine.cpu_seconds(s.pid)
  local found = machine.run(filled.with_source({ "build/load_ingest", "--port", s.port,
    "--connections", 64, "--batch", 1, "--rows", ROWS, "--first", first }, rows))
  local cpu = machine.cpu_seconds(s.pid) - before
  s:stop()
  return { cpu_us = cpu * 1e6 / ROWS, refused = found.refused }
end

local close

return {
  summary = "one record a request, its id looked for among many in the file",
  subjects = function(options)
    local subjects
    subjects, close = filled.large_and_empty(ROWS, options, function(database, first)
      return ingest(database, first, options.rows)
    end)
    return subjects
  end,
  close = function() close() end,
  targets = {
    { metric = "cpu_us", against = "empty", at_most = 1.2 },
    { metric = "refused", at_most = 0 },
  },
}
