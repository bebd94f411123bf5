local server = require "spec.helpers.server"
local json = require "spec.helpers.json"

local function faults(body)
  local found = {}
  for i, detail in ipairs(body.detail) do
    found[i] = detail.loc[2] .. " " .. detail.type
  end
  return found
end

describe("parameters", function()
  local s
  lazy_setup(function() s = server.start() end)
  lazy_teardown(function() s:stop() end)

  it("that are wrong are answered with 422 and what was wrong", function()
    local r = s:get "/logs/query?limit=0"
    assert.equal(422, r.status)
    assert.equal("application/json", r.headers["content-type"])
    assert.same({
      detail = json.array {
        {
          type = "greater_than_equal", loc = json.array { "query", "limit" }, input = "0",
          ctx = { ge = 1 },
          msg = "Input should be greater than or equal to 1",
        },
      },
    }, r.json())
  end)

  local refused = {
    { "/logs/query?limit=10001", { "limit less_than_equal" } },
    { "/logs/query?limit=", { "limit int_parsing" } },
    { "/logs/query?limit", { "limit int_parsing" } },
    { "/logs/query?limit=1e1", { "limit int_parsing" } },
    { "/logs/query?limit=5&limit=x", { "limit int_parsing" } },
    { "/logs/query?start_time=nan", { "start_time finite_number" } },
    { "/logs/query?end_time=inf", { "end_time finite_number" } },
    { "/logs/query?start_time=1750000000000", { "start_time time_range" } },
    { "/logs/query?start_time=x&limit=x&end_time=",
      { "limit int_parsing", "start_time float_parsing",
      "end_time float_parsing" } },
    { "/logs/analytics?hours=0", { "hours greater_than_equal" } },
    { "/logs/analytics?hours=169", { "hours less_than_equal" } },
    { "/logs/analytics?start_time=1&hours=x", { "hours int_parsing" } },
    { "/logs/entries?limit=1001", { "limit less_than_equal" } },
    { "/logs/entries?offset=-1", { "offset greater_than_equal" } },
    { "/logs/entries?order_desc=", { "order_desc bool_parsing" } },
    { "/logs/entries?order_desc=2&offset=a&limit=b", { "limit int_parsing", "offset int_parsing",
      "order_desc bool_parsing" } },
    { "/logs/stream?min_duration_ms=x", { "min_duration_ms float_parsing" } },
    { "/logs/stream?status_code_min=2.5", { "status_code_min int_parsing" } },
    { "/logs/export?format=xml", { "format enum" } },
    { "/logs/query?min_duration_ms=nan", { "min_duration_ms finite_number" } },
    { "/logs/query?cursor=x", { "cursor cursor" } },
  }
  for _, case in ipairs(refused) do
    it("are refused in " .. case[1], function()
      local r = s:get(case[1])
      assert.equal(422, r.status)
      assert.same(case[2], faults(r.json()))
    end)
  end

  local taken = {
    { "/logs/query?limit=5", 5 }, { "/logs/query?limit=%2B5", 5 }, { "/logs/query?limit=+5.0+", 5 },
    { "/logs/query?limit=1_000", 1000 }, { "/logs/query?limit=7&limit=8", 8 },
    { "/logs/query?Limit=7", 1000 },
    { "/logs/query?l%69mit=9", 9 }, { "/logs/query?other=1&limit=3", 3 }, { "/logs/query", 1000 },
    { "/logs/query?limit=4;start_time=x", nil },
  }
  for _, case in ipairs(taken) do
    it("are read in " .. case[1], function()
      local r = s:get(case[1])
      assert.equal(case[2] and 200 or 422, r.status)
      assert.equal(case[2], r.json().limit)
    end)
  end

  it("are echoed decoded, with U+FFFD for what is no UTF-8", function()
    local r = s:get "/logs/query?model=a%20b+c%2Bd%ff%zz&service_type="
    assert.same({ model = "a b c+d\u{FFFD}%zz", service_type = "", start_time = json.null,
      end_time = json.null },
      r.json().filters)
  end)
  it("are echoed in the error as they were decoded", function()
    assert.equal(" \u{FFFD}x", s:get("/logs/query?limit=+%ffx").json().detail[1].input)
  end)
end)

describe("other errors", function()
  local s
  lazy_setup(function() s = server.start() end)
  lazy_teardown(function() s:stop() end)

  local cases = {
    { "GET", "/nowhere", 404, "not_found_error", "Not Found" },
    { "GET", "/logs/", 404, "not_found_error", "Not Found" },
    { "GET", "/logs/entries/nobody", 404, "not_found_error", "Not Found" },
    { "DELETE", "/logs/query", 405, "invalid_request_error", "Method Not Allowed" },
    { "GET", "/logs/reset", 405, "invalid_request_error", "Method Not Allowed" },
  }
  for _, case in ipairs(cases) do
    local method, path, status, type, message = table.unpack(case)
    it(("have both forms: %s %s"):format(method, path), function()
      local r = s:request { method = method, path = path }
      assert.equal(status, r.status)
      assert.same({ detail = message, error = { type = type, message = message } }, r.json())
    end)
  end

  it("name the methods that there are", function()
    local allow = s:request({ method = "PUT", path = "/logs/query" }).headers.allow
    assert.truthy(allow:find("GET", 1, true) and allow:find("HEAD", 1, true))
  end)
end)
