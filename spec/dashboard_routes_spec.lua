local helpers = require "spec.helpers"
local server = require "spec.helpers.server"

local TOKENS = { MOONLEDGER_READ_TOKEN = "r", MOONLEDGER_ADMIN_TOKEN = "a" }

local function bearer(token)
  return { authorization = "Bearer " .. token }
end

describe("/logs/overview", function()
  local s, now
  lazy_setup(function()
    s, now = server.start(), os.time()
    s:ingest {
      { timestamp = now - 60, model = "dear", status_code = 200, cost_usd = 2, duration_ms = 10 },
      { timestamp = now - 60, model = "cheap", status_code = 429, cost_usd = 1, duration_ms = 10 },
      { timestamp = now - 60, model = "cheap", status_code = 529, duration_ms = 10 },
      { timestamp = now - 5400, model = "dear", status_code = 200, cost_usd = 8 },
    }
  end)
  lazy_teardown(function() s:stop() end)

  local function overview(more)
    return s:get(("/logs/overview?start_time=%d&end_time=%d%s")
      :format(now - 3600, now, more or "")).json()
  end

  it("sets a window beside the one before it", function()
    local answer = overview()
    assert.equal(3, answer.summary.requests)
    assert.equal(1, answer.summary.client_errors)
    assert.equal(1, answer.summary.server_errors)
    assert.equal(1, answer.previous.requests)
    assert.equal(8, answer.previous.cost_usd)
    assert.equal(4, answer.stored)
  end)

  it("has a point for every step, and the sums of all points are the summary", function()
    local answer, requests, cost = overview(), 0, 0
    for i, point in ipairs(answer.series) do
      assert.equal(answer.series[1].time + (i - 1) * answer.every, point.time)
      requests = requests + point.requests
    end
    for _, line in ipairs(answer.cost_by_model) do
      assert.equal(#answer.series, #line.values)
      for _, value in ipairs(line.values) do
        cost = cost + value
      end
    end
    assert.equal(3, requests)
    assert.equal(3, cost)
    assert.equal("dear", answer.cost_by_model[1].model)
  end)

  it("takes a time of 0 for no bound", function()
    local all = s:get("/logs/overview?start_time=0").json()
    assert.same({ 4, 0, 11 }, { all.summary.requests, all.previous.requests,
      all.summary.cost_usd })
    assert.equal(now - 5400, all.start_time)
    assert.is_true(all.series[1].time <= all.start_time and #all.series < 100)
    local open = s:get(("/logs/overview?start_time=%d&end_time=0"):format(now - 3600)).json()
    assert.same({ 3, 1 }, { open.summary.requests, open.previous.requests })
    assert.is_true(open.end_time >= now and #open.series < 100)
    open = s:get("/logs/overview?end_time=0").json()
    assert.same({ 4, 0 }, { open.summary.requests, open.previous.requests })
  end)

  it("has a request in one of two windows, and a hundred points of any", function()
    local edge = s:get(("/logs/overview?start_time=%d&end_time=%d"):format(now - 60, now)).json()
    assert.same({ 3, 0 }, { edge.summary.requests, edge.previous.requests })
    local half = s:get(("/logs/overview?start_time=%d&end_time=%d"):format(now, 2 * now)).json()
    assert.same({ 0, 4, true },
      { half.summary.requests, half.previous.requests, #half.series <= 100 })
  end)

  it("narrows by filters", function()
    assert.equal(2, overview("&model=!dear").summary.requests)
    assert.equal(1, #overview("&model=!dear").breakdowns.model)
  end)

  it("has zeros where nothing is", function()
    local answer = overview "&model=none"
    assert.equal(0, answer.summary.requests)
    assert.equal(0, answer.previous.cost_usd)
    assert.same({}, answer.breakdowns.model)
  end)
end)

it("/logs/sessions has the dearest first, and the models of one", function()
  local s = server.start()
  s:ingest {
    { session_client_id = "a", model = "x", cost_usd = 1 },
    { session_client_id = "b", model = "x", cost_usd = 2 },
    { session_client_id = "b", model = "y", cost_usd = 3 },
  }
  local all = s:get("/logs/sessions").json()
  assert.equal("b", all.sessions[1].session_client_id)
  assert.equal(5, all.sessions[1].cost_usd)
  assert.is_nil(all.models)
  local one = s:get("/logs/sessions?session_client_id=b").json()
  assert.equal(1, #one.sessions)
  assert.same({ "y", "x" }, { one.models[1].model, one.models[2].model })
  s:stop()
end)

describe("/logs/system #loops", function()
  it("offers the reset to those who may", function()
    local s = server.start { env = TOKENS }
    assert.is_false(s:get("/logs/system", bearer "r").json().may_reset)
    assert.is_true(s:get("/logs/system", bearer "a").json().may_reset)
    s:stop()
    s = server.start()
    assert.is_true(s:get("/logs/system").json().may_reset)
    s:stop()
  end)

  it("tells the generation in force and why newer files are not", function()
    local whole = "return { on_record = function(record) return record end }"
    local s = server.start { files = { ["lua/hooks.lua"] = whole } }
    local function status() return s:get("/logs/system").json() end
    assert.equal(1, status().generation)
    assert.same({}, status().reload_errors)
    helpers.write_file(s.root .. "/lua/hooks.lua", "return {")
    helpers.eventually(function() return #status().reload_errors > 0 end)
    assert.truthy(status().reload_errors[1]:find("hooks.lua", 1, true))
    assert.equal(1, status().generation)
    helpers.write_file(s.root .. "/lua/hooks.lua", whole)
    helpers.eventually(function() return #status().reload_errors == 0 end)
    s:stop()
  end)

  it("counts live streams", function()
    local s = server.start()
    local stream = s:stream "/logs/stream"
    stream:event()
    assert.equal(1, s:get("/logs/system").json().stream.subscribers)
    stream:close()
    s:stop()
  end)
end)

describe("/dashboard", function()
  local s
  lazy_setup(function() s = server.start() end)
  lazy_teardown(function() s:stop() end)

  it("lets the page load nothing from elsewhere", function()
    local policy = s:get("/dashboard").headers["content-security-policy"]
    assert.truthy(policy:find("default-src 'none'", 1, true))
    assert.is_nil(policy:find "unsafe")
    assert.is_nil(policy:find "https?:")
  end)

  it("has its modules confirmed by their tags", function()
    local first = s:get "/dashboard/app.js"
    assert.equal("text/javascript; charset=utf-8", first.headers["content-type"])
    assert.equal(304, s:get("/dashboard/app.js", { ["if-none-match"] = first.headers.etag }).status)
  end)
end)
