--- What merging takes together with a cost.
local members = require "lib.schema_check.members"

local fail, refuse_unknown, keys = members.fail, members.refuse_unknown, members.keys
local member, item, named_column = members.member, members.item, members.named_column
local column_member, kind_of = members.column_member, members.kind_of
local checked = members.checked
local limits = members.limits

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

return function(schema)
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
  elseif cost.source >= 0 and kind_of(cost.source) ~= "string" then
    fail("cost", 'source: "%s" is no string', entry.source)
  end
  checked.cost = cost
end
