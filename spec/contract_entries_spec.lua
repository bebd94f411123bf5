local server = require "spec.helpers.server"
local json = require "spec.helpers.json"

local function ids(rows)
  local list = {}
  for i, row in ipairs(rows) do
    list[i] = row.request_id
  end
  return table.concat(list, " ")
end

describe("GET /logs/entries", function()
  local s
  lazy_setup(function()
    s = server.start()
    s:ingest {
      { request_id = "a", timestamp = 1000, model = "b", service_type = "x", tokens_input = 3,
        streaming = true },
      { request_id = "b", timestamp = 2000, model = "B", service_type = "y", tokens_input = 1,
        streaming = false },
      { request_id = "c", timestamp = 3000, model = "a", service_type = "!z", tokens_input = 2,
        streaming = true },
      { request_id = "d", timestamp = 3000, model = "ä", service_type = "", tokens_input = 2,
        streaming = false,
        status_code = 500, duration_ms = 12.5, endpoint = "/e", method = "PUT" },
    }
  end)
  lazy_teardown(function() s:stop() end)

  it("answers a page, oldest first", function()
    local r = s:get "/logs/entries"
    assert.equal(200, r.status)
    local body = r.json()
    assert.equal("a b c d", ids(body.entries))
    body.entries = nil
    assert.same({
      total_count = 4, limit = 50, offset = 0, order_by = "timestamp", order_desc = false,
      service_type = json.null, page = 1, total_pages = 1, backend = "sqlmodel",
      next_cursor = json.null,
    }, body)
  end)

  local orders = {
    { "order_desc=true", "d c b a", "timestamp" },
    { "order_by=tokens_input", "b c d a", "tokens_input" },
    { "order_by=tokens_input&order_desc=1", "a d c b", "tokens_input" },
    { "order_by=model", "b c a d", "model" },
    { "order_by=streaming", "b d a c", "streaming" },
    { "order_by=streaming&order_desc=yes", "c a d b", "streaming" },
    { "order_by=request_id&order_desc=on", "d c b a", "request_id" },
    { "order_by=nothing", "a b c d", "timestamp" },
    { "order_by=", "a b c d", "timestamp" },
    { "order_by=Model", "a b c d", "timestamp" },
    { "order_by=extra", "a b c d", "timestamp" },
    { "order_by=rowid", "a b c d", "timestamp" },
  }
  for _, case in ipairs(orders) do
    it("orders by " .. case[1], function()
      local body = s:get("/logs/entries?" .. case[1]).json()
      assert.equal(case[2], ids(body.entries))
      assert.equal(case[3], body.order_by)
    end)
  end

  local pages = {
    { "limit=3", "a b c", 1, 2 },
    { "limit=3&offset=3", "d", 2, 2 },
    { "limit=2&offset=3", "d", 2, 2 },
    { "limit=1&offset=2", "c", 3, 4 },
    { "limit=50&offset=4", "", 1, 1 },
    { "limit=2&offset=100", "", 51, 2 },
    { "offset=99999999999999", "", 2000000000000, 1 },
    { "service_type=nobody", "", 1, 0 },
  }
  for _, case in ipairs(pages) do
    it("numbers its pages: " .. case[1], function()
      local r = s:get("/logs/entries?" .. case[1])
      local body = r.json()
      assert.equal(200, r.status)
      assert.equal(case[2], ids(body.entries))
      assert.equal(case[3], body.page)
      assert.equal(case[4], body.total_pages)
    end)
  end

  local filters = {
    { "service_type=x", "a" },
    { "service_type=", "a b c d" },
    { "service_type=x,y", "a b" },
    { "service_type=+x+,%C2%A0y", "a b" },
    { "service_type=!x", "b c d" },
    { "service_type=!x,!y", "c d" },
    { "service_type=x,y,!y", "a" },
    { "service_type=!!z", "a b d" },
    { "service_type=x,", "a d" },
    { "service_type=,", "d" },
    { "service_type=!", "a b c" },
    { "service_type=X", "" },
    { "model=a,b", "a c" },
    { "model=!a", "a b d" },
    { "start_time=2000", "b c d" },
    { "end_time=2000", "a b" },
    { "start_time=0", "a b c d" },
    { "status_code_min=500", "d" },
    { "status_code_max=499", "a b c" },
    { "status_code_max=0", "" },
    { "min_duration_ms=12.5", "d" },
    { "max_duration_ms=12.4", "a b c" },
    { "endpoint=/e", "d" },
    { "method=PUT", "d" },
    { "request_id=c", "c" },
    { "model=a&service_type=x", "" },
  }
  for _, case in ipairs(filters) do
    it("narrows by " .. case[1], function()
      local body = s:get("/logs/entries?" .. case[1]).json()
      assert.equal(case[2], ids(body.entries))
      assert.equal(#body.entries, body.total_count)
    end)
  end

  it("leads on by next_cursor in either direction, without a count", function()
    for desc, expected in pairs { ["false"] = "a b c d", ["true"] = "d c b a" } do
      local path = "/logs/entries?limit=1&order_desc=" .. desc
      local seen, cursor = {}, nil
      repeat
        local body = s:get(path .. (cursor and "&cursor=" .. cursor or "")).json()
        seen[#seen + 1] = ids(body.entries)
        assert.equal(cursor == nil, body.total_count ~= nil)
        cursor = body.next_cursor ~= json.null and body.next_cursor or nil
      until not cursor or #seen > 6
      assert.equal(expected, (table.concat(seen, " "):gsub(" $", "")))
    end
  end)

  it("has cursors only for the order of time", function()
    assert.equal(json.null, s:get("/logs/entries?limit=1&order_by=model").json().next_cursor)
  end)
end)

describe("GET /logs/entries/{request_id}", function()
  it("answers one row with what had no column", function()
    local s <close> = server.start()
    s:ingest {
      { request_id = "one/two", model = "m", custom = { nested = json.array { 1, "x" } } },
    }
    local body = s:get("/logs/entries/one%2Ftwo").json()
    assert.equal("one/two", body.request_id)
    assert.equal("m", body.model)
    assert.same({ custom = { nested = json.array { 1, "x" } } }, body.extra)
    s:stop()
  end)
end)
