--- Columns: what a record has, under which names, and what the core uses it for.
local members = require "lib.schema_check.members"

local fail, has, refuse_unknown = members.fail, members.has, members.refuse_unknown
local keys, member, item = members.keys, members.member, members.item
local column_of, column_member, kind_of = members.column_of, members.column_member, members.kind_of
local is_number, each, is_finite = members.is_number, members.each, members.is_finite
local whole, is_identifier = members.whole, members.is_identifier
local read_conditions, place_of = members.read_conditions, members.place_of
local add_name = members.add_name
local checked = members.checked
local limits = members.limits
local types = members.types
local roles = { id = "string", time = "time", duration = "float", status = "integer",
  other_id = "string" }
local role_names = { "id", "time", "duration", "status" } -- that there must be

local function read_type(where, entry)
  local name = item(where, entry, 2, "a type")
  return has(types, name)
    or fail(where, '"%s" is no type: string, integer, float, boolean or time', name)
end

local function read_role(where, entry, kind, column)
  local role = member(where, entry, "role", "string")
  if not role then
    return
  elseif not roles[role] then
    fail(where, '"%s" is no role: id, other_id, time, duration or status', role)
  elseif checked[role] then
    local other = checked.column_names[checked[role] + 1]
    fail(where, 'column "%s" has the role %s already', other, role)
  elseif roles[role] ~= kind then
    fail(where, "the role %s needs the type %s", role, roles[role])
  end
  checked[role] = column
end

local function read_default(where, entry, kind)
  if kind == "string" then
    return member(where, entry, "default", "string") or ""
  elseif kind == "boolean" then
    return member(where, entry, "default", "boolean") and 1 or 0
  elseif kind == "time" then
    return entry.default == nil and 0 or fail(where, "a time has no default: an absent one is now")
  end
  local number = member(where, entry, "default", "number") or 0
  if kind == "float" then
    return is_finite(number) and number or fail(where, "the default must be a number")
  end
  return whole(number) or fail(where, "the default must be a whole number")
end

local column_keys = keys("role", "default", "by_event", "from", "scale", "aliases", "in_extra",
  "dimension", "measure", "unknown")

local function read_column(list_place, entry, i)
  local name = item(list_place, entry, 1, "a name")
  local where = place_of(list_place, name)
  if not is_identifier(name) then
    fail(where, "a name is at most %d of a-z 0-9 _, and none of extra, row and told", limits.name)
  elseif column_of(name) >= 0 then
    fail(where, "there is a column of that name already")
  end
  refuse_unknown(where, entry, column_keys)
  local kind = read_type(where, entry)
  read_role(where, entry, types[kind], i - 1)
  local column = {
    name = name, type = kind - 1, from = -1,
    in_extra = member(where, entry, "in_extra", "boolean") or false,
    scale = member(where, entry, "scale", "number") or 1,
    default = read_default(where, entry, types[kind]),
    dimension = member(where, entry, "dimension", "boolean"),
    measure = member(where, entry, "measure", "boolean"),
    where = where, unknown = read_conditions(where, entry, "unknown"),
  }
  if column.in_extra and (column.dimension or column.measure) then
    fail(where, "a dimension or a measure cannot be in_extra")
  end
  if not column.in_extra and i > 1 and checked.columns[i - 1].in_extra then
    fail(where, "columns of their own stand before those in_extra")
  end
  checked.columns[i], checked.column_names[i] = column, name
end

-- from may name a column that comes later.
local function read_from(where, entry, i)
  local column = checked.columns[i]
  column.from = column_member(where, entry, "from")
  if column.from < 0 then
    return
  end
  local numbers = is_number(i - 1)
  if kind_of(column.from) ~= kind_of(i - 1) and not (numbers and is_number(column.from)) then
    fail(where, 'from: "%s" has another type', entry.from)
  elseif column.scale ~= 1 and not numbers or column.scale <= 0 or not is_finite(column.scale) then
    fail(where, "scale must be a positive number, and is for numbers only")
  end
end

-- One pair of the table aliases: { "name" } or { name = scale }.
local function read_alias(where, i, key, value)
  if type(key) == "number" and type(value) == "string" then
    add_name(where, value, i - 1, true, 1)
  elseif type(key) ~= "string" or type(value) ~= "number" or not is_finite(value) or value <= 0 then
    fail(where, 'aliases are "name" or name = scale')
  elseif kind_of(i - 1) ~= "float" then
    fail(where, "aliases: a scale is for floats only")
  else
    add_name(where, key, i - 1, true, value)
  end
end

local function read_links(list_place, entry, i)
  local where = place_of(list_place, entry[1])
  read_from(where, entry, i)
  local aliases = entry.aliases == nil and {} or entry.aliases
  if type(aliases) ~= "table" then
    fail(where, "aliases must be a list")
  end
  for key, value in pairs(aliases) do
    read_alias(where, i, key, value)
  end
end

return function(schema)
  local columns = schema.columns
  local count = type(columns) == "table" and #columns or 0
  if count == 0 or count > limits.columns then
    fail("columns", "expected a list of 1 to %d columns", limits.columns)
  end
  each(schema, "columns", count, read_column)
  each(schema, "columns", count, function(where, entry, i)
    add_name(where, entry[1], i - 1, false, 1)
  end)
  each(schema, "columns", count, read_links)
  for _, role in ipairs(role_names) do
    if not checked[role] then
      fail("columns", "no column has the role %s", role)
    elseif checked.columns[checked[role] + 1].in_extra then
      fail("columns", "a column with a role cannot be in_extra")
    end
  end
  if checked.other_id and not checked.columns[checked.other_id + 1].in_extra then
    fail("columns", "the column with the role other_id must be in_extra")
  end
  checked.other_id = checked.other_id or -1
end
