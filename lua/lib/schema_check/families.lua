--- Prometheus families that are counted from records.
local members = require "lib.schema_check.members"

local fail, has, refuse_unknown = members.fail, members.has, members.refuse_unknown
local keys, member, item = members.keys, members.member, members.item
local named_column, column_member = members.named_column, members.column_member
local is_number, each, is_finite = members.is_number, members.each, members.is_finite
local place_of = members.place_of
local read_conditions = members.read_conditions
local checked = members.checked
local kinds = { counter = 0, histogram = 1 }
local max_families, max_labels, max_bounds = 64, 16, 64

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
    events = read_family_events(where, entry), when = read_conditions(where, entry, "when"),
  }
  if family.value < 0 and kind == "histogram" then
    fail(where, "a histogram needs a value")
  elseif family.value >= 0 and not is_number(family.value) then
    fail(where, 'value: "%s" is no number', entry.value)
  end
  check_family(where, family, i)
  checked.families[i] = family
end

return function(schema)
  each(schema, "families", max_families, read_family)
end
