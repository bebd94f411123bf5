--- ./run bench [NAME ..] [--rounds 5] [--seconds 2] [--rows 10000000] [--list]
---
--- Every line of measurements is a file in spec/bench/lines.  Its subjects (ours,
--- probes, peers) are run in turn, round after round, so that a ratio compares what
--- ran side by side; medians and ranges are printed.
local report = require "spec.bench.report"

local LINES = {
  "http", "capture", "verdict", "ingest", "dimensions", "otlp", "at_size", "lookup", "cold",
  "single", "analytics", "query", "sse", "sse_5000", "metrics", "footprint", "mixed", "dashboard",
}

---@class Line
---@field summary string
---@field subjects fun(options: BenchOptions): Subject[]
---@field targets Target[]
---@field close? fun()      after the last round

---@class Target
---@field metric string
---@field of? string        subject; without: the first one
---@field against? string   subject: then the ratio to it counts
---@field than? string      its metric, when it has another name
---@field at_most? number
---@field at_least? number

---@class Subject
---@field name string
---@field missing? string  why it cannot be run here
---@field run fun(): table<string, number>

---@class BenchOptions
---@field rounds integer
---@field seconds integer   of one measurement
---@field rows integer      of the large database

local function parse(words)
  local options, names = { rounds = 5, seconds = 2, rows = 10000000 }, {}
  local i = 1
  while words[i] do
    local name = words[i]:match "^%-%-(%w+)$"
    if name == "list" then
      options.list = true
    elseif name and options[name] then
      i = i + 1
      options[name] =
        assert(math.tointeger(tonumber(words[i])), "--" .. name .. " needs a whole number")
    else
      assert(not name, "unknown option " .. words[i])
      names[#names + 1] = words[i]
    end
    i = i + 1
  end
  return options, #names > 0 and names or LINES
end

local function list()
  for _, name in ipairs(LINES) do
    print(("%-12s %s"):format(name, require("spec.bench.lines." .. name).summary))
  end
end

local function measure(name, options)
  local line = require("spec.bench.lines." .. name)
  print(("%s: %s (%d rounds)\n"):format(name, line.summary, options.rounds))
  io.stdout:flush()

  local subjects, results = line.subjects(options), {}
  for i, subject in ipairs(subjects) do
    results[i] = { name = subject.name, rounds = {}, skipped = subject.missing }
  end
  for round = 1, options.rounds do
    for i, subject in ipairs(subjects) do
      if not subject.missing then
        results[i].rounds[round] = subject.run()
      end
    end
  end
  if line.close then
    line.close()
  end
  report.print(line, results)
end

local options, names = parse(arg)
if options.list then
  list()
else
  for _, name in ipairs(names) do
    measure(name, options)
  end
end
