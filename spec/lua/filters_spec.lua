package.loaded.json = package.loaded.json or require "spec.helpers.server_json"
package.loaded.storage = package.loaded.storage or { columns = function() return {} end }
local filters = require "lib.filters"
local params = require "lib.params"

describe("a list filter", function()
  local list = filters.list "m"
  local cases = {
    { "a", { { "m", "in", "a" } } },
    { "a,b", { { "m", "in", "a", "b" } } },
    { " a , b\u{A0}", { { "m", "in", "a", "b" } } },
    { "!a", { { "m", "not_in", "a" } } },
    { "!a,!b", { { "m", "not_in", "a", "b" } } },
    { "a,!b", { { "m", "in", "a" }, { "m", "not_in", "b" } } },
    { "a,! b ", { { "m", "in", "a" }, { "m", "not_in", " b" } } },
    { ",", { { "m", "in", "", "" } } },
    { "a,", { { "m", "in", "a", "" } } },
    { "!", { { "m", "not_in", "" } } },
    { " ", { { "m", "in", "" } } },
  }
  for _, case in ipairs(cases) do
    it(("reads %q"):format(case[1]), function()
      assert.same(case[2], list(case[1]))
    end)
  end
  it("is no filter when it is empty", function()
    assert.is_nil(list "")
  end)
  it("can be asked to take the empty string for a name", function()
    assert.same({ { "m", "in", "" } }, filters.list_or_empty "m" "")
  end)
end)

describe("a list filter with prefixes", function()
  local patterns = filters.patterns "m"
  local cases = {
    { "a,!b", { { "m", "in", "a" }, { "m", "not_in", "b" } } },
    { "a*", { { "m", "matches", { prefix = "a" } } } },
    { " a* , b ,!a1*",
      { { "m", "matches", { prefix = "a" }, "b" }, { "m", "not_matches", { prefix = "a1" } } } },
    { "a*b", { { "m", "matches", "a*b" } } },
    { "*", { { "m", "matches", { prefix = "" } } } },
  }
  for _, case in ipairs(cases) do
    it(("reads %q"):format(case[1]), function()
      assert.same(case[2], patterns(case[1]))
    end)
  end
  it("is no filter when it is empty", function()
    assert.is_nil(patterns "")
  end)
end)

describe("the common filters", function()
  it("come one after the other and only where they were given", function()
    local read = params.reader(filters.params {})
    local values = read "max_duration_ms=5&model=a&status_code_min=0&endpoint=&start_time=0"
    local where =
      { { "model", "in", "a" }, { "status_code", ">=", 0 }, { "duration_ms", "<=", 5.0 } }
    assert.same(where, filters.where(values))
  end)
  it("can be read in an endpoint's own way", function()
    local where = filters.where({ model = "a,b" }, { model = filters.exact "model" })
    assert.same({ { "model", "=", "a,b" } }, where)
  end)
  it("leave what a route declares itself first and as it is", function()
    local own = params.integer {}
    local declared = filters.params { limit = own, model = params.string { default = "x" } }
    assert.equal(own, declared.limit)
    assert.equal("x", declared.model.default)
    assert.equal("limit", params.names(declared)[1])
  end)
end)

it("a window of hours ends now", function()
  assert.same({ { "timestamp", ">=", 6400 }, { "timestamp", "<=", 10000 } },
    filters.last_hours(1, 10000))
end)
