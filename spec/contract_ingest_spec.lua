local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local server = require "spec.helpers.server"

local NDJSON = { ["content-type"] = "application/x-ndjson" }
local JSON = { ["content-type"] = "application/json" }

describe("POST /logs/ingest #loops", function()
  local s
  before_each(function() s = server.start() end)
  after_each(function() s:stop() end)

  local function row(id)
    local body = s:get("/logs/entries/" .. id).json()
    return body.request_id and body
  end

  local bodies = {
    { "one object", JSON, '{"request_id":"a"}', 1 },
    { "an array", JSON, '[{"request_id":"a"},{"request_id":"b"}]', 2 },
    { "an object with records", JSON, '{"records":[{"request_id":"a"},{"request_id":"b"}]}', 2 },
    { "lines called JSON", JSON, '{"request_id":"a"}\n{"request_id":"b"}\n', 2 },
    { "lines", NDJSON, '{"request_id":"a"}\n{"request_id":"b"}\n', 2 },
    { "lines without a last line break", NDJSON, '{"request_id":"a"}\n{"request_id":"b"}', 2 },
    { "lines with CR LF and blank ones", NDJSON, '{"request_id":"a"}\r\n\r\n{"request_id":"b"}\r\n',
      2 },
    { "lines behind a BOM", NDJSON, '\xEF\xBB\xBF{"request_id":"a"}\n', 1 },
    { "jsonl", { ["content-type"] = "application/jsonl" }, '{"request_id":"a"}', 1 },
    { "a type with parameters", { ["content-type"] = "Application/JSON; charset=utf-8" },
      '{"request_id":"a"}', 1 },
    { "an empty array", JSON, "[]", 0 },
  }
  for _, case in ipairs(bodies) do
    local name, headers, body, accepted = table.unpack(case)
    it("takes " .. name, function()
      local r = s:post("/logs/ingest", body, headers)
      assert.equal(200, r.status)
      assert.same({
        accepted = accepted, merged = 0, rejected = 0, errors = json.array {}, durability = "full",
      }, r.json())
      assert.equal(accepted, s:get("/logs/query").json().count)
    end)
  end

  it("takes gzip", function()
    local headers = { ["content-type"] = "application/x-ndjson", ["content-encoding"] = "gzip" }
    assert.equal(200,
      s:post("/logs/ingest", helpers.gzip '{"request_id":"zipped"}', headers).status)
    assert.truthy(row "zipped")
  end)

  it("merges what has the same request_id", function()
    assert.same({ 1, 0 },
      { s:ingest({ { request_id = "a", timestamp = 1000, model = "m" } }).accepted, 0 })
    local result =
      s:ingest { { request_id = "a", timestamp = 2000, tokens_input = 5, cost_usd = 0.5 } }
    assert.same({ 0, 1 }, { result.accepted, result.merged })
    local merged = row "a"
    assert.same({ "1970-01-01T00:16:40Z", "m", 5, 0.5 },
      { merged.timestamp, merged.model, merged.tokens_input, merged.cost_usd })
    assert.equal(1, s:get("/logs/query").json().count)
    assert.equal(5, s:get("/logs/analytics?start_time=0").json().summary.total_tokens_input)
  end)

  for _, id in ipairs { '""', '"None"', "null" } do
    it("makes an id for the request_id " .. id, function()
      local body = ('{"request_id":%s}\n{"request_id":%s}'):format(id, id)
      assert.equal(2, s:post("/logs/ingest", body, NDJSON).json().accepted)
      local made = s:get("/logs/query").json().results[1].request_id
      assert.truthy(made:match "^%x+%-%x+%-7%x+%-[89ab]%x+%-%x+$")
    end)
  end

  it("reports one bad record by its position and stores the rest", function()
    local lines = {}
    for i = 1, 1000 do
      lines[i] = ('{"request_id":"n%d"}'):format(i)
    end
    lines[500] = '{"request_id":"bad","status_code":"many"}'
    local r = s:post("/logs/ingest", table.concat(lines, "\n"), NDJSON)
    local body = r.json()
    assert.equal(200, r.status)
    assert.same({ 999, 0, 1 }, { body.accepted, body.merged, body.rejected })
    assert.equal(1, #body.errors)
    assert.same({ 499, 500, "status_code" },
      { body.errors[1].index, body.errors[1].line, body.errors[1].field })
    assert.equal("string", type(body.errors[1].message))
    assert.equal(999, s:get("/logs/query").json().count)
  end)
  it("lists at most 20 errors and counts all", function()
    local body = s:post("/logs/ingest", ('{"status_code":{}}\n'):rep(50) .. "{}", NDJSON).json()
    assert.same({ 1, 50, 20 }, { body.accepted, body.rejected, #body.errors })
  end)

  local wrong = { "", "nonsense", "[1,2]", '{"request_id":', '"text"', '[{"status_code":"x"}]',
    "[{}", "\0" }
  for _, body in ipairs(wrong) do
    it(("answers 400 to %q, in the same shape"):format(body), function()
      local r = s:post("/logs/ingest", body, JSON)
      assert.equal(400, r.status)
      local answer = r.json()
      assert.equal(0, answer.accepted)
      assert.truthy(#answer.errors > 0)
      assert.equal(0, s:get("/logs/query").json().count)
    end)
  end

  for _, type in ipairs { "text/plain", "application/xml",
      "application/x-www-form-urlencoded", "" } do
    it(("answers 415 to %q"):format(type), function()
      local r = s:post("/logs/ingest", "{}", { ["content-type"] = type ~= "" and type or nil })
      assert.equal(415, r.status)
      assert.equal("invalid_request_error", r.json().error.type)
    end)
  end

  it("keeps unknown fields, also of odd names and types", function()
    local unknown = { ["a \" b"] = json.array { 1, json.null }, deep = { er = true },
      big = 12345678901234567 }
    local record = { request_id = "x" }
    for name, value in pairs(unknown) do
      record[name] = value
    end
    s:ingest { record }
    assert.same(unknown, row("x").extra)
  end)

  it("broadcasts a start and does not store it", function()
    assert.equal(1, s:ingest({ { type = "request_start", request_id = "s" } }).accepted)
    assert.is_falsy(row "s")
  end)
  it("stores an error with its status", function()
    s:ingest { { event = "request_error", request_id = "e", error_type = "t" } }
    assert.equal(500, row("e").status_code)
    assert.equal("t", row("e").error_type)
  end)

  it("has stored what it accepted even if it is killed at once", function()
    local database = os.tmpname()
    os.remove(database)
    local first = server.start { database = database }
    assert.equal(1, first:ingest({ { request_id = "kept" } }).accepted)
    first:kill()
    local second = server.start { database = database }
    assert.equal("kept", second:get("/logs/entries/kept").json().request_id)
    second:stop()
    os.execute("rm -f " .. database .. "*")
  end)
  it("stores nothing of a half-sent body", function()
    local connection =
        s:raw(
            "POST /logs/ingest HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
              .. "application/x-ndjson\r\n"
      .. 'Content-Length: 100\r\n\r\n{"request_id":"half"}\n')
    connection:close()
    s:ingest { { request_id = "whole" } }
    assert.equal(1, s:get("/logs/query").json().count)
  end)

  it("scans a large body while others are served", function()
    local line = ('{"request_id":"%%d","user_agent":"%s"}\n'):format(("x"):rep(700))
    local lines = {}
    for i = 1, 3000 do
      lines[i] = line:format(i)
    end
    local r = s:post("/logs/ingest", table.concat(lines), NDJSON)
    assert.equal(3000, r.json().accepted)
    assert.equal(3000, s:get("/logs/entries?limit=1").json().total_count)
  end)
end)

describe("one bad line in ten thousand", function()
  local s
  lazy_setup(function() s = server.start() end)
  lazy_teardown(function() s:stop() end)

  local cases = {
    { "wrong types", '{"request_id":"bad","tokens_input":"many"}', "expected an integer" },
    { "NaN", '{"request_id":"bad","duration_ms":NaN}', "expected a value" },
    { "a number beyond doubles", '{"request_id":"bad","cost_usd":1e999}', "finite" },
    { "a line cut short", '{"request_id":"bad', "expected the end of a string" },
    { "JSON nested 10,000 deep", '{"x":' .. ("["):rep(10000) .. ("]"):rep(10000) .. "}",
      "less nesting" },
    { "a string of 5 MB", ('{"model":"%s"}'):format(("x"):rep(5000000)),
      "longer than 1048576 bytes" },
    { "raw bytes", "\0\1\255", "expected a value" },
  }
  for number, case in ipairs(cases) do
    it("is told of by its place and costs no other: " .. case[1], function()
      local lines = {}
      for i = 1, 10000 do
        lines[i] = ('{"request_id":"%d-%d"}'):format(number, i)
      end
      lines[5000] = case[2]
      local body = s:post("/logs/ingest", table.concat(lines, "\n"), NDJSON).json()
      assert.same({ 9999, 0, 1 }, { body.accepted, body.merged, body.rejected })
      assert.same({ 4999, 5000 }, { body.errors[1].index, body.errors[1].line })
      assert.truthy(body.errors[1].message:find(case[3], 1, true), body.errors[1].message)
      assert.equal(number * 9999, s:get("/logs/entries?limit=1").json().total_count)
    end)
  end
end)

describe("text that is no UTF-8", function()
  it("is stored with U+FFFD, and every answer is UTF-8", function()
    local s = server.start()
    s:ingest { { request_id = "before" } }
    s:post("/logs/ingest", '{"request_id":"a","model":"x\255\254y","odd":"\xc3"}', JSON)
    local row = s:get("/logs/entries/a").json()
    assert.same({ "x\u{FFFD}\u{FFFD}y", "\u{FFFD}" }, { row.model, row.extra.odd })
    assert.truthy(utf8.len(s:get("/logs/export").body))
    s:stop()
  end)
end)

describe("hooks.lua #loops", function()
  local HOOKS = [[
    local hooks = {}
    function hooks.on_record(record)
      if record.model == "secret" then
        return nil
      elseif record.model == "bad" then
        record.status_code = {}
      end
      record.client_ip = record.client_ip and "redacted"
      record.team = "blue"
      return record
    end
    return hooks
  ]]

  it("changes, enriches and drops records before they are stored", function()
    local s = server.start { files = { ["lua/hooks.lua"] = HOOKS } }
    local stream = s:stream "/logs/stream"
    stream:event()
    local result = s:ingest {
      {
        request_id = "a", client_ip = "1.2.3.4", own = json.array { 1 },
        timestamp = 1750000120.123456, duration_ms = 5,
      },
      { request_id = "b", model = "secret" },
      { request_id = "c", model = "bad" },
    }
    assert.same({ 1, 0, 1, 1 }, { result.accepted, result.merged, result.rejected, result.dropped })
    assert.same({ 2, "status_code" }, { result.errors[1].index, result.errors[1].field })
    local row = s:get("/logs/entries/a").json()
    assert.equal("redacted", row.client_ip)
    assert.equal("2025-06-15T15:08:40.123456Z", row.timestamp)
    assert.equal(0.005, row.duration_seconds)
    assert.equal("blue", row.team)
    assert.same({ own = json.array { 1 } }, row.extra)
    assert.equal("redacted", assert(stream:event()).json.data.client_ip)
    stream:close()
    s:stop()
  end)

  it("sees the members that live in extra and leaves them once", function()
    local s = server.start {
      files = { ["lua/hooks.lua"] = "return { on_record = function(r) return r end }" },
    }
    local stream = s:stream "/logs/stream"
    stream:event()
    s:ingest {
      { type = "request_error", request_id = "a", error_type = "t", error_message = "m",
        other = 1 },
    }
    local data = assert(stream:event()).json.data
    assert.same({ "t", "m" }, { data.error_type, data.error_message })
    local text = s:get("/logs/entries/a").body
    local _, times = text:gsub('"error_type"', "")
    assert.equal(1, times)
    assert.truthy(text:find('"other":1', 1, true))
    stream:close()
    s:stop()
  end)

  it("that fails costs its own request and nothing is stored", function()
    local s = server.start {
      files = {
        ["lua/hooks.lua"] =
          [[return { on_record = function(r)
            if r.model == "x" then error "no" end
            if r.model then require("storage").count {} end
            return r
          end }]],
      },
    }
    local r = s:post("/logs/ingest", '{"request_id":"a"}\n{"request_id":"b","model":"x"}', NDJSON)
    assert.equal(500, r.status)
    assert.equal(500, s:post("/logs/ingest", '{"model":"y"}', NDJSON).status)
    assert.matches("cannot be called inside [^\n]*on_record of hooks.lua", s:log())
    assert.equal(0, s:get("/logs/query").json().count)
    assert.equal(1, s:ingest({ { request_id = "c" } }).accepted)
    s:stop()
  end)
end)
