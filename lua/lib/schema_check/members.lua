--- What all parts of the check share: its answer, and how a member of the schema is read. Columns
--- and events are numbered from 0; -1 is none.
local values = require "lib.values"

local types = { "string", "integer", "float", "boolean", "time" }
local whole_numbers = 2 ^ 53 -- beyond them a float skips some

--- What is answered. The state is made for one check alone.
local checked = {
  columns = {}, column_names = {}, names = {}, events = {}, event_names = {}, measures = {},
  measure_names = {}, sketches = {}, sketch_names = {}, sets = {}, set_names = {}, families = {},
}
local limits = {} -- of the core: columns, events, measures, sketches, sets, by, names, name

local function fail(where, text, ...)
  error(("schema.lua: %s: %s"):format(where, text:format(...)), 0)
end

local function has(list, value)
  for i, one in ipairs(list) do
    if one == value then
      return i
    end
  end
end

local function refuse_unknown(where, t, known)
  for key in pairs(t) do
    if type(key) == "string" and not known[key] then
      fail(where, '"%s" is not known here', key)
    end
  end
end

local expected_types = { string = "a string", number = "a number", boolean = "true or false" }

-- A member that may be missing.
local function member(where, t, key, wanted, expected)
  local value = t[key]
  if value ~= nil and type(value) ~= wanted then
    fail(where, "%s must be %s, not a %s", key, expected or expected_types[wanted], type(value))
  end
  return value
end

-- A text of a list.
local function item(where, list, i, expected)
  if type(list[i]) ~= "string" then
    fail(where, "expected %s at [%d], not a %s", expected, i, type(list[i]))
  end
  return list[i]
end

local function column_of(name)
  return (has(checked.column_names, name) or 0) - 1
end

local function named_column(where, key, name)
  local column = column_of(name)
  if column < 0 then
    fail(where, '%s: there is no column "%s"', key, name)
  end
  return column
end

local function column_member(where, t, key)
  local name = member(where, t, key, "string", "the name of a column")
  return name and named_column(where, key, name) or -1
end

local function kind_of(column)
  return types[checked.columns[column + 1].type + 1]
end

local function is_number(column)
  local kind = kind_of(column)
  return kind == "integer" or kind == "float"
end

-- Calls read(where, entry, i) for each table of the list schema[key].
local function each(schema, key, max, read)
  local list = member("it", schema, key, "table", "a list") or {}
  if #list > max then
    fail(key, "%d entries, at most %d are possible", #list, max)
  end
  for i = 1, #list do
    local where = ("%s[%d]"):format(key, i)
    if type(list[i]) ~= "table" then
      fail(where, "expected a table, not a %s", type(list[i]))
    end
    read(where, list[i], i)
  end
end

local function is_finite(number)
  return number == number and number > -math.huge and number < math.huge
end

local function whole(number)
  return is_finite(number) and math.abs(number) < whole_numbers and math.tointeger(number) or nil
end

local function is_identifier(name)
  return #name <= limits.name and name:find "^[a-z_][a-z0-9_]*$"
    and name ~= "extra" and name ~= "row" and name ~= "told"
end

-- The core reads the conditions themselves, as it does for storage.
local function read_conditions(where, entry, key)
  return member(where, entry, key, "table", "a list of conditions")
end

local function place_of(where, name)
  return ('%s "%s"'):format(where, name:sub(1, 50))
end

local taken = {}

local function add_name(where, name, column, alias, scale)
  if #name == 0 or #name > limits.name then
    fail(where, 'the name "%s" must have 1 to %d bytes', name:sub(1, 60), limits.name)
  elseif taken[name] then
    fail(where, 'the name "%s" is taken already', name)
  elseif #checked.names == limits.names then
    fail(where, "more than %d names", limits.names)
  end
  taken[name] = true
  table.insert(checked.names, { name = name, column = column, alias = alias, scale = scale })
end

return {
  types = types, checked = checked, limits = limits,
  fail = fail, has = has, refuse_unknown = refuse_unknown, keys = values.set, member = member,
  item = item, column_of = column_of, named_column = named_column, column_member = column_member,
  kind_of = kind_of, is_number = is_number, each = each, is_finite = is_finite, whole = whole,
  is_identifier = is_identifier, read_conditions = read_conditions, place_of = place_of,
  add_name = add_name,
}
