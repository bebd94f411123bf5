--- From what a route file returns to the function that answers a request.
local needs_storage = require "lib.needs_storage"
local params = require "lib.params"

---@class Route
---@field summary string
---@field description string?
---@field params table<string, Param>?
---@field handle fun(req: Request): Response
---@field needs "storage"?                       503 where rows are not collected or stored
---@field scope "open"|"read"|"ingest"|"admin"?  default: read for GET, admin for the other methods
---@field feature string?                        a key of config.features that switches it off
---@field max_body integer?
---@field timeout_ms integer?
---@field raw boolean?                           it passes requests on: lua/README.md, Raw routes
---@field takes string[]?                        media types of the body, for /openapi.json
---@field answers string?                        media type of the answer; "" is an empty one (204)

---@class RouteEntry
---@field method string
---@field path string
---@field module string

local route = {}

local FIELDS = {
  summary = "string", description = "string", params = "table", handle = "function",
  scope = "string", feature = "string", needs = "string", max_body = "number",
  timeout_ms = "number", raw = "boolean", takes = "table", answers = "string",
}

local SCOPES = { open = true, read = true, ingest = true, admin = true }

local function known_fields()
  local names = {}
  for name in pairs(FIELDS) do
    names[#names + 1] = name
  end
  table.sort(names)
  return table.concat(names, ", ")
end

local function check(definition, entry)
  local function refuse(message, ...)
    error(("%s: %s"):format(entry.module, message:format(...)), 0)
  end

  if definition == true then
    refuse "returns nothing: end it with return { summary = ..., handle = function(req) ... end }"
  elseif type(definition) ~= "table" then
    refuse("must return a table { summary, params, handle }, returned a %s", type(definition))
  elseif type(definition.handle) ~= "function" then
    refuse("handle must be a function(req) that returns the answer, is a %s",
      type(definition.handle))
  elseif definition.scope and not SCOPES[definition.scope] then
    refuse('scope must be "open", "read", "ingest" or "admin", is "%s"', definition.scope)
  elseif definition.needs and definition.needs ~= "storage" then
    refuse('needs can only be "storage", is "%s"', definition.needs)
  end
  for field, value in pairs(definition) do
    if not FIELDS[field] then
      refuse("unknown field %s: known are %s", tostring(field), known_fields())
    elseif type(value) ~= FIELDS[field] then
      refuse("%s must be a %s, is a %s", field, FIELDS[field], type(value))
    end
  end
  for name, param in pairs(definition.params or {}) do
    if type(param) ~= "table" or not param.sequence then
      refuse("params.%s must be made by lib.params, for example params.integer { default = 1 }",
        name)
    end
  end
end

local function with_storage(handle)
  return function(req)
    return needs_storage.refuse() or handle(req)
  end
end

--- Validates the query string before the handler sees it (422 lists every fault),
--- then what the route needs.
---@param definition Route
---@param entry RouteEntry
---@return fun(req: Request): Response
function route.compile(definition, entry)
  check(definition, entry)
  local handle = definition.needs and with_storage(definition.handle) or definition.handle
  if not definition.params then
    return handle
  end

  local read = params.reader(definition.params)
  return function(req)
    local values, details = read(req.query)
    if details then
      return { status = 422, json = { detail = details } }
    end
    for name, value in pairs(req.params) do
      values[name] = value
    end
    req.params = values
    return handle(req)
  end
end

return route
