package.path = "lua/?.lua;" .. package.path
local memory = require "ingest.memory"

describe("the memory of an import", function()
  before_each(function() memory.clear() end)

  it("does not grow by what is told again", function()
    memory.set("kept", "what", "first")
    for i = 1, 70000 do
      memory.set(tostring(i), "what", "again")
    end
    assert.equal("kept", memory.get("what", "first"))
    assert.equal("70000", memory.get("what", "again"))
  end)

  it("is bounded", function()
    memory.set("kept", "what", "first")
    for i = 1, 65536 do
      memory.set("v", "what", tostring(i))
    end
    assert.is_nil(memory.get("what", "first"))
  end)
end)
