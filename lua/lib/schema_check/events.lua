--- Events: what a record says has happened, and what of it a stream shows.
local members = require "lib.schema_check.members"

local fail, has, refuse_unknown = members.fail, members.has, members.refuse_unknown
local keys, member, item = members.keys, members.member, members.item
local named_column, each, whole = members.named_column, members.each, members.whole
local add_name = members.add_name
local checked = members.checked
local limits = members.limits
local types = members.types

local event_keys = keys("default", "stored", "filtered", "opens", "closes", "fields")

local function read_fields(where, entry)
  local found = {}
  if type(entry.fields) ~= "table" then
    fail(where, "fields must be a list of columns")
  end
  for i = 1, #entry.fields do
    local name = item(where, entry.fields, i, "the name of a column")
    local column = named_column(where, "fields", name)
    if has(found, column) then
      fail(where, 'fields: "%s" stands there twice', name)
    end
    found[i] = column
  end
  return found
end

local function read_event(where, entry, i)
  local name = item(where, entry, 1, "a name")
  refuse_unknown(where, entry, event_keys)
  local event = { name = name }
  local is_default = member(where, entry, "default", "boolean")
  for _, flag in ipairs { "stored", "filtered", "opens", "closes" } do
    event[flag] = member(where, entry, flag, "boolean") or false
  end
  event.fields = read_fields(where, entry)
  if has(checked.event_names, name) then
    fail(where, 'there is an event "%s" already', name)
  elseif is_default and checked.default_event then
    local other = checked.event_names[checked.default_event + 1]
    fail(where, 'the event "%s" is the default already', other)
  elseif is_default then
    checked.default_event = i - 1
  end
  checked.events[i], checked.event_names[i] = event, name
end

local function read_by_event(where, entry, i)
  local column, by_event = checked.columns[i], entry.by_event
  if by_event == nil then
    return
  elseif type(by_event) ~= "table" or types[column.type + 1] ~= "integer" then
    fail(where, "by_event is a table of integer columns")
  end
  column.by_event = {}
  for e, name in ipairs(checked.event_names) do
    local value = member(where, by_event, name, "number") or column.default
    column.by_event[e] = whole(value) or fail(where, "by_event: expected whole numbers")
  end
end

return function(schema)
  each(schema, "events", limits.events, read_event)
  if not checked.default_event or not checked.events[checked.default_event + 1].stored then
    fail("events", "one event must be the default, and stored")
  end
  local names = schema.event_keys == nil and {} or schema.event_keys
  if type(names) ~= "table" then
    fail("event_keys", "expected a list of names")
  end
  for i = 1, #names do
    add_name("event_keys", item("event_keys", names, i, "a name"), -1, false, 1)
  end
  each(schema, "columns", limits.columns, read_by_event)
end
