package.loaded.json = package.loaded.json or require "spec.helpers.server_json"
local params = require "lib.params"

local MESSAGES = {
  int_parsing = "Input should be a valid integer, unable to parse string as an integer",
  float_parsing = "Input should be a valid number, unable to parse string as a number",
  bool_parsing = "Input should be a valid boolean, unable to interpret input",
  finite_number = "Input should be a finite number",
}

local function read(param, query)
  local values, details = params.reader { x = param } (query)
  return values.x, details and details[1]
end

local function accepts(kind, cases)
  for _, case in ipairs(cases) do
    it(("reads %q as %s"):format(case[1], case[2]), function()
      local value, detail = read(params[kind](), "x=" .. case[1])
      assert.is_nil(detail)
      assert.equal(case[2], value)
      assert.equal(math.type(case[2]), math.type(value))
    end)
  end
end

local function refuses(kind, type, inputs)
  for _, input in ipairs(inputs) do
    it(("refuses %q with %s"):format(input, type), function()
      local _, detail = read(params[kind](), "x=" .. input)
      assert.equal(type, detail.type)
      assert.equal(MESSAGES[type] or detail.msg, detail.msg)
      assert.equal("x", detail.loc[2])
      assert.is_nil(detail.ctx)
    end)
  end
end

describe("an integer parameter", function()
  accepts("integer", {
    { "5", 5 }, { "-5", -5 }, { "%2B5", 5 }, { "005", 5 }, { "5.0", 5 }, { "5.000", 5 },
    { "1_000", 1000 },
    { "1_0_0.0", 100 }, { "+5+", 5 }, { "%09%0A%0B%0C%0D5%20", 5 }, { "0", 0 },
    { "9223372036854775807", math.maxinteger },
    { "99999999999999999999", math.maxinteger }, { "-99999999999999999999", math.mininteger },
  })
  refuses("integer", "int_parsing", {
    "", "abc", "1e1", "1,000", "5.5", "_5", "5_", "1__0", "5._0", "-", "%2B", "--5", "- 5", "5 5",
    "nan", "inf", "true", "5%00", "0x10", "%D9%A5", "%C2%A05", ".0",
  })

  local bounded = params.integer { ge = 1, le = 10 }
  it("says what its least value is", function()
    local _, detail = read(bounded, "x=0")
    assert.same({
      type = "greater_than_equal", loc = require("json").array { "query", "x" }, input = "0",
      ctx = { ge = 1 },
      msg = "Input should be greater than or equal to 1",
    }, detail)
  end)
  it("says what its greatest value is", function()
    local _, detail = read(bounded, "x=11")
    assert.same({ "less_than_equal", "Input should be less than or equal to 10", { le = 10 } },
      { detail.type, detail.msg, detail.ctx })
  end)
  it("takes its bounds themselves", function()
    assert.equal(1, (read(bounded, "x=1")))
    assert.equal(10, (read(bounded, "x=10")))
  end)
end)

describe("a float parameter", function()
  accepts("float", {
    { "1", 1.0 }, { ".5", 0.5 }, { "5.", 5.0 }, { "1e9", 1e9 }, { "1E-3", 1e-3 }, { "-0", -0.0 },
    { "%2B1.5", 1.5 }, { "1_000.5", 1000.5 }, { "+2.5+", 2.5 }, { "1e%2B2", 100.0 },
  })
  refuses("float", "float_parsing", {
    "", "abc", ".", "1,5", "0x10", "1e", "e5", "1_", "1._5", "1.2.3",
    "1e5.0", "--1", "nano",
  })
  refuses("float", "finite_number", { "nan", "NaN", "-nan", "inf", "-Infinity", "1e999" })

  it("may be not finite where that is allowed", function()
    local param = params.float { finite = false }
    assert.equal(math.huge, (read(param, "x=inf")))
    assert.equal(-math.huge, (read(param, "x=-INFINITY")))
    local nan, detail = read(param, "x=nan")
    assert.is_nil(detail)
    assert.not_equal(nan, nan)
  end)
end)

describe("a time parameter", function()
  accepts("time",
    { { "0", 0.0 }, { "1750000000.123456", 1750000000.123456 },
      { "253402300799", 253402300799.0 } })
  refuses("time", "time_range", { "253402300800", "1750000000000", "-62135596801" })
  refuses("time", "finite_number", { "nan", "inf" })
  refuses("time", "float_parsing", { "", "2025-01-01" })
end)

describe("a boolean parameter", function()
  for _, word in ipairs { "1", "true", "T", "yes", "Y", "ON", "True" } do
    it("is true for " .. word, function()
      assert.is_true((read(params.boolean(), "x=" .. word)))
    end)
  end
  for _, word in ipairs { "0", "false", "F", "no", "n", "OFF" } do
    it("is false for " .. word, function()
      assert.is_false((read(params.boolean { default = true }, "x=" .. word)))
    end)
  end
  refuses("boolean", "bool_parsing", { "", "2", "+true", "truth", "null" })
end)

describe("a string parameter", function()
  it("is taken as it is", function()
    assert.equal(" a,b ", (read(params.string(), "x=+a,b+")))
    assert.equal("", (read(params.string { default = "d" }, "x=")))
    assert.equal("", (read(params.string { default = "d" }, "x")))
    assert.equal("d", (read(params.string { default = "d" }, "")))
  end)
  it("may be one of a few", function()
    local param = params.string { one_of = { "csv", "ndjson" } }
    assert.equal("csv", (read(param, "x=csv")))
    local _, detail = read(param, "x=xml")
    assert.equal("Input should be 'csv' or 'ndjson'", detail.msg)
  end)
end)

describe("a query string", function()
  local cases = {
    { "a=1&b=2", { a = "1", b = "2" } },
    { "a=1;b=2", { a = "1;b=2" } },
    { "a=1&a=2", { a = "2" } },
    { "a=1&%61=2", { a = "2" } },
    { "a=1&a", { a = "" } },
    { "&&a=1&", { a = "1" } },
    { "A=1", { A = "1" } },
    { "a=b=c", { a = "b=c" } },
    { "a+b=c%26d", { ["a b"] = "c&d" } },
    { "=1", { [""] = "1" } },
    { "", {} },
  }
  for _, case in ipairs(cases) do
    it(("splits %q"):format(case[1]), function()
      assert.same(case[2], params.split(case[1]))
    end)
  end

  it("has its faults listed in the order of declaration", function()
    local reader = params.reader { z = params.integer(), a = params.float(), m = params.boolean() }
    local _, details = reader "m=&a=&z="
    assert.same({ "z", "a", "m" }, { details[1].loc[2], details[2].loc[2], details[3].loc[2] })
    assert.equal(3, #details)
  end)
  it("may hold names that nobody declared", function()
    local values, details =
      params.reader { limit = params.integer { default = 3 } } "Limit=x&other=1"
    assert.is_nil(details)
    assert.same({ limit = 3 }, values)
  end)
end)
