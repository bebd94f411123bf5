--- What a record costs that comes as OTLP, beside the same one in our own columns: instructions, as
--- callgrind counts them, of a large and of a small load, divided by the records between them; and
--- what it costs to price records that come without a cost.
--- CPU time has no target: it differs from run to run, and instructions do not.
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local machine = require "spec.bench.machine"
local messages = require "spec.helpers.otlp_messages"
local protobuf = require "spec.helpers.protobuf"

-- What an exporter sends at once, and how many such bodies the small and the large load are.
local BATCH, SMALL, LARGE = 256, 1, 5

local function wire(name)
  return json.decode(helpers.read_file("spec/wire/" .. name))
end

local function join(lines)
  return table.concat(lines, "\n")
end

-- Requests of Claude Code, each with an id of its own.
local function logs(n)
  local message = wire "claude-code-2.1.202-logs.json"
  local scope = message.resourceLogs[1].scopeLogs[1]
  local record, records = json.encode(scope.logRecords[2]), json.array {}
  for i = 1, BATCH do
    records[i] = json.decode((record:gsub("req_011CabcDEF", ("req_%03d%07d"):format(n, i))))
  end
  scope.logRecords = records
  return message
end

local function log_lines(n)
  local lines = {}
  for i = 1, BATCH do
    lines[i] =
        ('{"request_id":"req_%03d%07d","timestamp":1795426004.2,"method":"POST",'
      .. '"endpoint":"messages","path":"/v1/messages","service_type":"claude_code",'
      .. '"model":"claude-sonnet-4-5-20250929","status_code":200,'
      .. '"duration_ms":3980,"tokens_input":12,"tokens_output":842,"cache_read_tokens":51342,'
      .. '"cache_write_tokens":2210,"cost_usd":0.0363561,"speed":"normal",'
      .. '"query_source":"repl_main_thread",'
      .. '"session_client_id":"6e2a8c02-aec9-4272-bcde-9843b25ad407","cost_source":"reported"}')
        :format(n, i)
  end
  return join(lines)
end

-- The same without a cost, which is then looked up as they come.
local function costless_lines(n)
  return (log_lines(n):gsub('"cost_usd":[%d.]+,', ""):gsub(',"cost_source":"reported"', ""))
end

-- Calls of pydantic-ai, each with ids of its own.
local function spans(n)
  local message = wire "pydantic-ai-1.0-traces.json"
  local scope = message.resourceSpans[1].scopeSpans[1]
  local span, list = json.encode(scope.spans[1]), json.array {}
  for i = 1, BATCH do
    local id = ("msg_01FgTest%05d%010d"):format(n, i)
    list[i] = json.decode((span:gsub("msg_01FgTest000000000000001", id)
      :gsub("b7ad6b7169203331", ("%016x"):format(n << 16 | i))
      :gsub("00f067aa0ba902b7", ("%016x"):format(1 << 40 | n << 16 | i))))
  end
  scope.spans = list
  return message
end

local function span_lines(n)
  local lines = {}
  for i = 1, BATCH do
    lines[i] = ('{"request_id":"msg_01FgTest%05d%010d","timestamp":1795600001.5,"method":"POST",'
      .. '"endpoint":"chat","path":"chat","service_type":"shop-bot",'
      .. '"model":"claude-sonnet-4-5-20250929","provider":"anthropic","status_code":200,'
      .. '"duration_ms":1500,"tokens_input":5,"tokens_output":100,"cache_read_tokens":128955,'
      .. '"cache_write_tokens":1253,"cost_usd":0.04490025,"cost_source":"computed",'
      .. '"trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"%016x"}')
      :format(n, i, n << 16 | i)
  end
  return join(lines)
end

local function lines(make, config)
  return { path = "/logs/ingest", type = "application/x-ndjson", make = make, config = config }
end

local function as_json(path, make)
  return { path = path, type = "application/json",
    make = function(n) return json.encode(make(n)) end }
end

local function as_protobuf(path, request, make)
  return { path = path, type = "application/x-protobuf",
    make = function(n) return protobuf.encode(messages, request, make(n)) end }
end

local formats = {
  { "logs, NDJSON", lines(log_lines) },
  { "logs, protobuf", as_protobuf("/v1/logs", "ExportLogsServiceRequest", logs) },
  { "logs, JSON", as_json("/v1/logs", logs) },
  { "spans, NDJSON", lines(span_lines) },
  { "spans, protobuf", as_protobuf("/v1/traces", "ExportTraceServiceRequest", spans) },
  { "spans, JSON", as_json("/v1/traces", spans) },
  { "without cost, NDJSON", lines(costless_lines) },
  { ".. and pricing.native off", lines(costless_lines, "config.pricing.native = false") },
}

local function send(s, format, bodies)
  for n = 1, bodies do
    local answer = s:post(format.path, format.make(n), { ["content-type"] = format.type })
    assert(answer.status == 200, answer.body)
  end
end

-- Valgrind takes the fiftyfold time, which must not be an endless loop.
local slowly = [[
  for _, limit in ipairs { "load_cpu_ms", "burst_cpu_ms", "total_cpu_ms", "wall_ms" } do
    config.script[limit] = 600000
  end]]

-- Instructions of a server that was started, took so many bodies and was stopped.
local function instructions(format, bodies)
  local folder = helpers.temporary_folder()
  local out = folder .. "/callgrind.out"
  local s = machine.ours {
    config = slowly .. "\n" .. (format.config or ""),
    wrap = { "nice", "valgrind", "-q", "--tool=callgrind", "--callgrind-out-file=" .. out },
  }
  send(s, format, bodies)
  s:stop()
  local total = helpers.read_file(out):match "\ntotals: (%d+)"
  helpers.remove_folder(folder)
  return assert(math.tointeger(tonumber(total)), "callgrind tells no total")
end

local function cpu_us(format)
  local s = machine.ours { config = format.config }
  local before = machine.cpu_seconds(s.pid)
  send(s, format, LARGE)
  local cpu = machine.cpu_seconds(s.pid) - before
  s:stop()
  return cpu * 1e6 / (BATCH * LARGE)
end

local function subject(format)
  return function()
    local difference = instructions(format, LARGE) - instructions(format, SMALL)
    return { instructions = difference / (BATCH * (LARGE - SMALL)), cpu_us = cpu_us(format) }
  end
end

local function target(of, against, at_most)
  return { metric = "instructions", of = of, against = against, at_most = at_most }
end

return {
  summary = "Claude Code's logs and pydantic-ai's spans in OTLP, beside the same as NDJSON; and "
    .. "what it costs to price",
  subjects = function()
    local subjects = {}
    for i, format in ipairs(formats) do
      subjects[i] = {
        name = format[1], run = subject(format[2]),
        missing = not machine.has "valgrind" and "valgrind is not installed" or nil,
      }
    end
    return subjects
  end,
  targets = {
    target("logs, protobuf", "logs, NDJSON", 5),
    target("logs, JSON", "logs, NDJSON", 7),
    target("spans, protobuf", "spans, NDJSON", 5),
    target("spans, JSON", "spans, NDJSON", 7),
    target("without cost, NDJSON", ".. and pricing.native off", 1.1),
  },
}
