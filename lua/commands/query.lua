--- moonledger query: rows that match, newest first.
local env = require "env"
local json = require "json"
local ledger = require "lib.ledger"
local moments = require "lib.moments"
local term = require "term"
local zones = require "lib.zones"

local PATH = "/logs/query"

local shown = "timestamp,status_code,model,endpoint,duration_ms,cost_usd,tokens_input,"
  .. "tokens_output,cache_read_tokens,service_type,user,error_type"

local function without_nulls(row)
  for name, value in pairs(row) do
    row[name] = value ~= json.null and value or nil
  end
  return row
end

local function show_lines(rows)
  local request_line = require "lib.request_line"
  for i = #rows, 1, -1 do
    print(request_line.of(without_nulls(rows[i])))
  end
end

local function as_text(value)
  if value == nil or value == json.null then
    return ""
  end
  return type(value) == "string" and value or json.encode(math.tointeger(value) or value)
end

local function show_csv(rows, fields)
  local columns, lines = {}, {}
  for name in fields:gmatch "[^,]+" do
    columns[#columns + 1] = { name }
  end
  for i, row in ipairs(rows) do
    lines[i] = {}
    for j, column in ipairs(columns) do
      lines[i][j] = as_text(row[column[1]])
    end
  end
  term.write(require("lib.text_table").csv(columns, lines))
end

-- The query of the words and options; nil, why and an exit code.
local function query_of(store, args)
  local query, why, code = store:filters(PATH, args)
  if not query then
    return nil, why, code
  end
  local zone, now = zones.find(moments.local_zone()), env.now()
  if args.since then
    query.start_time, why = moments.read(args.since, zone, now)
  end
  if args["until"] and not why then
    query.end_time, why = moments.read(args["until"], zone, now, true)
  end
  query.limit, query.fields = args.limit, args.fields or shown
  return not why and query or nil, why, 2
end

local options = {
  { "since", "WHEN", "7d, 24h, 2026-11-28 (all there is)" },
  { "until", "WHEN", "the same; a date counts in whole" },
  { "limit", "N", "most rows", default = "20" },
  { "fields", "A,B", "columns of --json and --csv, * for all" },
  { "json", false, "a line of JSON each, newest first" },
  { "csv", false, "as CSV, newest first" },
}

return {
  summary = "The newest requests that match filters, as lines, JSON or CSV.",
  description = [[
The newest requests that match model=gpt-4o, status_code=400-599, service_type=!test and the other
filters of GET /logs/query.  Lines come oldest first, as tail has them.]],
  arguments = "[NAME=VALUE...]",
  options = table.move(ledger.options, 1, #ledger.options, #options + 1, options),
  examples = {
    { "moonledger query model=gpt-4o --limit 5", "the newest of a model" },
    { "moonledger query status_code=400-599 --csv", "the newest failures, for a spreadsheet" },
  },

  ---@param args Arguments
  run = function(args)
    if args.csv and args.fields == "*" then
      return 2, "query: --csv takes the names of --fields; GET /logs/export has all"
    end
    local store, why = ledger.open(args)
    if not store then
      return nil, why
    end
    local query, fault, code = query_of(store, args)
    local answer
    if query then
      answer, fault, code = store:get(PATH, query)
    end
    if not answer then
      return code, fault
    elseif args.csv then
      show_csv(answer.results, query.fields)
    elseif args.json then
      for _, row in ipairs(answer.results) do
        print(json.encode(row))
      end
    else
      show_lines(answer.results)
    end
    return 0
  end,
}
