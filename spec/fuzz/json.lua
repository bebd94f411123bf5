--- JSON from outside as Lua reads it, whole and in pieces.
local json = require "json"

local function same(a, b)
  if type(a) ~= "table" then
    return a == b or a ~= a and b ~= b
  elseif type(b) ~= "table" then
    return false
  end
  for key, value in pairs(a) do
    if not same(value, b[key]) then
      return false
    end
  end
  for key in pairs(b) do
    if a[key] == nil then
      return false
    end
  end
  return true
end

local function check_pieces(text)
  for value in json.values(text) do
    assert(not value or #value <= 3 * #text)
  end
  local items = json.items(text, { "a", "b", "c" })
  if items then
    for item, outer, inner in items do
      assert(json.decode(item) ~= nil)
      assert(not outer or type(json.decode(outer)) == "table")
      assert(not inner or type(json.decode(inner)) == "table")
    end
  end
end

return function(text)
  check_pieces(text)
  local value = json.decode(text)
  if value == nil then
    return false
  end
  local ok, written = pcall(json.encode, value)
  if ok then
    local again, fault = json.decode(written)
    assert(again ~= nil, fault)
    assert(same(value, again), written)
  end
  return true
end
