package.loaded.json = package.loaded.json or require "spec.helpers.server_json"
local cursor = require "lib.cursor"

describe("a cursor", function()
  local where = { { "model", "=", "a" }, { "timestamp", ">=", 1.5 } }
  local place = { -1, math.maxinteger }
  local s = cursor.encode(place, where, true)

  it("leads back to its place", function()
    assert.same(place, cursor.decode(s, where, true))
  end)
  it("is nothing at the end", function()
    assert.is_nil(cursor.encode(nil, where, true))
  end)
  it("belongs to its filters and its order", function()
    assert.is_nil(cursor.decode(s, where, false))
    assert.is_nil(cursor.decode(s, { { "model", "=", "b" }, { "timestamp", ">=", 1.5 } }, true))
  end)
  for _, text in ipairs { "", "x", "00", s .. "00", s:sub(1, -2), s:gsub("^01", "02"),
      ("zz"):rep(25) } do
    it(("cannot be %q"):format(text), function()
      assert.is_nil(cursor.decode(text, where, true))
    end)
  end
end)
