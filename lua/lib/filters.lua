--- Narrowing: query parameters in, conditions out.
---
--- A condition is { column, op, value... }; all of a list must hold.  storage, sse
--- and export take the same list, so a new filter is one entry in `common` here.
local params = require "lib.params"
local storage = require "storage"
local text = require "lib.text"

---@alias Condition any[]

local filters = {}

-- A time of 0 is no bound, though it is one that was given.
local function time_bound(column, op)
  return function(value)
    if value ~= 0 then
      return { { column, op, value } }
    end
  end
end

local function bound(column, op)
  return function(value)
    return { { column, op, value } }
  end
end

--- Exactly this string; the empty one is no filter.
function filters.exact(column)
  return function(value)
    if value ~= "" then
      return { { column, "=", value } }
    end
  end
end

--- Exactly this string, the empty one too.
function filters.exact_or_empty(column)
  return bound(column, "=")
end

-- "a,b" is one of both, "!c" is not c.  An empty part stands for the empty string.
local function read_list(column, value, include, exclude, alternative)
  local included, excluded = { column, include }, { column, exclude }
  for part in (value .. ","):gmatch("([^,]*),") do
    local name = text.trim(part)
    if name:sub(1, 1) == "!" then
      excluded[#excluded + 1] = alternative(name:sub(2))
    else
      included[#included + 1] = alternative(name)
    end
  end
  local conditions = {}
  for _, condition in ipairs { included, excluded } do
    if #condition > 2 then
      conditions[#conditions + 1] = condition
    end
  end
  return conditions
end

local function exactly(name)
  return name
end

local function name_or_prefix(name)
  local prefix = name:match("^(.*)%*$")
  return prefix and { prefix = prefix } or name
end

--- A list, in which an empty value is the empty string: "a,b" is one of both, "!c" is not c.
function filters.list_or_empty(column)
  return function(value)
    return read_list(column, value, "in", "not_in", exactly)
  end
end

--- The same, where an empty value is no filter at all.
function filters.list(column)
  local read = filters.list_or_empty(column)
  return function(value)
    return value ~= "" and read(value) or nil
  end
end

--- The same, where "a*" is all that begins with a.
function filters.patterns(column)
  return function(value)
    if value == "" then
      return nil
    elseif not value:find("*", 1, true) then
      return read_list(column, value, "in", "not_in", exactly)
    end
    return read_list(column, value, "matches", "not_matches", name_or_prefix)
  end
end

--- One of these numbers and ranges, as params.ranges reads them.
function filters.ranges(column)
  return function(ranges)
    return #ranges > 0 and { { column, "matches", table.unpack(ranges) } } or nil
  end
end

---@class Filter
---@field name string
---@field param fun(options: table): Param
---@field read fun(value: any): Condition[]?  its conditions, nil for none
---@field description string

---@return Filter
local function filter(name, param, read, description)
  return { name = name, param = param, read = read, description = description }
end

-- What query, analytics, entries, stream and export all take, in the order of the API.
---@type Filter[]
local common = {
  filter("start_time", params.time, time_bound("timestamp", ">="),
    "Unix seconds, inclusive; 0 is no bound."),
  filter("end_time", params.time, time_bound("timestamp", "<="),
    "Unix seconds, inclusive; 0 is no bound."),
  filter("model", params.string, filters.patterns "model",
    "Models, comma-separated; !NAME excludes, NAME* is all that begin so."),
  filter("service_type", params.string, filters.patterns "service_type",
    "Service types, as in model."),
  filter("endpoint", params.string, filters.patterns "endpoint", "Endpoints, as in model."),
  filter("method", params.string, filters.exact "method", "Exactly this method."),
  filter("status_code", params.ranges, filters.ranges "status_code",
    "Codes and ranges, such as 429,500-503."),
  filter("status_code_min", params.integer, bound("status_code", ">="),
    "Least status code, inclusive."),
  filter("status_code_max", params.integer, bound("status_code", "<="),
    "Greatest status code, inclusive."),
  filter("min_duration_ms", params.float, bound("duration_ms", ">="), "Least duration, inclusive."),
  filter("max_duration_ms", params.float, bound("duration_ms", "<="),
    "Greatest duration, inclusive."),
  filter("request_id", params.string, filters.exact "request_id", "Exactly this request."),
  filter("session_client_id", params.string, filters.patterns "session_client_id",
    "Sessions, as in model."),
}

-- Every dimension of schema.lua is one too.
for _, name in ipairs(storage.columns "dimensions") do
  common[#common + 1] = filter(name, params.string, filters.patterns(name), "As in model.")
end

--- The params of a route that takes the common filters.  Those that the route declares itself stay
--- as they are and come first.
---@param own table<string, Param>
---@return table<string, Param>
function filters.params(own)
  for _, entry in ipairs(common) do
    own[entry.name] = own[entry.name] or entry.param { description = entry.description }
  end
  return own
end

--- The conditions of the filters that were given.
---@param values table<string, any>  what the route's params read
---@param reads table<string, fun(value: any): Condition[]?>?  read in the endpoint's own way
---@return Condition[]
function filters.where(values, reads)
  local where = {}
  for _, entry in ipairs(common) do
    local value = values[entry.name]
    local read = reads and reads[entry.name] or entry.read
    for _, condition in ipairs(value ~= nil and read(value) or {}) do
      where[#where + 1] = condition
    end
  end
  return where
end

--- The conditions of a window that ends now.
---@param hours number
---@param now number  unix seconds
---@return Condition[]
function filters.last_hours(hours, now)
  return { { "timestamp", ">=", now - hours * 3600 }, { "timestamp", "<=", now } }
end

---@param days number
---@param now number  unix seconds
---@return Condition[]
function filters.last_days(days, now)
  return filters.last_hours(days * 24, now)
end

return filters
