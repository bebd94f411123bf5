local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local server = require "spec.helpers.server"

local UNAVAILABLE = "service_unavailable_error"
local COLLECTION_OFF = "Logs collection is disabled. Enable with logs_collection_enabled=true"

describe("GET /logs/status", function()
  it("is a fixed text", function()
    local s = server.start()
    local r = s:get "/logs/status"
    assert.equal(200, r.status)
    assert.same({
      status = "healthy", prometheus_enabled = "True",
      observability_system = "hybrid_prometheus_structlog",
    }, r.json())
    s:stop()
  end)
  it("says False without metrics", function()
    local s = server.start { config = "config.features.metrics_endpoint_enabled = false" }
    assert.equal("False", s:get("/logs/status").json().prometheus_enabled)
    s:stop()
  end)
end)

describe("POST /logs/reset #loops", function()
  it("deletes rows and figures, also on an empty log, and keeps the metrics", function()
    local s = server.start()
    s:ingest { { request_id = "a", model = "m" }, { request_id = "b", model = "m" } }
    for _ = 1, 2 do
      local r = s:post "/logs/reset"
      assert.equal(200, r.status)
      local body = r.json()
      assert.truthy(math.abs(body.timestamp - os.time()) < 60)
      body.timestamp = nil
      assert.same({ status = "success", message = "All logs data has been reset",
        backend = "duckdb" }, body)
      assert.equal(0, s:get("/logs/query").json().count)
      assert.equal(0, s:get("/logs/analytics?start_time=0").json().summary.total_requests)
      assert.equal(404, s:get("/logs/entries/a").status)
    end
    assert.truthy(s:get("/metrics").body:find('ccproxy_requests_total{[^}]*model="m"[^}]*} 2'))
    assert.equal(1, s:ingest({ { request_id = "a" } }).accepted)
    assert.equal(1, s:get("/logs/query").json().count)
    s:stop()
  end)
end)

describe("a feature that is off", function()
  local absent = {
    { "metrics_endpoint_enabled", { "/metrics" }, { "/logs/status", "/dashboard" } },
    { "dashboard_enabled", { "/dashboard", "/dashboard/favicon.svg" },
      { "/logs/status", "/metrics" } },
    { "logs_endpoints_enabled",
      { "/logs/status", "/logs/query", "/logs/analytics", "/logs/entries", "/logs/stream",
      "/logs/export", "/logs/entries/x" }, { "/metrics", "/dashboard" } },
  }
  for _, case in ipairs(absent) do
    local feature, gone, there = table.unpack(case)
    it("takes its paths away: " .. feature, function()
      local s = server.start { config = ("config.features.%s = false"):format(feature) }
      for _, path in ipairs(gone) do
        assert.equal(404, s:get(path).status, path)
      end
      for _, path in ipairs(there) do
        assert.equal(200, s:get(path).status, path)
      end
      if feature == "logs_endpoints_enabled" then
        assert.equal(404, s:post("/logs/reset").status)
        assert.equal(404, s:post("/logs/ingest").status)
      end
      s:stop()
    end)
  end

  it("logs_collection_enabled: rows are 503, wrong parameters before that 422", function()
    local s = server.start { config = "config.features.logs_collection_enabled = false" }
    for _, path in ipairs { "/logs/query", "/logs/analytics", "/logs/entries", "/logs/export",
        "/logs/entries/x" } do
      local r = s:get(path)
      assert.equal(503, r.status)
      assert.same({ detail = COLLECTION_OFF,
        error = { type = UNAVAILABLE, message = COLLECTION_OFF } }, r.json())
    end
    assert.equal(503, s:post("/logs/reset").status)
    assert.equal(503,
      s:post("/logs/ingest", "{}", { ["content-type"] = "application/json" }).status)
    assert.equal(422, s:get("/logs/query?limit=0").status)
    assert.equal(200, s:get("/logs/status").status)
    s:stop()
  end)
end)

describe("without storage", function()
  local s
  setup(function()
    s = server.start { config = 'config.storage.backend = "none"' }
  end)
  teardown(function()
    s:stop()
  end)

  it("the server starts and warns", function()
    assert.truthy(s:log():find('level=warn.-storage.backend is \\"none\\"'), s:log())
  end)

  it("what needs rows is 503 and says why, wrong parameters before that 422", function()
    for _, path in ipairs { "/logs/query", "/logs/analytics", "/logs/entries", "/logs/export",
        "/logs/entries/x" } do
      local r = s:get(path)
      assert.equal(503, r.status, path)
      assert.truthy(r.json().detail:find("^Storage backend not available%. "), r.body)
      assert.equal(UNAVAILABLE, r.json().error.type)
    end
    assert.equal(503, s:post("/logs/reset").status)
    assert.equal(503,
      s:post("/logs/ingest", "{}", { ["content-type"] = "application/json" }).status)
    assert.equal(422, s:get("/logs/query?limit=0").status)
  end)

  it("the rest of the server works", function()
    for _, path in ipairs { "/metrics", "/health", "/health/live", "/health/ready",
        "/openapi.json", "/logs/status", "/dashboard" } do
      assert.equal(200, s:get(path).status, path)
    end
    local stream = s:stream "/logs/stream"
    assert.equal("connection", stream:event().json.type)
    stream:close()
  end)
end)

describe("GET /metrics #loops", function()
  local s
  lazy_setup(function()
    s = server.start()
    s:ingest {
      {
        request_id = "1", method = "POST", endpoint = "/v1", model = "m\"1", service_type = "x",
        status_code = 200, duration_seconds = 0.3, tokens_input = 10, tokens_output = 20,
        cache_read_tokens = 30, cache_write_tokens = 0, cost_usd = 0.5,
      },
      { request_id = "2", method = "POST", status_code = 404, cost_usd = -1 },
      { request_id = "3", type = "request_error", error_type = "timeout", endpoint = "/v1" },
      { request_id = "4", type = "request_start" },
      { request_id = "5", type = "request_start" },
      { request_id = "5" },
    }
  end)
  lazy_teardown(function() s:stop() end)

  -- The value of the only series with these labels and no other.
  local function value(name, labels)
    local body = s:get("/metrics").body
    for line in body:gmatch "[^\n]+" do
      local found, text, n = line:match "^([%w_:]+)(%b{}) (%S+)$"
      if found == name then
        local count, matching = 0, 0
        for label, v in text:gmatch '([%w_]+)="(.-)"[,}]' do
          count = count + 1
          matching = matching + (labels[label] == v and 1 or 0)
        end
        local wanted = 0
        for _ in pairs(labels) do
          wanted = wanted + 1
        end
        if count == matching and count == wanted then
          return tonumber(n)
        end
      elseif next(labels) == nil and line:match("^" .. name .. " ") then
        return tonumber(line:match "%S+$")
      end
    end
  end

  it("is not to be kept by anyone", function()
    local r = s:get "/metrics"
    assert.equal(200, r.status)
    assert.equal("text/plain; version=0.0.4; charset=utf-8", r.headers["content-type"])
    assert.equal("no-cache, no-store, must-revalidate", r.headers["cache-control"])
    assert.equal("no-cache", r.headers.pragma)
    assert.equal("0", r.headers.expires)
  end)

  local series = {
    { "ccproxy_requests_total", 1,
      { method = "POST", endpoint = "/v1", model = 'm\\"1', status = "200", service_type = "x" } },
    { "ccproxy_requests_total", 1,
      { method = "POST", endpoint = "unknown", model = "unknown", status = "404",
        service_type = "unknown" } },
    { "ccproxy_tokens_total", 10, { type = "input", model = 'm\\"1', service_type = "x" } },
    { "ccproxy_tokens_total", 20, { type = "output", model = 'm\\"1', service_type = "x" } },
    { "ccproxy_tokens_total", 30, { type = "cache_read", model = 'm\\"1', service_type = "x" } },
    { "ccproxy_tokens_total", nil, { type = "cache_write", model = 'm\\"1', service_type = "x" } },
    { "ccproxy_cost_usd_total", 0.5, { model = 'm\\"1', cost_type = "total", service_type = "x" } },
    { "ccproxy_cost_usd_total", nil,
      { model = "unknown", cost_type = "total", service_type = "unknown" } },
    { "ccproxy_errors_total", 1,
      { error_type = "http_404", endpoint = "unknown", model = "unknown",
        service_type = "unknown" } },
    { "ccproxy_errors_total", 1,
      { error_type = "timeout", endpoint = "/v1", model = "unknown", service_type = "unknown" } },
    { "ccproxy_response_duration_seconds_bucket", 0,
      { le = "0.25", model = 'm\\"1', endpoint = "/v1", service_type = "x" } },
    { "ccproxy_response_duration_seconds_bucket", 1,
      { le = "0.5", model = 'm\\"1', endpoint = "/v1", service_type = "x" } },
    { "ccproxy_response_duration_seconds_bucket", 1,
      { le = "+Inf", model = 'm\\"1', endpoint = "/v1", service_type = "x" } },
    { "ccproxy_response_duration_seconds_sum", 0.3,
      { model = 'm\\"1', endpoint = "/v1", service_type = "x" } },
    { "ccproxy_active_requests", 1, {} },
    { "up", 1, { job = "ccproxy" } },
  }
  for _, case in ipairs(series) do
    it(("has %s %s"):format(case[1], json.encode(case[3])), function()
      local found = value(case[1], case[3])
      assert.equal(case[2], found)
    end)
  end

  it("tells the version", function()
    assert.truthy(s:get("/metrics").body:find('ccproxy_info{version="[%d.]+"} 1'))
  end)
  it("is OpenMetrics for clients that ask for it", function()
    local r = s:get("/metrics",
      { accept = "application/openmetrics-text; version=1.0.0, text/plain;q=0.5" })
    assert.equal("application/openmetrics-text; version=1.0.0; charset=utf-8",
      r.headers["content-type"])
    assert.equal("# EOF\n", r.body:sub(-6))
  end)
  it("keeps its counts over a restart", function()
    local database = os.tmpname()
    os.remove(database)
    for i = 1, 2 do
      local again = server.start { database = database }
      again:ingest { { request_id = "r" .. i, model = "kept" } }
      assert.truthy(
        again:get("/metrics").body:find(('ccproxy_requests_total{[^}]*model="kept"[^}]*} %d')
          :format(i)))
      again:stop()
    end
    os.execute("rm -f " .. database .. "*")
  end)
end)

describe("GET /dashboard", function()
  it("is a page that is asked for again each time", function()
    local s = server.start()
    local r = s:get "/dashboard"
    assert.equal(200, r.status)
    assert.equal("text/html; charset=utf-8", r.headers["content-type"])
    assert.equal("no-cache, no-store, must-revalidate", r.headers["cache-control"])
    assert.equal("no-cache", r.headers.pragma)
    assert.equal("0", r.headers.expires)
    local icon = s:get "/dashboard/favicon.svg"
    assert.equal(200, icon.status)
    assert.equal("image/svg+xml", icon.headers["content-type"])
    assert.equal("public, max-age=3600", icon.headers["cache-control"])
    local script = s:get "/dashboard/app.js"
    assert.equal(200, script.status)
    assert.truthy(script.headers["content-type"]:find "javascript")
    for _, path in ipairs { "nothing.js", "../../config.lua", "%2e%2e/%2e%2e/config.lua" } do
      assert.truthy(s:get("/dashboard/" .. path).status >= 400, path)
    end
    s:stop()
  end)
  it("is 404 with a hint where something else stands in the place of its file", function()
    local s = server.start { files = { ["static/x"] = "" } }
    os.remove(s.root .. "/static/dashboard/index.html")
    assert.equal(200, s:get("/dashboard").status)
    os.execute("ln -s app.js " .. s.root .. "/static/dashboard/index.html")
    local r = s:get "/dashboard"
    assert.equal(404, r.status)
    assert.truthy(r.json().detail:find "^Dashboard not found%. ")
    s:stop()
  end)
end)

describe("GET /logs/export", function()
  local s
  lazy_setup(function()
    s = server.start()
    local records = {}
    for i = 1, 1234 do
      records[i] = { request_id = ("e%04d"):format(i), timestamp = 1000 + i,
        model = i % 2 == 0 and "even" or "odd" }
    end
    records[7].user_agent = '=HYPERLINK("http://x")'
    records[8].user_agent = 'a,"b"'
    s:ingest(records)
  end)
  lazy_teardown(function() s:stop() end)

  it("streams every row as a line of JSON, newest first", function()
    local r = s:get "/logs/export"
    assert.equal(200, r.status)
    assert.equal("application/x-ndjson", r.headers["content-type"])
    assert.truthy(r.headers["content-disposition"]:find "attachment")
    local n, last = 0, math.huge
    for line in r.body:gmatch "([^\n]*)\n" do
      local number = tonumber(json.decode(line).request_id:sub(2))
      assert.truthy(number < last)
      last, n = number, n + 1
    end
    assert.equal(1234, n)
  end)
  it("takes the filters", function()
    local _, lines =
      s:get("/logs/export?model=even&start_time=1101&end_time=1200").body:gsub("\n", "")
    assert.equal(50, lines)
    assert.equal("", s:get("/logs/export?model=nobody").body)
  end)
  it("is CSV with the columns as its head and formulas made harmless", function()
    local r = s:get "/logs/export?format=csv&end_time=1008"
    assert.equal("text/csv; charset=utf-8; header=present", r.headers["content-type"])
    local lines = {}
    for line in r.body:gmatch "(.-)\r\n" do
      lines[#lines + 1] = line
    end
    assert.equal(9, #lines)
    assert.truthy(lines[1]:find "^request_id,timestamp,method,")
    assert.truthy(lines[2]:find([[,"a,""b""",]], 1, true))
    assert.truthy(lines[3]:find([[,"'=HYPERLINK(""http://x"")",]], 1, true))
    assert.truthy(lines[4]:find "^e0006,1970%-01%-01T00:16:46Z,")
  end)
  it("can be taken in again", function()
    local text = s:get("/logs/export?end_time=1100").body
    local again = server.start()
    local r = again:post("/logs/ingest", text, { ["content-type"] = "application/x-ndjson" })
    assert.equal(100, r.json().accepted)
    assert.equal(text, again:get("/logs/export").body)
    again:stop()
  end)
end)

describe("health", function()
  it("is well while the store can answer", function()
    local s = server.start()
    s:ingest { { request_id = "a" } }
    for _, path in ipairs { "/health", "/health/live", "/health/ready" } do
      local r = s:get(path)
      assert.equal(200, r.status)
      assert.equal("application/health+json", r.headers["content-type"])
      assert.equal("pass", r.json().status)
    end
    assert.equal(1, s:get("/health").json().checks["storage:rows"][1].observedValue)
    s:stop()
  end)
end)

describe("GET /openapi.json", function()
  it("describes every route and its parameters", function()
    local s = server.start()
    local r = s:get "/openapi.json"
    assert.equal(200, r.status)
    local document = r.json()
    assert.equal("3.1.0", document.openapi)
    local query = document.paths["/logs/query"].get
    assert.equal("limit", query.parameters[1].name)
    assert.same({ type = "integer", default = 1000, minimum = 1, maximum = 10000 },
      query.parameters[1].schema)
    assert.is_not_nil(query.responses["422"])
    local entry = document.paths["/logs/entries/{request_id}"].get.parameters[1]
    assert.same({ "request_id", "path", true }, { entry.name, entry["in"], entry.required })
    assert.is_not_nil(document.paths["/logs/ingest"].post)
    assert.is_nil(document.paths["/-/reload"])
    s:stop()
  end)
end)

describe("POST /-/reload #loops", function()
  it("is off unless config.lua says so", function()
    local s = server.start()
    assert.equal(404, s:post("/-/reload").status)
    s:stop()
  end)
  it("answers the generation, or the errors that kept the old one", function()
    local s = server.start { config = "config.features.reload_enabled = true config.watch = false" }
    local r = s:post "/-/reload"
    assert.equal(200, r.status)
    local number = r.json().generation
    assert.same(json.array {}, r.json().errors)

    helpers.write_file(s.root .. "/lua/routes/logs_status.lua", "return {")
    r = s:post "/-/reload"
    assert.equal(422, r.status)
    assert.equal(number, r.json().generation)
    assert.truthy(r.json().errors[1]:find("logs_status.lua:1:", 1, true))
    assert.equal("healthy", s:get("/logs/status").json().status)
    s:stop()
  end)
end)
