--- OTLP messages as tables of their JSON names, decoded from JSON or protobuf alike:
--- attributes, walking, times. Source: opentelemetry-proto, docs/specification.md.
local values = require "ingest.values"

local otlp = {}

local object = values.object

local function array(list)
  local out = {}
  for _, any in ipairs(object(list)) do
    out[#out + 1] = otlp.value(any)
  end
  return out
end

--- The Lua value of an AnyValue; nil when it is none that can be kept, such as Claude
--- Desktop's {"doubleValue":{}}.
---@return any
function otlp.value(any)
  if type(any) ~= "table" then
    return nil
  end
  if type(any.stringValue) == "string" then
    return any.stringValue
  end
  if any.intValue ~= nil then
    return values.number(any.intValue)
  end
  if any.doubleValue ~= nil then
    return values.number(any.doubleValue)
  end
  if type(any.boolValue) == "boolean" then
    return any.boolValue
  end
  if type(any.arrayValue) == "table" then
    return array(any.arrayValue.values)
  end
  if type(any.kvlistValue) == "table" then
    return otlp.attributes(any.kvlistValue.values)
  end
  return nil
end

-- "time_unix_nano" as "timeUnixNano".
local function camel_name(name)
  if type(name) ~= "string" or not name:find("_", 1, true) then
    return name
  end
  return (name:gsub("_(%l)", string.upper))
end

--- The message with protobuf's own field names in place of lowerCamelCase ones:
--- attributes stand in lists of keys and values, so that no name of theirs is touched.
---@param message any
---@return any
function otlp.in_camel_case(message)
  if type(message) ~= "table" then
    return message
  end
  local renamed = {}
  for name, value in pairs(message) do
    renamed[camel_name(name)] = otlp.in_camel_case(value)
  end
  return renamed
end

--- A list of KeyValue as a table.
---@param list any
---@return table<string, any>
function otlp.attributes(list)
  local attributes = {}
  for _, pair in ipairs(object(list)) do
    if type(pair) == "table" and type(pair.key) == "string" then
      attributes[pair.key] = otlp.value(pair.value)
    end
  end
  return attributes
end

---@class Signal
---@field request string   the protobuf message
---@field resources string its list of resources, their list of scopes, their list of items
---@field scopes string
---@field items string
---@field item string      the protobuf message of an item
---@field rejected string  member of partialSuccess

---@type table<string, Signal>
otlp.signals = {
  logs = {
    request = "ExportLogsServiceRequest", resources = "resourceLogs",
    scopes = "scopeLogs", items = "logRecords",
    item = "LogRecord", rejected = "rejectedLogRecords",
  },
  traces = {
    request = "ExportTraceServiceRequest", resources = "resourceSpans",
    scopes = "scopeSpans", items = "spans",
    item = "Span", rejected = "rejectedSpans",
  },
  metrics = {
    request = "ExportMetricsServiceRequest", resources = "resourceMetrics", scopes = "scopeMetrics",
    items = "metrics", item = "Metric", rejected = "rejectedDataPoints",
  },
}

-- Prompts and answers, in the names of those who send them: metadata is kept, content is not.
local content = {
  ["body"] = true, ["prompt"] = true, ["response"] = true,
  ["response_text"] = true, ["request_text"] = true,
  ["tool_input"] = true, ["tool_parameters"] = true, ["arguments"] = true, ["output"] = true,
  ["input.value"] = true, ["output.value"] = true,
  ["traceloop.entity.input"] = true, ["traceloop.entity.output"] = true,
  ["input"] = true, ["completion"] = true, ["messages"] = true,
  ["message"] = true, ["content"] = true,
  ["text"] = true, ["system_prompt"] = true, ["query"] = true,
  ["question"] = true, ["answer"] = true,
  ["tool_arguments"] = true, ["tool_response"] = true,
  ["tool_result"] = true, ["final_result"] = true,
  ["all_messages_events"] = true, ["events"] = true,
  ["request_data"] = true, ["response_data"] = true,
  ["logfire.msg"] = true, ["ai.value"] = true, ["ai.values"] = true, ["ai.schema"] = true,
}
local content_families = {
  "gen_ai.prompt", "gen_ai.completion", "gen_ai.input.messages",
  "gen_ai.output.messages", "gen_ai.tool.definitions",
  "gen_ai.system_instructions", "llm.input_messages",
  "llm.output_messages", "llm.prompts", "llm.completions",
  "trace.input", "trace.output", "span.input", "span.output",
  "ai.prompt", "ai.response.text", "ai.response.object",
  "ai.response.toolCalls", "ai.response.reasoning",
  "ai.response.files", "ai.toolCall.args", "ai.toolCall.result", "langfuse.observation.input",
  "langfuse.observation.output", "langfuse.trace.input",
  "langfuse.trace.output", "mlflow.spanInputs",
  "mlflow.spanOutputs", "gen_ai.event.content",
  "gen_ai.tool.call.arguments", "gen_ai.tool.call.result",
  "pydantic_ai.all_messages", "model_request_parameters",
}
local longest_value = 1024

local function starts_with_any(name, prefixes)
  for _, prefix in ipairs(prefixes) do
    if name:sub(1, #prefix) == prefix then
      return true
    end
  end
  return false
end

-- A few hundred names stand in millions of records: what was found out about one is
-- remembered.  They come from clients, so the memory is bounded.
local known, nknown, max_known = {}, 0, 2000

local function is_content_name(name)
  local is = known[name]
  if is == nil then
    is = content[name] or starts_with_any(name, content_families)
    if nknown == max_known then
      known, nknown = {}, 0
    end
    known[name], nknown = is, nknown + 1
  end
  return is
end

local function is_content(name, value)
  return type(value) == "string" and #value > longest_value or is_content_name(name)
end

--- The attributes without content and without those already used; nil when nothing is left.
---@param attributes table<string, any>
---@param used table<string, boolean>?
---@return table<string, any>?
function otlp.rest(attributes, used)
  local kept
  for name, value in pairs(attributes) do
    if not (used and used[name]) and not is_content(name, value) then
      kept = kept or {}
      kept[name] = value
    end
  end
  return kept
end

-- What a resource says about the SDK and the machine's build is the same in every row.
local dull = { "telemetry.", "process.", "os.", "host.arch", "service.name" }

-- Team, host, version.
local function worth_keeping(attributes)
  local kept
  for name, value in pairs(attributes) do
    if not starts_with_any(name, dull) and not is_content(name, value) then
      kept = kept or {}
      kept[name] = value
    end
  end
  return kept
end

---@class Origin
---@field resource table<string, any> attributes of the resource
---@field kept table<string, any>?    those that are worth a place in each row
---@field scope string                name of the instrumentation scope

--- An iterator over the items of a decoded message: item, then resource and scope where
--- they are others than before.
---@alias Source fun(): any, table?, table?

---@param message any
---@param signal Signal
---@return Source
local function items_of(message, signal)
  return coroutine.wrap(function()
    for _, resource in ipairs(object(object(message)[signal.resources])) do
      resource = object(resource)
      for _, scope in ipairs(object(resource[signal.scopes])) do
        scope = object(scope)
        for _, item in ipairs(object(scope[signal.items])) do
          coroutine.yield(item, resource, scope)
        end
      end
    end
  end)
end

local function origin_of(last, resource, scope)
  local attributes = resource and otlp.attributes(object(resource.resource).attributes)
  return {
    resource = attributes or last.resource,
    kept = attributes and worth_keeping(attributes) or not attributes and last.kept or nil,
    scope = scope and (values.text(object(scope.scope).name) or "") or last.scope,
  }
end

--- Calls visit(item, origin) for every log record, span or metric; what is no object is
--- rejected.  A batch that has grown large is handed on before it goes on.
---@param source Source|table a decoded message, or an iterator over its items
---@param signal Signal
---@param batch Batch
---@param visit fun(item: table, origin: Origin)
function otlp.each(source, signal, batch, visit)
  local origin = { resource = {}, scope = "" }
  local known_resource, known_scope
  for item, resource, scope in type(source) == "function" and source or items_of(source, signal) do
    if resource ~= known_resource and resource or scope ~= known_scope and scope then
      origin = origin_of(origin, resource ~= known_resource and resource, scope)
      known_resource, known_scope = resource or known_resource, scope or known_scope
    end
    batch.items = batch.items + 1
    if type(item) == "table" then
      visit(item, origin)
    else
      batch:reject("an item is no object")
    end
    if not batch:relieve() then
      return
    end
  end
end

--- Names that stand in a table {name = true}.
function otlp.names(...)
  local set = {}
  for _, name in ipairs { ... } do
    set[name] = true
  end
  return set
end

return otlp
