--- OpenAPI 3.1 from route definitions.
local json = require "json"
local params = require "lib.params"

local openapi = {}

local TYPES = {
  integer = "integer", float = "number", time = "number", boolean = "boolean", string = "string",
  ranges = "string",
}

local function object(properties, required)
  return { type = "object", properties = properties, required = required and json.array(required) }
end

local function list_of(items)
  return { type = "array", items = items }
end

local TEXT = { type = "string" }
local BYTES = { type = "string", format = "binary" }

local SCHEMAS = {
  Error = object({ detail = TEXT, error = object { type = TEXT, message = TEXT } },
    { "detail", "error" }),
  ValidationError = object({
    detail = list_of(object({
      type = TEXT, loc = list_of(TEXT), msg = TEXT,
      input = { type = json.array { "string", "null" } }, ctx = { type = "object" },
    }, { "type", "loc", "msg", "input" })),
  }, { "detail" }),
}

local function reference(name)
  return { ["application/json"] = { schema = { ["$ref"] = "#/components/schemas/" .. name } } }
end

local function query_parameter(name, param)
  return {
    name = name,
    ["in"] = "query",
    required = param.required == true,
    description = param.description,
    schema = {
      type = TYPES[param.kind],
      default = type(param.default) ~= "table" and param.default or nil,
      minimum = param.ge,
      maximum = param.le,
      enum = param.one_of and json.array(table.move(param.one_of, 1, #param.one_of, 1, {})),
    },
  }
end

local function parameters(path, definition)
  local list = json.array {}
  for name in path:gmatch("{([^}]+)}") do
    list[#list + 1] = { name = name, ["in"] = "path", required = true, schema = TEXT }
  end
  for _, name in ipairs(params.names(definition.params or {})) do
    list[#list + 1] = query_parameter(name, definition.params[name])
  end
  return list
end

-- What a body of this media type holds.
local function body_schema(media_type)
  if media_type == "application/json" then
    return { type = json.array { "object", "array" } }
  end
  return media_type == "application/x-protobuf" and BYTES or TEXT
end

local function request_body(definition)
  if not definition.takes then
    return nil
  end
  local content = {}
  for _, media_type in ipairs(definition.takes) do
    content[media_type] = { schema = body_schema(media_type) }
  end
  return { required = true, content = content }
end

local function responses(definition)
  local media_type = definition.answers or "application/json"
  local answers = { default = { description = "An error.", content = reference "Error" } }
  if media_type == "" then
    answers["204"] = { description = "Done; the answer is empty." }
  else
    answers["200"] = { description = "The answer.", content = { [media_type] = json.object {} } }
  end
  if definition.params then
    answers["422"] =
      { description = "Parameters that are wrong.", content = reference "ValidationError" }
  end
  if definition.scope ~= "open" then
    answers["401"] = { description = "A token is missing or wrong.", content = reference "Error" }
  end
  return answers
end

local function operation(route, path)
  local definition = route.definition
  local open = definition.scope == "open"
  return {
    operationId = (route.method:lower() .. path:gsub("%W+", "_")):gsub("_$", ""),
    summary = definition.summary,
    description = definition.description,
    parameters = parameters(path, definition),
    requestBody = request_body(definition),
    responses = responses(definition),
    security = not open and json.array { { token = json.array {} }, {} } or nil,
  }
end

---@class DocumentedRoute
---@field method string
---@field path string
---@field module string
---@field definition Route

---@param routes DocumentedRoute[]
---@param version string
---@return table
function openapi.document(routes, version)
  local paths = {}
  for _, route in ipairs(routes) do
    local path = route.path:gsub("%*$", "{file}")
    paths[path] = paths[path] or {}
    paths[path][route.method:lower()] = operation(route, path)
  end
  return {
    openapi = "3.1.0",
    info = {
      title = "Moonledger",
      version = version,
      description =
        "Telemetry of LLM traffic: records in; queries, analytics, a live stream and metrics out.",
    },
    paths = paths,
    components = {
      schemas = SCHEMAS,
      securitySchemes = { token = { type = "http", scheme = "bearer" } },
    },
  }
end

return openapi
