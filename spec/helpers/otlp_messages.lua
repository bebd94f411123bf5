--- All messages of OTLP by field number, for specs that write protobuf: those of metrics as the
--- server has them, and those that its core reads.
local messages = {}
for name, fields in pairs(require "lua.ingest.otlp_messages") do
  messages[name] = fields
end

local function list(number, type)
  return { number, type, repeated = true }
end

for name, fields in pairs {
  ExportLogsServiceRequest = { resourceLogs = list(1, "ResourceLogs") },
  ResourceLogs = { resource = { 1, "Resource" }, scopeLogs = list(2, "ScopeLogs") },
  ScopeLogs = { scope = { 1, "Scope" }, logRecords = list(2, "LogRecord") },
  LogRecord = {
    timeUnixNano = { 1, "fixed64" }, observedTimeUnixNano = { 11, "fixed64" },
    body = { 5, "AnyValue" },
    attributes = list(6, "KeyValue"), traceId = { 9, "hex" },
    spanId = { 10, "hex" }, eventName = { 12, "string" },
  },

  ExportTraceServiceRequest = { resourceSpans = list(1, "ResourceSpans") },
  ResourceSpans = { resource = { 1, "Resource" }, scopeSpans = list(2, "ScopeSpans") },
  ScopeSpans = { scope = { 1, "Scope" }, spans = list(2, "Span") },
  Span = {
    traceId = { 1, "hex" }, spanId = { 2, "hex" },
    parentSpanId = { 4, "hex" }, name = { 5, "string" },
    kind = { 6, "int" }, startTimeUnixNano = { 7, "fixed64" }, endTimeUnixNano = { 8, "fixed64" },
    attributes = list(9, "KeyValue"), status = { 15, "Status" },
  },
  Status = { message = { 2, "string" }, code = { 3, "int" } },
} do
  messages[name] = fields
end

return messages
