package.path = "lua/?.lua;" .. package.path
package.loaded.json = require "spec.helpers.server_json"

-- Values in memory; before its call number n, meanwhile() is done, as by another loop.
local values, ncalls, n, meanwhile

local function call()
  ncalls = ncalls + 1
  if ncalls == n then
    meanwhile()
  end
end

package.loaded.kv = {
  get = function(key)
    call()
    return values[key]
  end,
  set = function(key, value)
    call()
    values[key] = value
  end,
  incr = function(key, by)
    call()
    values[key] = (values[key] or 0) + (by or 1)
    return values[key]
  end,
}
package.loaded.storage = { sql = function() return {} end }

describe("senders", function()
  local who = { service_type = "shop" }
  local senders

  local function begin()
    values, ncalls, n = {}, 0, nil
    package.loaded["ingest.senders"] = nil
    senders = require "ingest.senders"
  end

  local function refuse(reason)
    senders.refused(who, 1, { reason })
  end

  before_each(begin)

  it("lose no refusal that two loops count at once", function()
    for _, theirs in ipairs { "too old", "too new" } do
      refuse "too old"
      ncalls = 0
      refuse "too old"
      local most = ncalls
      for at = 1, most do
        begin()
        refuse "too old"
        ncalls, n, meanwhile = 0, at, function() refuse(theirs) end
        refuse "too old"
        n = nil
        local sum = 0
        for _, known in ipairs(senders.list()[1].why) do
          sum = sum + known.count
        end
        assert.equal(3, sum, ("%s before call %d"):format(theirs, at))
      end
    end
  end)

  it("keep ten reasons of one", function()
    for letter = ("a"):byte(), ("l"):byte() do
      refuse(string.char(letter))
      refuse(string.char(letter))
    end
    local why = senders.list()[1].why
    assert.equal(10, #why)
    assert.equal(2, why[10].count)
  end)
end)
