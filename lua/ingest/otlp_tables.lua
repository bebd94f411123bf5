--- OTLP messages as tables of their JSON names, decoded from JSON or protobuf alike: what metrics
--- are read from.  Source: opentelemetry-proto, docs/specification.md.
local json = require "json"
local lines = require "ingest.lines"
local values = require "lib.values"

local otlp_tables = {}

local object = values.object

local function array(list)
  local out = {}
  for _, any in ipairs(object(list)) do
    out[#out + 1] = otlp_tables.value(any)
  end
  return out
end

--- The Lua value of an AnyValue; nil when it is none that can be kept, such as Claude
--- Desktop's {"doubleValue":{}}.
---@return any
function otlp_tables.value(any)
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
    return otlp_tables.attributes(any.kvlistValue.values)
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
function otlp_tables.in_camel_case(message)
  if type(message) ~= "table" then
    return message
  end
  local renamed = {}
  for name, value in pairs(message) do
    renamed[camel_name(name)] = otlp_tables.in_camel_case(value)
  end
  return renamed
end

--- A list of KeyValue as a table.
---@param list any
---@return table<string, any>
function otlp_tables.attributes(list)
  local attributes = {}
  for _, pair in ipairs(object(list)) do
    if type(pair) == "table" and type(pair.key) == "string" then
      attributes[pair.key] = otlp_tables.value(pair.value)
    end
  end
  return attributes
end

--- Says of a member that it is none of the kind; nil where it is, or is not there at all.
---@param message table
---@param name string
---@param kind "array"|"object"
---@return string?
function otlp_tables.misfit(message, name, kind)
  local value = message[name]
  if value == nil or value == json.null then
    return nil
  end
  local fits = type(value) == "table"
    and (next(value) == nil or lines.is_object(value) == (kind == "object"))
  return not fits and ("%s is no %s"):format(name, kind) or nil
end

--- The items of a message: each with its resource and scope where they are others than before.
---@alias Source fun(): any, table?, table?

-- The items are not lost with a resource or a scope that cannot be read.
local function tell(batch, around, name)
  local fault = otlp_tables.misfit(around, name, "object")
  local inside = otlp_tables.misfit(object(around[name]), "attributes", "array")
  if fault or inside then
    batch:warn(fault or name .. ": " .. inside)
  end
end

local function origin_of(last, resource, scope, batch)
  tell(batch, resource or {}, "resource")
  tell(batch, scope or {}, "scope")
  local attributes = resource and otlp_tables.attributes(object(resource.resource).attributes)
  return {
    resource = attributes or last.resource,
    scope = scope and (values.text(object(scope.scope).name) or "") or last.scope,
  }
end

--- Calls visit(item, origin) for every item; what is no object is rejected.  A batch that
--- has grown large is handed on before it goes on.
---@param source Source
---@param batch Batch
---@param visit fun(item: table, origin: Origin)
function otlp_tables.each(source, batch, visit)
  local origin = { resource = {}, scope = "" }
  local known_resource, known_scope
  for item, resource, scope in source do
    if resource ~= known_resource and resource or scope ~= known_scope and scope then
      origin = origin_of(origin, resource ~= known_resource and resource, scope, batch)
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

return otlp_tables
