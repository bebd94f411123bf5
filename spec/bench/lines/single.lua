local helpers = require "spec.helpers"
local machine = require "spec.bench.machine"

local function ours(options)
  local s = machine.ours()
  local found = machine.run {
    "build/load_ingest", "--port", s.port, "--connections", 64, "--batch", 1, "--seconds",
    options.seconds,
  }
  s:stop()
  return { rows_s = found.rows_s, p50_us = found.p50_us, p99_us = found.p99_us,
    refused = found.refused }
end

local function probe(rows, durability)
  local folder = helpers.temporary_folder()
  local found = machine.run({
    "build/limit_insert", "--file", folder .. "/limit.db", "--batch", 1, "--rows", rows,
    "--durability", durability,
  }, 1)
  helpers.remove_folder(folder)
  return { rows_s = found.rows_s }
end

return {
  summary = "one record a request, 64 connections, each answered after an fsynced commit",
  subjects = function(options)
    return {
      { name = "moonledger", run = function() return ours(options) end },
      { name = "commit per record", run = function() return probe(2000, "full") end },
      { name = "commit per record, no fsync", run = function() return probe(20000, "normal") end },
    }
  end,
  targets = {
    { metric = "rows_s", against = "commit per record", at_least = 8 },
    { metric = "refused", at_most = 0 },
  },
}
