local filled = require "spec.bench.filled"
local machine = require "spec.bench.machine"

local ROWS = 200000

local function ingest(database, first, rows)
  local s = machine.ours { database = database }
  local warm_up_s = filled.warm_up(s)
  local words = { "build/load_ingest", "--port", s.port, "--rows", ROWS, "--batch", 1000,
    "--first", first }
  local found = machine.run(filled.with_source(words, rows))
  local stored = s:get("/logs/system").json().storage
  s:stop()
  return {
    rows_s = found.rows_s, p99_us = found.p99_us, refused = found.refused, warm_up_s = warm_up_s,
    file_bytes_per_row = stored.file_bytes / stored.rows,
  }
end

local close

return {
  summary = "the same ingest into an empty store and into one with many rows",
  subjects = function(options)
    local subjects
    subjects, close = filled.large_and_empty(ROWS, options, function(database, first)
      return ingest(database, first, options.rows)
    end)
    return subjects
  end,
  close = function() close() end,
  targets = {
    { metric = "rows_s", against = "empty", at_least = 0.85 },
    { metric = "refused", at_most = 0 },
  },
}
