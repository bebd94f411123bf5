--- What merging takes together with a cost.
local members = require "lib.schema_check.members"

local fail, refuse_unknown, keys = members.fail, members.refuse_unknown, members.keys
local member, item, named_column = members.member, members.item, members.named_column
local column_member, kind_of = members.column_member, members.kind_of
local column_of = members.column_of
local checked = members.checked
local limits = members.limits

local cost_keys = keys("column", "source", "ranks", "split", "with", "basis", "parts")

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

-- Columns, and members of extra by their names.
local function read_basis(cost)
  local columns, others = {}, {}
  for _, name in ipairs(cost_list(cost, "basis", function(text) return text end)) do
    local known = column_of(name) >= 0
    table.insert(known and columns or others, known and cost_column(name) or name)
  end
  if #others > limits.basis then
    fail("cost", "basis: more than %d members that are no columns", limits.basis)
  end
  return columns, others
end

return function(schema)
  local entry = member("it", schema, "cost", "table", "a table") or {}
  refuse_unknown("cost", entry, cost_keys)
  local cost = {
    column = column_member("cost", entry, "column"),
    source = column_member("cost", entry, "source"),
    ranks = cost_list(entry, "ranks", function(rank) return rank end),
    split = cost_list(entry, "split", cost_column), with = cost_list(entry, "with", cost_column),
    parts = column_member("cost", entry, "parts"),
  }
  cost.basis, cost.basis_members = read_basis(entry)
  if schema.cost and (cost.column < 0 or cost.source < 0 or #cost.ranks == 0) then
    fail("cost", "expected column, source and ranks")
  elseif #cost.ranks > limits.ranks then
    fail("cost", "more than %d ranks", limits.ranks)
  elseif cost.source >= 0 and kind_of(cost.source) ~= "string" then
    fail("cost", 'source: "%s" is no string', entry.source)
  elseif cost.parts >= 0
      and not (kind_of(cost.parts) == "float" and kind_of(cost.column) == "float") then
    fail("cost", 'parts: "%s" and "%s" must both be float', entry.parts, entry.column)
  end
  checked.cost = cost
end
