local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local machine = require "spec.bench.machine"
local messages = require "lua.ingest.otlp_messages"
local protobuf = require "spec.helpers.protobuf"
local socket = require "socket"

-- What Claude Code's exporter sends at once, and how often.
local BATCH, BODIES = 512, 20

local shipped = helpers.read_file "spec/wire/claude-code-2.1.202-logs.json"

-- An export of Claude Code with requests only, each with an id of its own.
local function message_of(n)
  local message = json.decode(shipped)
  local scope = message.resourceLogs[1].scopeLogs[1]
  local record, records = json.encode(scope.logRecords[2]), json.array {}
  for i = 1, BATCH do
    records[i] = json.decode((record:gsub("req_011CabcDEF", ("req_%d_%d"):format(n, i))))
  end
  scope.logRecords = records
  return message
end

-- The same requests in our own columns.
local function lines_of(n)
  local lines = {}
  for i = 1, BATCH do
    lines[i] =
        ('{"request_id":"req_%d_%d","timestamp":1795426004.2,"method":"POST","endpoint":"messages",'
      .. '"path":"/v1/messages","service_type":"claude_code",'
      .. '"model":"claude-sonnet-4-5-20250929","status_code":200,'
      .. '"duration_ms":3980,"tokens_input":12,"tokens_output":842,"cache_read_tokens":51342,'
      .. '"cache_write_tokens":2210,"cost_usd":0.0363561,"speed":"normal",'
      .. '"query_source":"repl_main_thread",'
      .. '"session_client_id":"6e2a8c02-aec9-4272-bcde-9843b25ad407","cost_source":"reported"}')
        :format(n, i)
  end
  return table.concat(lines, "\n")
end

local formats = {
  ndjson = { path = "/logs/ingest", type = "application/x-ndjson", make = lines_of },
  json = { path = "/v1/logs", type = "application/json",
    make = function(n) return json.encode(message_of(n)) end },
  protobuf = {
    path = "/v1/logs", type = "application/x-protobuf",
    make =
      function(n) return protobuf.encode(messages, "ExportLogsServiceRequest", message_of(n)) end,
  },
}

local function subject(format)
  local bodies
  return function()
    if not bodies then
      bodies = {}
      for n = 1, BODIES do
        bodies[n] = format.make(n)
      end
    end
    local s = machine.ours()
    local cpu, started = machine.cpu_seconds(s.pid), socket.gettime()
    for _, body in ipairs(bodies) do
      local answer = s:post(format.path, body, { ["content-type"] = format.type })
      assert(answer.status == 200, answer.body)
    end
    local took = socket.gettime() - started
    cpu = machine.cpu_seconds(s.pid) - cpu
    s:stop()
    return { rows_s = BATCH * BODIES / took, cpu_us = cpu * 1e6 / (BATCH * BODIES) }
  end
end

return {
  summary =
    "OTLP logs of Claude Code, 512 records a request on one connection, beside the same as NDJSON",
  subjects = function()
    return {
      { name = "NDJSON", run = subject(formats.ndjson) },
      { name = "OTLP/JSON", run = subject(formats.json) },
      { name = "OTLP/protobuf", run = subject(formats.protobuf) },
    }
  end,
  targets = {},
}
