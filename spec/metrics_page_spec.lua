local helpers = require "spec.helpers"
local server = require "spec.helpers.server"

local RECORDS = {
  { request_id = "a", method = "POST", endpoint = "/v1/messages", model = "opus",
    service_type = "proxy",
    status_code = 200, duration_ms = 300, tokens_input = 10, tokens_output = 5,
    cache_read_tokens = 2,
    cost_usd = 0.25 },
  { request_id = "b", method = "POST", endpoint = "/v1/messages", model = "opus",
    service_type = "proxy",
    status_code = 200, duration_ms = 300, tokens_input = 1, cost_usd = -1 },
  { request_id = "c", endpoint = "/v1/messages", status_code = 429 },
  { request_id = "d", type = "request_error", endpoint = "/v1/messages", error_type = "timeout",
    model = 'odd "\\\n' },
}

local COUNTED = {
  'ccproxy_requests_total{method="POST",endpoint="/v1/messages",model="opus",status="200",'
    .. 'service_type="proxy"} 2',
  'ccproxy_requests_total{method="unknown",endpoint="/v1/messages",model="unknown",status="429",'
    .. 'service_type="unknown"} 1',
  'ccproxy_response_duration_seconds_bucket{model="opus",endpoint="/v1/messages",'
    .. 'service_type="proxy",le="0.25"} 0',
  'ccproxy_response_duration_seconds_bucket{model="opus",endpoint="/v1/messages",'
    .. 'service_type="proxy",le="0.5"} 2',
  'ccproxy_response_duration_seconds_bucket{model="opus",endpoint="/v1/messages",'
    .. 'service_type="proxy",le="300.0"} 2',
  'ccproxy_response_duration_seconds_bucket{model="opus",endpoint="/v1/messages",'
    .. 'service_type="proxy",le="+Inf"} 2',
  'ccproxy_response_duration_seconds_count{model="opus",endpoint="/v1/messages",'
    .. 'service_type="proxy"} 2',
  'ccproxy_response_duration_seconds_sum{model="opus",endpoint="/v1/messages",'
    .. 'service_type="proxy"} 0.6',
  'ccproxy_tokens_total{type="input",model="opus",service_type="proxy"} 11',
  'ccproxy_tokens_total{type="output",model="opus",service_type="proxy"} 5',
  'ccproxy_tokens_total{type="cache_read",model="opus",service_type="proxy"} 2',
  'ccproxy_cost_usd_total{model="opus",cost_type="total",service_type="proxy"} 0.25',
  'ccproxy_errors_total{error_type="http_429",endpoint="/v1/messages",model="unknown",'
    .. 'service_type="unknown"} 1',
  'ccproxy_errors_total{error_type="timeout",endpoint="/v1/messages",model="odd \\"\\\\\\n",'
    .. 'service_type="unknown"} 1',
}

local function has_lines(page, lines)
  page = "\n" .. page
  for _, line in ipairs(lines) do
    assert.is_truthy(page:find("\n" .. line .. "\n", 1, true), line .. "\nis not in\n" .. page)
  end
end

local function promtool(page)
  local path = os.tmpname()
  helpers.write_file(path, page)
  local pipe = io.popen("promtool check metrics < " .. path .. " 2>&1; echo $?")
  local said = pipe:read "a"
  pipe:close()
  os.remove(path)
  return said
end

describe("GET /metrics #loops", function()
  local s
  lazy_setup(function()
    s = server.start()
    s:ingest(RECORDS)
  end)
  lazy_teardown(function() s:stop() end)

  it("counts the records in the families that ccproxy has", function()
    has_lines(s:get("/metrics").body, COUNTED)
  end)

  it("says who answers", function()
    local page = s:get("/metrics").body
    assert.matches('\nccproxy_info{version="%d+%.%d+%.%d+"} 1\n', page)
    has_lines(page, { 'up{job="ccproxy"} 1' })
    for _, name in ipairs { "process_cpu_seconds_total", "process_resident_memory_bytes",
      "process_open_fds",
      "process_start_time_seconds" } do
      assert.matches("\n" .. name .. " [%d.e+]+\n", page)
    end
  end)

  it("is Prometheus text that no cache keeps", function()
    local answer = s:get "/metrics"
    assert.equal(200, answer.status)
    assert.equal("text/plain; version=0.0.4; charset=utf-8", answer.headers["content-type"])
    assert.equal("no-cache, no-store, must-revalidate", answer.headers["cache-control"])
    assert.equal("no-cache", answer.headers.pragma)
    assert.equal("0", answer.headers.expires)
    assert.equal("\n", answer.body:sub(-1))
  end)

  it("is beyond reproach for promtool", function()
    assert.equal("0\n", promtool(s:get("/metrics").body))
  end)

  it("is OpenMetrics for those who ask for it", function()
    local answer = s:get("/metrics", {
      accept =
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
    })
    assert.equal("application/openmetrics-text; version=1.0.0; charset=utf-8",
      answer.headers["content-type"])
    assert.equal("# EOF\n", answer.body:sub(-6))
    has_lines(answer.body, COUNTED)
    has_lines(answer.body,
      { "# TYPE ccproxy_requests counter", "# TYPE ccproxy_response_duration_seconds histogram" })
    assert.is_nil(answer.body:find "# TYPE [%w_]+_total ")
    for line in answer.body:gmatch "[^\n]+" do
      assert.is_truthy(line:find "^# [A-Z]+" or line:find "^[%a_:][%w_:]*{.*} [%d.e+-]+$" or
        line:find "^[%a_:][%w_:]* [%d.e+-]+$", line)
    end
  end)

  it("is compressed for those who take it", function()
    local answer = s:get("/metrics", { ["accept-encoding"] = "gzip" })
    assert.equal("gzip", answer.headers["content-encoding"])
    has_lines(helpers.gunzip(answer.body), COUNTED)
  end)

  it("has each family once, its lines together", function()
    local seen, family = {}, nil
    for line in s:get("/metrics").body:gmatch "[^\n]+" do
      local help = line:match "^# HELP (%S+) %S"
      if help then
        assert.is_nil(seen[help], help)
        seen[help], family = true, help
      elseif line:sub(1, 1) ~= "#" then
        assert.equal(family, line:sub(1, #family))
      end
    end
  end)
end)

describe("the counters #loops", function()
  local folder, s
  before_each(function()
    folder = helpers.temporary_folder()
    s = server.start { database = folder .. "/metrics.db" }
    s:ingest(RECORDS)
  end)
  after_each(function()
    s:stop()
    helpers.remove_folder(folder)
  end)

  it("do not fall when the server restarts or crashes", function()
    s:stop()
    s = server.start { database = folder .. "/metrics.db" }
    has_lines(s:get("/metrics").body, COUNTED)
    s:kill()
    s = server.start { database = folder .. "/metrics.db" }
    has_lines(s:get("/metrics").body, COUNTED)
  end)

  it("hold what was acknowledged just before a crash", function()
    s:kill()
    s = server.start { database = folder .. "/metrics.db" }
    has_lines(s:get("/metrics").body, COUNTED)
    s:ingest { { type = "request_error", request_id = "late", endpoint = "/late" } }
    s:kill()
    s = server.start { database = folder .. "/metrics.db" }
    has_lines(s:get("/metrics").body, COUNTED)
    has_lines(s:get("/metrics").body, {
      'ccproxy_errors_total{error_type="unknown",endpoint="/late",model="unknown",'
        .. 'service_type="unknown"} 1',
    })
  end)

  it("do not fall at a reset or a merge, and do not rise at a repeat", function()
    s:ingest { RECORDS[1] }
    has_lines(s:get("/metrics").body, COUNTED)
    s:post "/logs/reset"
    has_lines(s:get("/metrics").body, COUNTED)
  end)

  it("rise by what a merge adds to its record", function()
    local start = { request_id = "streamed", model = "haiku", service_type = "proxy",
      status_code = 200,
                    tokens_input = 10 }
    local finish = { request_id = "streamed", status_code = 529, tokens_input = 12,
      tokens_output = 7,
                     duration_ms = 300 }
    s:ingest { start }
    s:ingest { finish }
    s:ingest { finish, start }
    has_lines(s:get("/metrics").body, {
      'ccproxy_requests_total{method="unknown",endpoint="unknown",model="haiku",status="200",'
        .. 'service_type="proxy"} 1',
      'ccproxy_tokens_total{type="input",model="haiku",service_type="proxy"} 12',
      'ccproxy_tokens_total{type="output",model="haiku",service_type="proxy"} 7',
      'ccproxy_response_duration_seconds_count{model="haiku",endpoint="unknown",'
        .. 'service_type="proxy"} 1',
      'ccproxy_errors_total{error_type="http_529",endpoint="unknown",model="haiku",'
        .. 'service_type="proxy"} 1',
    })
  end)

  it("go on where they were", function()
    s:stop()
    s = server.start { database = folder .. "/metrics.db" }
    s:ingest {
      { request_id = "new", method = "POST", endpoint = "/v1/messages", model = "opus",
        service_type = "proxy" },
    }
    has_lines(s:get("/metrics").body, {
      'ccproxy_requests_total{method="POST",endpoint="/v1/messages",model="opus",status="200",'
        .. 'service_type="proxy"} 3',
    })
  end)
end)

describe("active requests #loops", function()
  it("are those that have started and not ended", function()
    local s = server.start()
    local function active()
      return tonumber(s:get("/metrics").body:match "\nccproxy_active_requests (%d+)\n")
    end
    assert.equal(0, active())
    s:ingest {
      { type = "request_start", request_id = "one" },
      { type = "request_start", request_id = "two" },
      { type = "request_start", request_id = "two" },
      { type = "request_start", request_id = "three" },
    }
    assert.equal(3, active())
    s:ingest {
      { request_id = "one" }, { type = "request_error", request_id = "two" },
      { request_id = "never started" },
    }
    assert.equal(1, active())
    s:ingest { { request_id = "three" } }
    assert.equal(0, active())
    s:stop()
  end)
end)

describe("too many label sets #loops", function()
  it("count into one overflow series, are told of and logged once", function()
    local s = server.start { config = "config.metrics.max_series = 10" }
    local records = {}
    for i = 1, 25 do
      records[i] = { request_id = "m" .. i, model = "model-" .. i, tokens_input = 1 }
    end
    s:ingest(records)
    local page = s:get("/metrics").body
    has_lines(page, {
      'ccproxy_requests_total{method="overflow",endpoint="overflow",model="overflow",'
        .. 'status="overflow",' ..
        'service_type="overflow"} 15',
      'ccproxy_tokens_total{type="overflow",model="overflow",service_type="overflow"} 15',
      'moonledger_metrics_overflow_total{family="ccproxy_requests_total"} 15',
    })
    local _, times = s:log():gsub("family=ccproxy_requests_total", "")
    assert.equal(1, times)
    assert.equal("0\n", promtool(page))
    s:stop()
  end)
end)

describe("the feature flag", function()
  it("turned off takes the page away", function()
    local s = server.start { config = "config.features.metrics_endpoint_enabled = false" }
    assert.equal(404, s:get("/metrics").status)
    s:stop()
  end)
end)
