--- Sums: measures, sketches, and the sets of columns that cells are kept by.
local members = require "lib.schema_check.members"

local fail, has, refuse_unknown = members.fail, members.has, members.refuse_unknown
local keys, member, item = members.keys, members.member, members.item
local named_column, column_member = members.named_column, members.column_member
local kind_of, is_number, each = members.kind_of, members.is_number, members.each
local is_finite, whole, is_identifier = members.is_finite, members.whole, members.is_identifier
local read_conditions = members.read_conditions
local checked = members.checked
local limits = members.limits
local tiers = { "minute", "hour", "day" }
local max_keys = 1000000 -- of a bucket

local measure_keys, set_keys = keys("sum", "scale", "when"), keys("by", "tiers", "max_keys")
local sketch_keys = keys("value", "per", "when")

local function read_when(where, entry)
  return read_conditions(where, entry, "when")
end

local function read_measure(where, entry, i)
  local name = item(where, entry, 1, "a name")
  refuse_unknown(where, entry, measure_keys)
  local measure = {
    where = where, name = name, column = column_member(where, entry, "sum"),
    scale = member(where, entry, "scale", "number") or 1,
  }
  if checked.measure_names[name] then
    fail(where, 'there is a measure "%s" already', name)
  end
  measure.when = read_when(where, entry)
  if measure.column >= 0 and not is_number(measure.column) then
    fail(where, 'sum: "%s" is no number', entry.sum)
  elseif not (measure.scale > 0 and is_finite(measure.scale)) then
    fail(where, "scale must be a positive number")
  end
  checked.measures[i], checked.measure_names[name] = measure, true
end

local function read_sketch(where, entry, i)
  local name = item(where, entry, 1, "a name")
  refuse_unknown(where, entry, sketch_keys)
  local value = column_member(where, entry, "value")
  local per = column_member(where, entry, "per")
  if value < 0 or not is_number(value) or per >= 0 and not is_number(per) then
    fail(where, "value must be a column of numbers, and per too if it is there")
  elseif not is_identifier(name) or checked.sketch_names[name] then
    fail(where, 'the name "%s" is taken, or not of a-z 0-9 _', name)
  end
  checked.sketches[i] = {
    where = where, name = name, value = value, per = per, when = read_when(where, entry),
  }
  checked.sketch_names[name] = true
end

local function read_by(where, entry)
  local by, names = {}, {}
  if type(entry.by) ~= "table" then
    fail(where, "by must be a list of columns")
  end
  for i = 1, #entry.by do
    local name = item(where, entry.by, i, "the name of a column")
    local column = named_column(where, "by", name)
    local kind = kind_of(column)
    if checked.columns[column + 1].in_extra or kind == "float" or kind == "time" then
      fail(where, 'by: cells cannot be kept by "%s": a string, integer or boolean column can', name)
    elseif #by == limits.by then
      fail(where, "by: more than %d columns", limits.by)
    elseif has(by, column) then
      fail(where, 'by: "%s" stands there twice', name)
    end
    by[i], names[i] = column, name
  end
  return by, #names > 0 and table.concat(names, "_") or "all"
end

local function read_tiers(where, entry)
  local list, bits = entry.tiers == nil and tiers or entry.tiers, 0
  if type(list) ~= "table" then
    fail(where, "tiers must be a list")
  end
  for i = 1, #list do
    local name = item(where, list, i, "a tier")
    local tier = has(tiers, name) or fail(where, '"%s" is no tier: minute, hour or day', name)
    bits = bits | 1 << tier - 1
  end
  return bits ~= 0 and bits or fail(where, "tiers is empty")
end

-- The key of a full bucket's rest is a text.
local function read_max_keys(where, entry, by)
  local most = member(where, entry, "max_keys", "number") or 0
  if not whole(most) or most < 0 or most > max_keys then
    fail(where, "max_keys must be a whole number up to %d", max_keys)
  end
  for i, column in ipairs(by) do
    if most > 0 and kind_of(column) ~= "string" then
      fail(where, 'max_keys: "%s" is no string', entry.by[i])
    end
  end
  return whole(most)
end

local function read_set(where, entry, i)
  refuse_unknown(where, entry, set_keys)
  local by, name = read_by(where, entry)
  local bits = read_tiers(where, entry)
  if checked.set_names[name] then
    fail(where, "there is a rollup by %s already", name)
  end
  checked.sets[i] = {
    name = name, by = by, tiers = bits, max_keys = read_max_keys(where, entry, by),
  }
  checked.set_names[name] = true
end

return function(schema)
  each(schema, "measures", limits.measures, read_measure)
  each(schema, "sketches", limits.sketches, read_sketch)
  each(schema, "rollups", limits.sets, read_set)
end
