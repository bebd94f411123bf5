--- The same request again: what is known better stays, in whatever order it comes.
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local server = require "spec.helpers.server"

local function orders_of(list)
  local found = {}
  local function extend(order, left)
    if #left == 0 then
      found[#found + 1] = order
    end
    for i = 1, #left do
      local longer, rest = { table.unpack(order) }, { table.unpack(left) }
      longer[#longer + 1] = table.remove(rest, i)
      extend(longer, rest)
    end
  end
  extend({}, list)
  return found
end

local began = os.time() - 60

-- A gateway that knows the cost, a client that is blind to the cache and one that prices, a start
-- without usage, and a failure that is told last.
local told = {
  { timestamp = began + 2, model = "gpt-5-mini", tokens_input = 2000, cache_read_tokens = 8000,
    tokens_output = 500, cost_usd = 0.0012345, cost_source = "reported", key_alias = "ci" },
  { timestamp = began + 3, model = "gpt-5-mini-2025", tokens_input = 10000, tokens_output = 500,
    cost_usd = 0.0035, cost_source = "computed", duration_ms = 1500, key_alias = "other" },
  { timestamp = began + 1, method = "POST", path = "/v1/chat", model = "gpt-5", attempt = 1,
    cost_source = "unknown" },
  { timestamp = began + 5, status_code = 502, type = "request_error", error_type = "timeout" },
  { timestamp = began + 4, tokens_input = 9000, duration_ms = 4000, attempt = 2,
    error_type = "connection" },
}

local right = {
  timestamp = os.date("!%Y-%m-%dT%H:%M:%SZ", began + 1), model = "gpt-5-mini-2025",
  status_code = 502,
  method = "POST", path = "/v1/chat", endpoint = "/v1/chat",
  tokens_input = 2000, cache_read_tokens = 8000, cache_write_tokens = 0, tokens_output = 500,
  cost_usd = 0.0012345, duration_ms = 4000.0, duration_seconds = 4.0,
  extra = { cost_source = "reported", key_alias = "other", attempt = 2 },
}

describe("a request that is told of again #loops", function()
  local s, orders
  setup(function()
    s = server.start()
    orders = orders_of { 1, 2, 3, 4, 5 }
  end)
  teardown(function() s:stop() end)

  local function row_of(base, id)
    local row = base:get("/logs/entries/" .. id).json()
    row.request_id, row.service_type = nil, nil
    return row
  end

  local function counters()
    local found = {}
    for name, value in s:get("/metrics").body:gmatch '\n(ccproxy_[^\n]*) ([%d.e+-]+)' do
      found[name] = tonumber(value)
    end
    return found
  end

  it("is one row in every order of its records", function()
    local before = counters()
    for turn = 1, #told do
      local records = {}
      for i, order in ipairs(orders) do
        records[i] = helpers.with(told[order[turn]],
          { request_id = "o" .. i, service_type = "s" .. i })
      end
      local result = s:ingest(records)
      assert.equal(#orders, turn == 1 and result.accepted or result.merged)
      local now = counters()
      for name, value in pairs(before) do
        if name ~= "ccproxy_active_requests" then
          assert.is_true(now[name] >= value, name)
        end
      end
      before = now
    end
    local first = row_of(s, "o1")
    for name, value in pairs(right) do
      assert.same(value, first[name], name)
    end
    for i = 2, #orders do
      assert.same(first, row_of(s, "o" .. i), table.concat(orders[i], " "))
    end
  end)

  it("is one request in every figure", function()
    local figures = s:get("/logs/analytics?start_time=1").json().service_type_breakdown
    local first = figures.s1
    assert.same({ 1, 1, 0.0012345, 2000, 8000 }, {
      first.request_count, first.error_requests, first.total_cost_usd, first.total_tokens_input,
      first.total_cache_read_tokens,
    })
    for i = 2, #orders do
      assert.same(first, figures["s" .. i])
    end
    local counted = {}
    for name, value in pairs(counters()) do
      local service = name:match '^ccproxy_requests_total{.*service_type="(s%d+)"'
      if service then
        counted[service] = (counted[service] or 0) + value
      end
    end
    for i = 1, #orders do
      assert.equal(1, counted["s" .. i])
    end
  end)

  it("changes nothing when all of it comes once more", function()
    local before = row_of(s, "o7")
    for _, record in ipairs(told) do
      local again = helpers.with(record, { request_id = "o7", service_type = "s7" })
      assert.equal(1, s:ingest({ again }).merged)
    end
    assert.same(before, row_of(s, "o7"))
  end)

  it("is corrected by what has the same time and comes later", function()
    for _, model in ipairs { "b", "a", "c" } do
      s:ingest { { request_id = "corrected", timestamp = 1750000000, model = model, k = model } }
      local row = row_of(s, "corrected")
      assert.same({ model, { k = model } }, { row.model, row.extra })
    end
  end)
end)

describe("a gateway and its client", function()
  local gateway = { {
    id = "chatcmpl-Bx7Kq2mVtR5wYz01LpQa", call_type = "acompletion",
    status = "success", model = "gpt-5-mini",
    custom_llm_provider = "openai", startTime = 1795600000, endTime = 1795600002,
    prompt_tokens = 10000, completion_tokens = 500, response_cost = 0.0012345,
    metadata = { usage_object = {
      prompt_tokens = 10000, completion_tokens = 500,
      prompt_tokens_details = { cached_tokens = 8000 },
    } },
  } }
  local function attribute(key, value)
    return { key = key, value = type(value) == "number" and { intValue = tostring(value) }
      or { stringValue = value } }
  end
  local client = { resourceSpans = { { scopeSpans = { { spans = { {
    traceId = ("0"):rep(31) .. "1", spanId = ("0"):rep(15) .. "1", name = "chat", kind = 3,
    startTimeUnixNano = "1795600000000000000", endTimeUnixNano = "1795600002500000000",
    attributes = {
      attribute("gen_ai.operation.name", "chat"), attribute("gen_ai.system", "openai"),
      attribute("gen_ai.request.model", "gpt-5-mini"),
      attribute("gen_ai.response.id", "chatcmpl-Bx7Kq2mVtR5wYz01LpQa"),
      attribute("gen_ai.usage.input_tokens", 10000), attribute("gen_ai.usage.output_tokens", 500),
    },
  } } } } } } }

  for _, order in ipairs { { "/ingest/litellm", "/v1/traces" },
    { "/v1/traces", "/ingest/litellm" } } do
    it("make one row of the cost and tokens that the gateway reports: " .. order[1] .. " first",
      function()
      local s = server.start()
      finally(function() s:stop() end)
      for _, path in ipairs(order) do
        local body = json.encode(path == "/v1/traces" and client or gateway)
        assert.equal(200, s:post(path, body, { ["content-type"] = "application/json" }).status)
      end
      local entries = s:get("/logs/query").json().results
      assert.equal(1, #entries)
      local row = entries[1]
      assert.same({ 2000, 8000, 500, 0.0012345 },
        { row.tokens_input, row.cache_read_tokens, row.tokens_output, row.cost_usd })
    end)
  end
end)

describe("a repeat at any age of its row", function()
  it("is found when its id has left memory, after a restart too", function()
    local folder = helpers.temporary_folder()
    local options = {
      database = folder .. "/aged.db", config = "config.storage.dedupe_max_ids = 1000",
    }
    local s = server.start(options)
    finally(function()
      s:stop()
      helpers.remove_folder(folder)
    end)
    for from = 1, 9000, 1000 do
      local records = {}
      for i = from, from + 999 do
        records[#records + 1] =
          { request_id = "r" .. i, timestamp = 1750000000 + i, tokens_input = 1 }
      end
      assert.equal(1000, s:ingest(records).accepted)
    end
    for _ = 1, 2 do
      local result = s:ingest {
        { request_id = "r1", timestamp = 1760000000, tokens_input = 2 }, { request_id = "r4500" },
        { request_id = "r9000" },
      }
      assert.same({ 0, 3 }, { result.accepted, result.merged })
      assert.equal(9001, s:get("/logs/analytics?start_time=1").json().summary.total_tokens_input)
      s:stop()
      s = server.start(options)
    end
  end)
end)

describe("a database of before it was kept what a row was told", function()
  local s, folder
  before_each(function()
    folder = helpers.temporary_folder()
    local path = folder .. "/old.db"
    assert(os.execute("gzip -dc spec/data/before_told.db.gz > " .. path))
    s = server.start { database = path }
  end)
  after_each(function()
    s:stop()
    helpers.remove_folder(folder)
  end)

  local function row(id)
    return s:get("/logs/entries/" .. id).json()
  end

  it("opens with the rows it has", function()
    assert.equal(5, s:get("/logs/query").json().count)
    assert.same({ 2000, 8000, 0.5, { k = 1, cost_source = "reported" } }, {
      row("reported").tokens_input, row("reported").cache_read_tokens, row("reported").cost_usd,
      row("reported").extra,
    })
  end)

  it("takes what is not the default for told", function()
    local blind =
      { tokens_input = 9, cost_usd = 0.9, cost_source = "computed", timestamp = 1750009999 }
    for _, id in ipairs { "reported", "computed", "plain", "failed" } do
      assert.equal(1, s:ingest({ helpers.with(blind, { request_id = id }) }).merged)
    end
    assert.same({ 2000, 0.5 }, { row("reported").tokens_input, row("reported").cost_usd })
    assert.same({ 9, 0.9 }, { row("computed").tokens_input, row("computed").cost_usd })
    assert.same({ 9, 0.9 }, { row("plain").tokens_input, row("plain").cost_usd })
    assert.equal(500, row("failed").status_code)
    assert.equal("2025-06-15T15:06:50Z", row("reported").timestamp)
  end)

  it("keeps what is newer than what comes late", function()
    s:ingest { { request_id = "twice", timestamp = 1750000040, model = "late", method = "PUT",
      k = 9 } }
    local merged = row "twice"
    assert.same({ "a", "PUT", 3, { k = 2 } },
      { merged.model, merged.method, merged.tokens_input, merged.extra })
  end)
end)
