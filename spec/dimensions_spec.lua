local json = require "spec.helpers.json"
local server = require "spec.helpers.server"

local DAY = 86400

local function record(fields)
  fields.timestamp = fields.timestamp or 1000000
  return fields
end

local records = {
  record { request_id = "a", model = "m1", user = "ann", team = "red", api_key = "k1",
    project = "p", host = "h1",
           agent = "main", tier = "batch", billing = "billed", provider = "acme",
             duration_ms = 100, cost_usd = 1,
           tokens_output = 50, time_to_first_token_ms = 20, note = "kept" },
  record { request_id = "b", model = "m1", user = "bob", team = "red", billing = "notional",
    duration_ms = 300,
           cost_usd = 2, timestamp = 1000000 + DAY },
  record { request_id = "c", model = "m2", user = "ann", team = "blue", status_code = 429,
    error_type = "rate_limit",
           error_message = "slow down", provider = "acme", timestamp = 1000000 + 2 * DAY },
  record { request_id = "d", model = "m2", user = "ann", team = "blue", status_code = 429,
    error_type = "rate_limit",
           error_message = "slower", provider = "acme", timestamp = 1000000 + 3 * DAY },
  record { request_id = "e", model = "m2", error_type = "cut_off", timestamp = 1000001 + 3 * DAY },
}

local function ids(rows)
  local list = {}
  for i, row in ipairs(rows) do
    list[i] = row.request_id
  end
  table.sort(list)
  return table.concat(list, " ")
end

describe("dimensions", function()
  local s
  setup(function()
    s = server.start()
    s:ingest(records)
  end)
  teardown(function() s:stop() end)

  local function get(path)
    local r = s:get(path)
    assert.equal(200, r.status, r.body)
    return r.json()
  end

  it("are no part of a row of the contract", function()
    local columns = 0
    for _ in pairs(get("/logs/query?request_id=a").results[1]) do
      columns = columns + 1
    end
    assert.equal(30, columns)
  end)

  it("stand in a single row, where it has them", function()
    local row = get "/logs/entries/a"
    assert.equal("ann", row.user)
    assert.equal(20, row.time_to_first_token_ms)
    assert.same({ note = "kept" }, row.extra)
    assert.is_nil(get("/logs/entries/e").user)
  end)

  local filtered = {
    { "user=ann", "a c d" }, { "user=!ann", "b e" }, { "user=a*,bob", "a b c d" },
      { "team=!red,!blue", "e" },
    { "error_type=rate*", "c d" }, { "provider=acme&model=m1", "a" }, { "api_key=k1", "a" },
      { "project=p", "a" },
    { "host=h1", "a" }, { "agent=main", "a" }, { "tier=batch", "a" }, { "billing=notional", "b" },
  }
  for _, case in ipairs(filtered) do
    it("are filters: " .. case[1], function()
      assert.equal(case[2], ids(get("/logs/query?" .. case[1]).results))
      local total = get("/logs/analytics?start_time=0&" .. case[1]).summary.total_requests
      assert.equal(select(2, case[2]:gsub("%S+", "")), total)
    end)
  end

  it("are shown by fields, in that order, unknown values as null", function()
    local body = s:get("/logs/entries?request_id=c"
      .. "&fields=user,duration_ms,%20request_id,time_to_first_token_ms").body
    local row = '[{"user":"ann","duration_ms":null,"request_id":"c","time_to_first_token_ms":null}]'
    assert.truthy(body:find(row, 1, true),
      body)
    local all = get("/logs/query?fields=*&request_id=c").results[1]
    assert.equal("rate_limit", all.error_type)
    assert.equal("slow down", all.extra.error_message)
    assert.equal(json.null, all.duration_seconds)
  end)

  it("refuse a field that is none, wherever rows are shown", function()
    for _, path in ipairs { "query", "entries", "export" } do
      local r = s:get("/logs/" .. path .. "?fields=user,nobody")
      assert.equal(422, r.status)
      assert.same({ "query", "fields" }, r.json().detail[1].loc)
    end
  end)

  it("are in exports, with all else that a row has", function()
    local head,
      first = s:get("/logs/export?format=csv&request_id=a").body:match("^(.-)\r\n(.-)\r\n$")
    assert.truthy(head:find("session_is_new,provider,user,team,api_key,project,host,agent,tier,"
      .. "billing,error_type,"
      .. "time_to_first_token_ms,extra$"), head)
    local values = 'true,acme,ann,red,k1,p,h1,main,batch,billed,,20.0,"{""note"":""kept""}"'
    assert.truthy(first:find(values, 1, true), first)
    assert.equal("user,cost_usd\r\nann,\r\n",
      s:get("/logs/export?format=csv&fields=user,cost_usd&request_id=c").body)
    local line = s:get("/logs/export?request_id=b").json()
    assert.equal("notional", line.billing)
    assert.same({}, line.extra)
  end)

  it("come back from an export as they were", function()
    local again = server.start()
    local export = s:get("/logs/export").body
    again:post("/logs/ingest", export, { ["content-type"] = "application/x-ndjson" })
    assert.equal(export, again:get("/logs/export").body)
    again:stop()
  end)

  it("leave what is no text in extra", function()
    assert.equal(1, s:ingest({ record { request_id = "odd", timestamp = 4000000, user = { id = 5 },
      team = 7 } }).accepted)
    assert.same({ user = { id = 5 }, team = 7 }, get("/logs/entries/odd").extra)
  end)

  describe("by GET /logs/breakdown", function()
    it("add up, unknown durations left out, notional cost apart", function()
      local body = get "/logs/breakdown?by=user&end_time=2000000"
      assert.same({ "user" }, body.by)
      assert.same({ start_time = json.null, end_time = 2000000.0 }, body.window)
      assert.is_true(body.exact)
      assert.equal(json.null, body.other)
      assert.same({ "bob", "ann", "" }, { body.groups[1].user, body.groups[2].user,
        body.groups[3].user })
      local bob, ann, none = body.groups[1], body.groups[2], body.groups[3]
      assert.same({ 2, 0 }, { bob.total_cost_usd, bob.billed_cost_usd })
      assert.same({ 1, 1 }, { ann.total_cost_usd, ann.billed_cost_usd })
      assert.same({ 3, 1, 100, 2 }, { ann.request_count, ann.duration_known, ann.avg_duration_ms,
        ann.error_requests })
      assert.near(500, ann.output_tokens_per_second_p50, 6)
      assert.near(20, ann.time_to_first_token_ms_p95, 0.3)
      assert.same({ json.null, json.null, 0 },
        { none.avg_duration_ms, none.duration_ms_p50, none.duration_known })
      assert.same({ 5, 3, 1, 2 }, { body.totals.request_count, body.totals.total_cost_usd,
        body.totals.billed_cost_usd,
                                    body.totals.duration_known })
    end)

    it("keep the rest in one line", function()
      local body =
        get "/logs/breakdown?by=team,user&end_time=2000000&limit=1&order_by=request_count"
      assert.equal(1, #body.groups)
      assert.same({ "blue", "ann", 2 }, { body.groups[1].team, body.groups[1].user,
        body.groups[1].request_count })
      assert.equal(3, body.other.request_count)
      assert.equal(5, body.totals.request_count)
    end)

    it("by the days of a zone", function()
      local body = get "/logs/breakdown?by=team&every=day&tz=America/New_York&team=red"
      assert.same({ { "1970-01-12T00:00:00-05:00", 1 }, { "1970-01-13T00:00:00-05:00", 1 } },
        { { body.groups[1].bucket, body.groups[1].request_count },
          { body.groups[2].bucket, body.groups[2].request_count } })
      assert.equal("1970-01-12T00:00:00Z",
        get("/logs/breakdown?by=team&every=week&team=red").groups[1].bucket)
      assert.equal("1970-01-01T00:00:00+05:30",
        get("/logs/breakdown?by=team&every=month&tz=%2B05:30").groups[1].bucket)
      assert.equal("1970-01-12T19:00:00+05:30", -- a + that is not escaped is a blank
        get("/logs/breakdown?by=team&every=hour&tz=+05:30&start_time=1000000&end_time=1000001")
          .groups[1].bucket)
    end)

    local refused = {
      { "", "by" }, { "by=nothing", "by" }, { "by=user,team,model,host", "by" },
        { "by=duration_ms", "by" },
      { "by=user&every=year", "every" }, { "by=user&tz=Mars/Olympus", "tz" },
        { "by=user&tz=../../etc/passwd", "tz" },
      { "by=user&limit=0", "limit" }, { "by=user&order_by=luck", "order_by" },
      { "by=user&every=hour&start_time=1&end_time=2000000000", "every" },
    }
    for _, case in ipairs(refused) do
      it("refuse ?" .. case[1], function()
        local r = s:get("/logs/breakdown?" .. case[1])
        assert.equal(422, r.status, r.body)
        assert.same({ "query", case[2] }, r.json().detail[1].loc)
      end)
    end
  end)

  it("suggest their values, most used first", function()
    local body = get "/logs/values?field=user&end_time=2000000"
    assert.same({ { value = "ann", request_count = 3 }, { value = "bob", request_count = 1 } },
      body.values)
    assert.is_true(body.exact)
    assert.same({ { value = "bob", request_count = 1 } },
      get("/logs/values?field=user&prefix=b").values)
    assert.same({ { value = 200, request_count = 3 }, { value = 429, request_count = 2 } },
      get("/logs/values?field=status_code&end_time=2000000").values)
    local missing = s:get "/logs/values"
    assert.equal(422, missing.status)
    assert.same({ { type = "missing", loc = { "query", "field" }, msg = "Field required",
      input = json.null } }, missing.json().detail)
    assert.equal(422, s:get("/logs/values?field=status_code&prefix=4").status)
    assert.equal(422, s:get("/logs/values?field=cost_usd").status)
  end)

  it("group what went wrong", function()
    local body = get "/logs/errors"
    assert.same({
      { error_type = "rate_limit", status_code = 429, model = "m2", provider = "acme", count = 2,
        first_seen = "1970-01-14T13:46:40Z", last_seen = "1970-01-15T13:46:40Z",
          message = "slower", request_id = "d" },
      { error_type = "cut_off", status_code = 200, model = "m2", provider = "", count = 1,
        first_seen = "1970-01-15T13:46:41Z", last_seen = "1970-01-15T13:46:41Z",
          message = json.null, request_id = "e" },
    }, body.errors)
    assert.same({}, get("/logs/errors?user=bob").errors)
  end)
end)
