local memory = require "ingest.memory"
local notes = require "ingest.call_notes"

describe("a note of a span", function()
  before_each(function() memory.clear() end)

  it("has what was put last, whatever ids are made of", function()
    local odd = "a=b,\n\0counted"
    notes.put("t", odd, nil, "counted", odd)
    notes.put("t", odd, notes.recall("t", odd), "caller", "")
    notes.put("t", odd, notes.recall("t", odd), "counted", "several")
    local noted = notes.recall("t", odd)
    assert.same({ "several", "", nil, nil },
      { noted.counted, noted.caller, noted.failed, noted.row })
  end)

  it("does not grow where it is put again and again", function()
    notes.put("t", "s", nil, "caller", "x")
    local len = #memory.get("span", "t", "s")
    for _ = 1, 100 do
      notes.put("t", "s", notes.recall("t", "s"), "caller", "x")
    end
    assert.equal(len, #memory.get("span", "t", "s"))
  end)
end)
