--- What a body of OTLP is read from: log records and spans by the core, metrics as tables.
local content = require "ingest.content"
local json = require "json"
local otlp = require "otlp"
local otlp_messages = require "ingest.otlp_messages"
local otlp_tables = require "ingest.otlp_tables"
local protobuf = require "protobuf"

local otlp_sources = {}

local schema = protobuf.schema(otlp_messages)

local path = { "resourceMetrics", "scopeMetrics", "metrics" }

-- Some exporters write protobuf's own field names.
local function decode_json(text)
  local message = json.decode(text)
  if text:find("_unix_nano", 1, true) or text:find('_value"', 1, true) then
    return otlp_tables.in_camel_case(message)
  end
  return message
end

local function json_metrics(body)
  local next_item, misfits = json.items(body, path)
  return next_item and function()
    local item, resource, scope = next_item()
    if item then
      return decode_json(item) or false, resource and decode_json(resource),
        scope and decode_json(scope)
    end
  end, misfits
end

local function tell_misfits(misfits)
  return function(batch)
    for message, count in pairs(misfits) do
      batch:reject(message, count)
    end
  end
end

-- An item that was broken is a record less, what stood inside of one is not.
local function tell_metrics(broken)
  return function(batch)
    for message, count in pairs(broken) do
      if message == "Metric" then
        batch:reject("an item is broken", count)
      else
        batch:warn(("%d broken %s"):format(count, message))
      end
    end
  end
end

local function open_metrics(body, encoding)
  if encoding == "json" then
    local source, misfits = json_metrics(body)
    return source, source and tell_misfits(misfits) or misfits
  end
  local source, broken = schema:items("ExportMetricsServiceRequest", body, path)
  return source, source and tell_metrics(broken) or broken
end

local function tell_of(reader)
  return function(batch)
    local groups, values, misfits = reader:broken()
    for what, count in pairs { ["resources or scopes"] = groups, attributes = values } do
      if count > 0 then
        batch:warn(("%d broken %s"):format(count, what))
      end
    end
    tell_misfits(misfits)(batch)
  end
end

--- What the decoder of a signal reads, and a function for the end, which tells a batch of what was
--- broken and is no item of its own; nil and why when the body is none.
---@param name "logs"|"traces"|"metrics"
---@param body Body|string
---@param encoding "json"|"protobuf"
---@return OtlpReader|Source?, string|fun(batch: Batch)
function otlp_sources.open(name, body, encoding)
  if name == "metrics" then
    return open_metrics(body, encoding)
  end
  local reader, fault = otlp.open(body, encoding, name, content)
  return reader, reader and tell_of(reader) or fault
end

return otlp_sources
