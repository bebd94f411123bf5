--- Query parameters: what a route declares, how a client's text becomes a value,
--- and the 422 answer when it does not.
---
--- Errors are listed in the order of declaration.  A table does not keep that
--- order, so every constructor draws a number.
local json = require "json"
local text = require "lib.text"

---@class Param
---@field kind "integer"|"float"|"time"|"boolean"|"string"|"ranges"
---@field default any         value of an absent parameter
---@field ge number?          least value
---@field le number?          greatest value
---@field finite boolean?     false: NaN and the infinities are values too
---@field one_of string[]?    the only values of a string
---@field required boolean?    its absence is an error
---@field check (fun(input: string): any, string?)?  the value of a string, or nil and why not
---@field description string?
---@field sequence integer    order of declaration

local params = {}

-- The times that a date can hold: years 1 to 9999.
local FIRST_SECOND, END_OF_TIME = -62135596800, 253402300800

local BOOLEANS = {}
for word in ("1 true t yes y on"):gmatch("%S+") do
  BOOLEANS[word] = true
end
for word in ("0 false f no n off"):gmatch("%S+") do
  BOOLEANS[word] = false
end

local OPTIONS = { default = true, ge = true, le = true, finite = true, one_of = true,
  required = true, check = true, description = true }

local sequence = 0

local function constructor(kind)
  return function(options)
    sequence = sequence + 1
    local param = { kind = kind, sequence = sequence }
    for key, value in pairs(options or {}) do
      if not OPTIONS[key] then
        error(("params.%s: unknown option %s: known are default, ge, le, finite, one_of, required, "
          .. "check and description"):format(kind, tostring(key)), 2)
      end
      param[key] = value
    end
    return param
  end
end

---@type fun(options: table?): Param
params.integer = constructor "integer"
---@type fun(options: table?): Param
params.float = constructor "float"
--- Unix seconds; a time that no date can hold is refused.
---@type fun(options: table?): Param
params.time = constructor "time"
---@type fun(options: table?): Param
params.boolean = constructor "boolean"
---@type fun(options: table?): Param
params.string = constructor "string"
--- Whole numbers and ranges, "429,500-503", as a list of numbers and { from, to }; empty is none.
---@type fun(options: table?): Param
params.ranges = constructor "ranges"

setmetatable(params, {
  __index = function(_, name)
    error(("params.%s is none: there are integer, float, time, boolean, string and ranges")
      :format(tostring(name)), 2)
  end,
})

-- Single underscores between digits go; nil when one stands elsewhere.
local function without_underscores(s)
  if not s:find("_", 1, true) then
    return s
  end
  local padded = " " .. s .. " "
  if padded:find("%D_") or padded:find("_%D") then
    return nil
  end
  return (s:gsub("_", ""))
end

-- Every pattern here takes time in proportion to the text, however wrong that is.
local function digits_of(input)
  return without_underscores(text.strip(input))
end

---@class Fault
---@field type string
---@field msg string
---@field ctx table?

local function fault(type, msg, ctx)
  return { type = type, msg = msg, ctx = ctx }
end

local function bounds_fault(param, value)
  if param.ge and value < param.ge then
    return fault("greater_than_equal", "Input should be greater than or equal to " .. param.ge,
      { ge = param.ge })
  elseif param.le and value > param.le then
    return fault("less_than_equal", "Input should be less than or equal to " .. param.le,
      { le = param.le })
  end
end

-- Integers beyond 64 bits saturate: they are as far outside of every bound.
local function saturated(number)
  if math.type(number) == "integer" then
    return number
  end
  return number > 0 and math.maxinteger or math.mininteger
end

local function to_float(s)
  local word = s:lower():match("^[+-]?(%a+)$")
  if word == "nan" then
    return 0 / 0
  elseif word == "inf" or word == "infinity" then
    return s:sub(1, 1) == "-" and -math.huge or math.huge
  end
  local mantissa = s:match("^[+-]?([%d.]+)$") or s:match("^[+-]?([%d.]+)[eE][+-]?%d+$")
  return mantissa and tonumber(s) and tonumber(s) + 0.0
end

-- Each reads a client's text: the value, or nil and a fault.
local read = {}

function read.integer(param, input)
  local digits = digits_of(input)
  local whole, rest = (digits or ""):match("^([+-]?%d+)(.*)$")
  if not whole or rest ~= "" and not rest:find("^%.0*$") then
    return nil,
      fault("int_parsing", "Input should be a valid integer, unable to parse string as an integer")
  end
  local value = saturated(tonumber(whole))
  return value, bounds_fault(param, value)
end

function read.float(param, input)
  local digits = digits_of(input)
  local value = digits and to_float(digits)
  if not value then
    return nil,
      fault("float_parsing", "Input should be a valid number, unable to parse string as a number")
  elseif param.finite ~= false and (value ~= value or math.abs(value) == math.huge) then
    return nil, fault("finite_number", "Input should be a finite number")
  end
  return value, bounds_fault(param, value)
end

function read.time(param, input)
  local value, wrong = read.float(param, input)
  if value and not wrong and (value < FIRST_SECOND or value >= END_OF_TIME) then
    wrong = fault("time_range",
      "Input should be unix seconds between the years 1 and 9999, not milliseconds")
  end
  return value, wrong
end

function read.boolean(_, input)
  local value = BOOLEANS[input:lower()]
  if value == nil then
    return nil, fault("bool_parsing", "Input should be a valid boolean, unable to interpret input")
  end
  return value
end

function read.string(param, input)
  if param.one_of then
    for _, allowed in ipairs(param.one_of) do
      if input == allowed then
        return input
      end
    end
    local expected = "'" .. table.concat(param.one_of, "' or '") .. "'"
    return nil, fault("enum", "Input should be " .. expected, { expected = expected })
  end
  if param.check then
    local value, wrong = param.check(input)
    return value, value == nil and fault("value_error", "Input should be " .. wrong) or nil
  end
  return input
end

function read.ranges(_, input)
  local ranges = {}
  for part in (input == "" and "" or input .. ","):gmatch("([^,]*),") do
    local from, to = part:match("^%s*(%d+)%s*%-%s*(%d+)%s*$")
    local number = math.tointeger(tonumber(part:match("^%s*(%d+)%s*$")))
    from, to = math.tointeger(tonumber(from)), math.tointeger(tonumber(to))
    if not number and not (from and to and from <= to) then
      return nil, fault("ranges", "Input should be whole numbers and ranges, such as 429,500-503")
    end
    ranges[#ranges + 1] = number or { from, to }
  end
  return ranges
end

--- The pairs of a query string; of a repeated name the last counts.
---@param query string
---@return table<string, string>
function params.split(query)
  local found, encoded = {}, text.is_encoded(query)
  for name, equals, value in query:gmatch "([^&=]*)(=?)([^&]*)" do
    if encoded then
      name, value = text.percent_decode(name), text.percent_decode(value)
    end
    if name ~= "" or equals ~= "" then -- else nothing, as between two &
      found[name] = value
    end
  end
  return found
end

--- The names of a params table in the order of declaration.
---@param declared table<string, Param>
---@return string[]
function params.names(declared)
  local names = {}
  for name in pairs(declared) do
    names[#names + 1] = name
  end
  table.sort(names, function(a, b)
    return declared[a].sequence < declared[b].sequence
  end)
  return names
end

--- One entry of a 422 answer.
---@param name string
---@param input string
---@param wrong Fault
---@return table
function params.detail(name, input, wrong)
  return { type = wrong.type, loc = json.array { "query", name }, msg = wrong.msg,
    input = input == nil and json.null or input, ctx = wrong.ctx }
end

--- The 422 answer of a handler that finds out by itself.
---@param name string
---@param input string
---@param type string
---@param msg string
---@return Response
function params.refuse(name, input, type, msg)
  return {
    status = 422, json = { detail = json.array { params.detail(name, input, fault(type, msg)) } },
  }
end

--- Makes the function that reads query strings of one route.
---@param declared table<string, Param>
---@return fun(query: string): table<string, any>, table[]?  values by name, details of faults
function params.reader(declared)
  local names = params.names(declared)
  return function(query)
    local given, values, details = params.split(query), {}, nil
    for _, name in ipairs(names) do
      local param, input, wrong = declared[name], given[name], nil
      if input == nil and param.required then
        wrong = fault("missing", "Field required")
      elseif input == nil then
        values[name] = param.default
      else
        values[name], wrong = read[param.kind](param, input)
      end
      if wrong then
        details = details or json.array {}
        details[#details + 1] = params.detail(name, input, wrong)
      end
    end
    return values, details
  end
end

return params
