--- Checks what lua/schema.lua returns and brings it into the plain arrays that the core
--- compiles.  Run by the core from the program itself, in a state of its own with a copy of the
--- table: a file of the user's of this name is not read. Columns and events are numbered from 0
--- in what it answers; -1 is none.

local types = { "string", "integer", "float", "boolean", "time" }
local roles = { id = "string", time = "time", duration = "float", status = "integer" }
local role_names = { "id", "time", "duration", "status" }
local tiers = { "minute", "hour", "day" }
local kinds = { counter = 0, histogram = 1 }
local max_families, max_labels, max_bounds = 64, 16, 64
local max_keys = 1000000 -- of a bucket
local whole_numbers = 2 ^ 53 -- beyond them a float skips some

local limits  -- of the core: columns, events, measures, sketches, sets, by, names, name
local checked -- what is answered

-- ---- Members ----

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

local function keys(...)
  local known = {}
  for _, key in ipairs { ... } do
    known[key] = true
  end
  return known
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

local function type_of(column)
  return checked.columns[column + 1].type
end

local function is_number(column)
  local kind = types[type_of(column) + 1]
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

-- ---- Columns ----

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
    fail(where, '"%s" is no role: id, time, duration or status', role)
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

local function is_identifier(name)
  return #name <= limits.name and name:find "^[a-z_][a-z0-9_]*$"
    and name ~= "extra" and name ~= "row" and name ~= "told"
end

local column_keys = keys("role", "default", "by_event", "from", "scale", "aliases", "in_extra",
  "dimension", "measure", "unknown")

-- The core reads the conditions themselves, as it does for storage.
local function read_conditions(where, entry, key)
  return member(where, entry, key, "table", "a list of conditions")
end

local function place_of(where, name)
  return ('%s "%s"'):format(where, name:sub(1, 50))
end

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
  if type_of(column.from) ~= column.type and not (numbers and is_number(column.from)) then
    fail(where, 'from: "%s" has another type', entry.from)
  elseif column.scale ~= 1 and not numbers or column.scale <= 0 or not is_finite(column.scale) then
    fail(where, "scale must be a positive number, and is for numbers only")
  end
end

local taken

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

-- One pair of the table aliases: { "name" } or { name = scale }.
local function read_alias(where, i, key, value)
  if type(key) == "number" and type(value) == "string" then
    add_name(where, value, i - 1, true, 1)
  elseif type(key) ~= "string" or type(value) ~= "number" or not is_finite(value) or value <= 0 then
    fail(where, 'aliases are "name" or name = scale')
  elseif types[checked.columns[i].type + 1] ~= "float" then
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

local function read_columns(schema)
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
end

-- ---- Events ----

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

local function read_events(schema)
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

-- ---- What merging takes together ----

local cost_keys = keys("column", "source", "ranks", "split", "with")

local function cost_list(cost, key, read)
  local found, list = {}, member("cost", cost, key, "table", "a list") or {}
  for i = 1, #list do
    found[i] = read(item("cost." .. key, list, i, "a text"))
  end
  return found
end

local function cost_column(name)
  local column = named_column("cost", "it", name)
  if column == checked.id or column == checked.time then
    fail("cost", '"%s" cannot follow a cost', name)
  end
  return column
end

local function read_cost(schema)
  local entry = member("it", schema, "cost", "table", "a table") or {}
  refuse_unknown("cost", entry, cost_keys)
  local cost = {
    column = column_member("cost", entry, "column"),
    source = column_member("cost", entry, "source"),
    ranks = cost_list(entry, "ranks", function(rank) return rank end),
    split = cost_list(entry, "split", cost_column), with = cost_list(entry, "with", cost_column),
  }
  if schema.cost and (cost.column < 0 or cost.source < 0 or #cost.ranks == 0) then
    fail("cost", "expected column, source and ranks")
  elseif #cost.ranks > limits.ranks then
    fail("cost", "more than %d ranks", limits.ranks)
  elseif cost.source >= 0 and types[type_of(cost.source) + 1] ~= "string" then
    fail("cost", 'source: "%s" is no string', entry.source)
  end
  checked.cost = cost
end

-- ---- Sums ----

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
    local kind = types[type_of(column) + 1]
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
    if most > 0 and types[type_of(column) + 1] ~= "string" then
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

local function read_sums(schema)
  each(schema, "measures", limits.measures, read_measure)
  each(schema, "sketches", limits.sketches, read_sketch)
  each(schema, "rollups", limits.sets, read_set)
end

-- ---- Prometheus families ----

local family_keys = keys("help", "labels", "events", "value", "scale", "when", "bounds")
local label_keys = keys("text", "status_prefix")

-- Prometheus data model, of a label's and a family's name; colons are left to recording rules.
local function is_metric_name(name)
  return name:find "^[a-zA-Z_][a-zA-Z0-9_]*$"
end

-- "column", { "label", "column" } or { "label", text = "fixed" }
local function read_label(where, entry)
  if type(entry) == "string" then
    return { name = entry, text = "unknown", column = named_column(where, "labels", entry) }
  elseif type(entry) ~= "table" then
    fail(where, 'a label is "column", { "label", "column" } or { "label", text = "fixed" }')
  end
  local name = item(where, entry, 1, "a label's name")
  refuse_unknown(where, entry, label_keys)
  local label = {
    name = name, column = -1, text = member(where, entry, "text", "string") or "unknown",
    prefix = member(where, entry, "status_prefix", "string"),
  }
  if #entry > 1 then
    label.column = named_column(where, "labels", item(where, entry, 2, "the name of a column"))
  elseif label.text == "unknown" then
    fail(where, 'label "%s" needs a column or a text', name)
  end
  return label
end

local function read_labels(where, entry)
  local labels, names = {}, {}
  local list = entry.labels == nil and {} or entry.labels
  if type(list) ~= "table" or #list > max_labels then
    fail(where, "labels must be a list of at most %d", max_labels)
  end
  for i = 1, #list do
    local label = read_label(where, list[i])
    local name = label.name
    if not is_metric_name(name) or name:sub(1, 2) == "__" or name == "le" then
      fail(where, '"%s" cannot be a label', name)
    elseif names[name] then
      fail(where, 'label "%s" stands there twice', name)
    end
    labels[i], names[name] = label, true
  end
  return labels
end

local function read_bounds(where, entry, kind)
  local bounds = entry.bounds
  local ok = kind == "counter" and bounds == nil
    or kind == "histogram" and type(bounds) == "table" and #bounds > 0 and #bounds <= max_bounds
  local last = -math.huge
  for i = 1, ok and bounds and #bounds or 0 do
    ok = ok and type(bounds[i]) == "number" and is_finite(bounds[i]) and bounds[i] > last
    last = ok and bounds[i] or last
  end
  if not ok then
    fail(where, "a histogram, and nothing else, has bounds: 1 to %d ascending numbers", max_bounds)
  end
  return bounds or {}
end

local function read_family_events(where, entry)
  local bits = 0
  if entry.events == nil then
    for i, event in ipairs(checked.events) do
      bits = event.stored and bits | 1 << i - 1 or bits
    end
    return bits
  elseif type(entry.events) ~= "table" then
    fail(where, "events must be a list of event names")
  end
  for i = 1, #entry.events do
    local name = item(where, entry.events, i, "an event's name")
    local event = has(checked.event_names, name)
      or fail(where, 'events: there is no event "%s"', name)
    bits = bits | 1 << event - 1
  end
  return bits
end

local function shape_of(family)
  local parts = { family.kind, family.help }
  for _, label in ipairs(family.labels) do
    parts[#parts + 1] = label.name
  end
  for _, bound in ipairs(family.bounds) do
    parts[#parts + 1] = ("%a"):format(bound)
  end
  return table.concat(parts, "\0")
end

-- Entries of one family agree and are neighbours.
local function check_family(where, family, i)
  for _, before in ipairs(checked.families) do
    if before.name == family.name then
      if shape_of(before) ~= shape_of(family) then
        fail(where, "differs from the entry before it in kind, help, bounds or label names")
      elseif checked.families[i - 1].name ~= family.name then
        fail(where, "entries of one family stand next to each other")
      end
    end
  end
end

local function read_family(list_place, entry, i)
  local name = item(list_place, entry, 1, "a name")
  local where = place_of(list_place, name)
  if not is_metric_name(name) then
    fail(where, "a name is of a-z A-Z 0-9 _ and starts with no digit")
  end
  refuse_unknown(where, entry, family_keys)
  local kind = item(where, entry, 2, "counter or histogram")
  local family = {
    where = where, name = name,
    kind = kinds[kind] or fail(where, '"%s" is no kind: counter or histogram', kind),
    help = member(where, entry, "help", "string") or "",
    value = column_member(where, entry, "value"),
    scale = member(where, entry, "scale", "number") or 1,
    labels = read_labels(where, entry), bounds = read_bounds(where, entry, kind),
    events = read_family_events(where, entry), when = read_when(where, entry),
  }
  if family.value < 0 and kind == "histogram" then
    fail(where, "a histogram needs a value")
  elseif family.value >= 0 and not is_number(family.value) then
    fail(where, 'value: "%s" is no number', entry.value)
  end
  check_family(where, family, i)
  checked.families[i] = family
end

-- ---- The stream ----

local stream_keys = keys("topic", "overflow", "disconnect")

--- What stands in an event's JSON for a value that is known only then; record/schema.h knows them.
local marks = { dropped = "\1", connection_id = "\2", timestamp = "\3" }
local max_topic = 64

local function quote(text)
  return '"' .. text:gsub('[%c"\\]', function(c)
    return ("\\u%04x"):format(c:byte())
  end) .. '"'
end

local function member_text(where, entry)
  if marks[entry] then
    return quote(entry) .. ":" .. marks[entry]
  elseif type(entry) ~= "table" then
    fail(where, "expected { name, text }, dropped, connection_id or timestamp")
  end
  return quote(item(where, entry, 1, "a name")) .. ":" .. quote(item(where, entry, 2, "a text"))
end

local function read_event_text(stream, name)
  local members = {}
  for i, entry in ipairs(member("stream", stream, name, "table", "a list") or {}) do
    members[i] = member_text(("stream.%s[%d]"):format(name, i), entry)
  end
  if #members == 0 then
    fail("stream." .. name, 'expected a list of members, such as { { "type", "%s" } }', name)
  end
  return "{" .. table.concat(members, ",") .. "}"
end

local function read_stream(schema)
  local stream = member("it", schema, "stream", "table")
    or fail("stream", "expected { topic, overflow, disconnect }")
  refuse_unknown("stream", stream, stream_keys)
  local topic = member("stream", stream, "topic", "string")
  if not topic or topic == "" or #topic > max_topic then
    fail("stream", "topic: expected a text of 1 to %d bytes", max_topic)
  end
  checked.topic = topic
  checked.overflow = read_event_text(stream, "overflow")
  checked.disconnect = read_event_text(stream, "disconnect")
end

-- ---- All of it ----

local top_keys =
  keys("columns", "event_keys", "events", "cost", "measures", "sketches", "rollups", "families",
    "stream")

--- Raises "schema.lua: where: what is wrong, what was expected".
---@param schema any       what lua/schema.lua returned
---@param most table<string, integer>  the limits of the core
---@return table
return function(schema, most)
  limits, taken = most, {}
  checked = {
    columns = {}, column_names = {}, names = {}, events = {}, event_names = {}, measures = {},
    measure_names = {}, sketches = {}, sketch_names = {}, sets = {}, set_names = {}, families = {},
  }
  if type(schema) ~= "table" then
    fail("it", "must return a table")
  end
  refuse_unknown("it", schema, top_keys)
  read_columns(schema)
  read_events(schema)
  read_cost(schema)
  read_sums(schema)
  each(schema, "families", max_families, read_family)
  read_stream(schema)
  return checked
end
