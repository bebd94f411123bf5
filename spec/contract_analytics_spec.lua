local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local server = require "spec.helpers.server"

local HOUR = 3600

-- Durations are summed in whole nanoseconds.
local NANOSECOND = 1e-6

-- The figures again, worked out here from the file alone

local function each_record(fn)
  for line in io.lines "spec/data/access_logs.ndjson" do
    fn(json.decode(line))
  end
end

local function new_sums()
  return { n = 0, ok = 0, bad = 0, ms = 0, cost = 0, input = 0, output = 0, read = 0, write = 0,
    durations = {} }
end

local function add(sums, r)
  local status = r.status_code or 200
  sums.n = sums.n + 1
  sums.ok = sums.ok + (status >= 200 and status < 400 and 1 or 0)
  sums.bad = sums.bad + (status >= 400 and 1 or 0)
  sums.ms = sums.ms + (r.duration_ms or 0)
  sums.cost = sums.cost + (r.cost_usd or 0)
  sums.input = sums.input + (r.tokens_input or 0)
  sums.output = sums.output + (r.tokens_output or 0)
  sums.read = sums.read + (r.cache_read_tokens or 0)
  sums.write = sums.write + (r.cache_write_tokens or 0)
  if (r.duration_ms or 0) > 0 then -- one that is not known is in no percentile
    sums.durations[#sums.durations + 1] = r.duration_ms
  end
end

local function collect(filter, key)
  local total, groups = new_sums(), {}
  each_record(function(r)
    if filter(r) then
      add(total, r)
      local name = key and key(r)
      if name then
        groups[name] = groups[name] or new_sums()
        add(groups[name], r)
      end
    end
  end)
  return total, groups
end

local function near(expected, actual, what, slack)
  local tolerance = 1e-9 * math.max(1, math.abs(expected)) + (slack or 0)
  assert.truthy(math.abs(expected - actual) <= tolerance,
    ("%s: %.17g is not %.17g"):format(what, actual, expected))
end

local function rate(part, total)
  return total > 0 and part / total * 100 or 0
end

local function check_quantiles(sums, shape)
  table.sort(sums.durations)
  for _, q in ipairs { 50, 90, 95, 99 } do
    local exact = sums.durations[math.max(1, math.ceil(q / 100 * #sums.durations))] or 0
    local actual = shape["duration_ms_p" .. q]
    assert.truthy(math.abs(actual - exact) <= 0.0111 * exact,
      ("p%d: %g is not %g"):format(q, actual, exact))
  end
end

local function check_summary(sums, shape)
  assert.equal(sums.n, shape.total_requests)
  assert.equal(sums.ok, shape.total_successful_requests)
  assert.equal(sums.bad, shape.total_error_requests)
  near(sums.n > 0 and sums.ms / sums.n or 0, shape.avg_duration_ms, "avg_duration_ms", NANOSECOND)
  near(sums.cost, shape.total_cost_usd, "total_cost_usd")
  assert.equal(sums.input, shape.total_tokens_input)
  assert.equal(sums.output, shape.total_tokens_output)
  assert.equal(sums.read, shape.total_cache_read_tokens)
  assert.equal(sums.write, shape.total_cache_write_tokens)
  assert.equal(sums.input + sums.output + sums.read + sums.write, shape.total_tokens_all)
  check_quantiles(sums, shape)
end

local function check_breakdown(groups, shape)
  local names = {}
  for name, sums in pairs(groups) do
    names[name] = true
    local line = assert(shape[name], name)
    assert.equal(sums.n, line.request_count)
    assert.equal(sums.ok, line.successful_requests)
    assert.equal(sums.bad, line.error_requests)
    near(rate(sums.ok, sums.n), line.success_rate, "success_rate")
    near(rate(sums.bad, sums.n), line.error_rate, "error_rate")
    near(sums.ms / sums.n, line.avg_duration_ms, "avg_duration_ms", NANOSECOND)
    near(sums.cost, line.total_cost_usd, "total_cost_usd")
    assert.equal(sums.input + sums.output + sums.read + sums.write, line.total_tokens_all)
    check_quantiles(sums, line)
  end
  for name in pairs(shape) do
    assert.truthy(names[name], name)
  end
end

-- Ours: over the rows that know how long they took.
local function check_known_average(sums, point)
  local known = #sums.durations
  assert.equal(known, point.duration_known)
  if sums.n > 0 and known == 0 then
    assert.equal(json.null, point.avg_duration_ms)
  else
    near(known > 0 and sums.ms / known or 0, point.avg_duration_ms, "avg_duration_ms", NANOSECOND)
  end
end

local function check_trends(filter, body)
  local width, buckets = body.bucket_seconds, {}
  local _, groups = collect(filter, function(r) return r.timestamp // width end)
  local first, last = math.huge, -math.huge
  for bucket, sums in pairs(groups) do
    buckets[os.date("!%Y-%m-%dT%H:%M:%SZ", math.tointeger(bucket * width))] = sums
    first, last = math.min(first, bucket), math.max(last, bucket)
  end
  for _, point in ipairs(body.hourly_trends) do
    local sums = buckets[point.hour] or new_sums()
    buckets[point.hour] = nil
    assert.equal(sums.n, point.request_count)
    assert.equal(sums.bad, point.error_count)
    check_known_average(sums, point)
    near(sums.cost, point.total_cost_usd, "total_cost_usd")
    assert.equal(sums.input + sums.output + sums.read + sums.write, point.total_tokens_all)
  end
  assert.is_nil(next(buckets))
  return first, last
end

local function service(r)
  return r.service_type ~= "" and r.service_type or nil
end

local function model(r)
  return r.model ~= "" and r.model or nil
end

local function check_all(body, filter)
  local total, services = collect(filter, service)
  local _, models = collect(filter, model)
  check_summary(total, body.summary)
  assert.same({
    input_tokens = total.input, output_tokens = total.output, cache_read_tokens = total.read,
    cache_write_tokens = total.write,
    total_tokens = total.input + total.output + total.read + total.write,
  }, body.token_analytics)
  assert.equal(total.n, body.request_analytics.total_requests)
  assert.equal(total.ok, body.request_analytics.successful_requests)
  assert.equal(total.bad, body.request_analytics.error_requests)
  near(rate(total.ok, total.n), body.request_analytics.success_rate, "success_rate")
  near(rate(total.bad, total.n), body.request_analytics.error_rate, "error_rate")
  check_breakdown(services, body.service_type_breakdown)
  check_breakdown(models, body.model_breakdown)
end

describe("GET /logs/analytics", function()
  local s, times
  lazy_setup(function()
    -- as the file tells it, what it does not tell included
    s = server.start { config = "config.pricing.native = false" }
    local bytes = helpers.read_file "spec/data/access_logs.ndjson"
    local r = s:post("/logs/ingest", bytes, { ["content-type"] = "application/x-ndjson" })
    assert.equal(200, r.status)
    times = {}
    each_record(function(record) times[#times + 1] = record.timestamp end)
    table.sort(times)
  end)
  lazy_teardown(function() s:stop() end)

  local function time(i)
    return ("%.6f"):format(times[i])
  end

  local windows = {
    all = function() return "start_time=0", function() return true end end,
    ["an open end"] = function()
      return "start_time=" .. time(100), function(r) return r.timestamp >= times[100] end
    end,
    ["an open start"] = function()
      return "end_time=" .. time(200), function(r) return r.timestamp <= times[200] end
    end,
    ["ragged edges"] = function()
      return ("start_time=%s&end_time=%s"):format(time(50), time(300)), function(r)
        return r.timestamp >= times[50] and r.timestamp <= times[300]
      end
    end,
    ["one moment"] = function()
      return ("start_time=%s&end_time=%s"):format(time(50), time(50)),
        function(r) return r.timestamp == times[50] end
    end,
    ["a model"] = function()
      return "start_time=0&model=gpt-4o-mini", function(r) return r.model == "gpt-4o-mini" end
    end,
    ["a service type"] = function()
      return "start_time=0&service_type=proxy_service",
        function(r) return r.service_type == "proxy_service" end
    end,
    ["service types excluded"] = function()
      return "start_time=0&service_type=!access_log,!", function(r)
        return r.service_type ~= "access_log" and r.service_type ~= ""
      end
    end,
    ["a service type with odd letters"] = function()
      return "start_time=0&service_type=%E6%9C%8D%E5%8A%A1,!!weird",
        function(r) return r.service_type == "服务" end
    end,
    ["status codes"] = function()
      return "start_time=0&status_code_min=400&status_code_max=499", function(r)
        return r.status_code >= 400 and r.status_code <= 499
      end
    end,
    ["durations"] = function()
      return "start_time=0&min_duration_ms=500", function(r) return r.duration_ms >= 500 end
    end,
    ["a method within a window"] = function()
      return "method=POST&start_time=" .. time(10), function(r)
        return r.method == "POST" and r.timestamp >= times[10]
      end
    end,
  }
  for name, window in pairs(windows) do
    it("agrees with the file over " .. name, function()
      local query, filter = window()
      local body = s:get("/logs/analytics?" .. query).json()
      check_all(body, filter)
      check_trends(filter, body)
    end)
  end

  it("answers these members and no other", function()
    local body = s:get("/logs/analytics?start_time=0").json()
    local names = {}
    for name in pairs(body) do
      names[#names + 1] = name
    end
    table.sort(names)
    assert.same({
      "backend", "bucket_seconds", "hourly_trends", "model_breakdown", "query_params", "query_time",
      "request_analytics", "service_type_breakdown", "summary", "token_analytics",
    }, names)
    assert.equal("sqlmodel", body.backend)
    assert.truthy(math.abs(body.query_time - os.time()) < 60)
  end)

  it("shows the window it has computed where no time was given", function()
    local body = s:get("/logs/analytics?hours=2").json()
    local echoed = body.query_params
    assert.equal(2, echoed.hours)
    assert.equal("float", math.type(echoed.start_time))
    near(2 * HOUR, echoed.end_time - echoed.start_time, "hours")
    near(body.query_time, echoed.end_time, "end_time")
    assert.equal(json.null, echoed.model)
    assert.equal(json.null, echoed.service_type)
  end)
  it("leaves the other side open where one time was given", function()
    local echoed =
      s:get("/logs/analytics?start_time=5&hours=3&model=x&service_type=!y").json().query_params
    assert.same({ start_time = 5.0, end_time = json.null, hours = 3, model = "x",
      service_type = "!y" }, echoed)
  end)

  it("is all zeros where nothing is found", function()
    local body = s:get("/logs/analytics?end_time=5").json()
    for _, value in pairs(body.summary) do
      assert.equal(0, value)
    end
    assert.equal(0, body.request_analytics.success_rate)
    assert.same({}, body.service_type_breakdown)
    assert.truthy(
      s:get("/logs/analytics?end_time=5").body:find('"service_type_breakdown":{}', 1, true))
    assert.same(json.array {}, body.hourly_trends)
    assert.equal(HOUR, body.bucket_seconds)
  end)
end)

describe("hourly_trends", function()
  local s
  lazy_setup(function() s = server.start() end)
  lazy_teardown(function() s:stop() end)

  local function trends(query)
    return s:get("/logs/analytics?" .. query).json()
  end

  it("has every hour of the window, gaps as zeros, aligned to UTC", function()
    local base = 1750000000 // HOUR * HOUR
    s:ingest {
      { request_id = "1", timestamp = base + 10, model = "gaps" },
      { request_id = "2", timestamp = base + 3 * HOUR + 3599.999999, model = "gaps" },
    }
    local hours, counts = {}, {}
    for i, point in ipairs(trends("start_time=0&model=gaps").hourly_trends) do
      hours[i], counts[i] = point.hour, point.request_count
    end
    assert.same({ 1, 0, 0, 1 }, counts)
    assert.equal(os.date("!%Y-%m-%dT%H:00:00Z", base), hours[1])

    local wide =
      trends(("start_time=%d&end_time=%d&model=gaps")
        :format(base - HOUR, base + 5 * HOUR)).hourly_trends
    assert.equal(7, #wide)
    assert.equal(0, wide[1].request_count)
    assert.equal(1, wide[2].request_count)
  end)

  it("takes wider buckets for at most 1000 points", function()
    local start = 1600000000 // HOUR * HOUR
    s:ingest {
      { request_id = "w1", timestamp = start, model = "wide" },
      { request_id = "w2", timestamp = start + 999 * HOUR, model = "wide" },
    }
    local body = trends("start_time=0&model=wide")
    assert.equal(1000, #body.hourly_trends)
    assert.equal(HOUR, body.bucket_seconds)

    s:ingest { { request_id = "w3", timestamp = start + 1000 * HOUR, model = "wide" } }
    body = trends("start_time=0&model=wide")
    assert.equal(2 * HOUR, body.bucket_seconds)
    assert.truthy(#body.hourly_trends <= 1000)

    body = trends("start_time=1&model=wide")
    assert.truthy(#body.hourly_trends <= 1000 and #body.hourly_trends > 990)
    assert.equal(0, body.bucket_seconds % HOUR)
    local n = 0
    for _, point in ipairs(body.hourly_trends) do
      n = n + point.request_count
    end
    assert.equal(3, n)
  end)
end)

describe("a status", function()
  it("is success from 200, error from 400, below 200 neither", function()
    local s <close> = server.start()
    for i, status in ipairs { 101, 199, 200, 302, 399, 400, 429, 599 } do
      s:ingest { { request_id = "s" .. i, status_code = status } }
    end
    local body = s:get("/logs/analytics").json()
    assert.equal(8, body.summary.total_requests)
    assert.equal(3, body.summary.total_successful_requests)
    assert.equal(3, body.summary.total_error_requests)
    near(37.5, body.request_analytics.success_rate, "success_rate")
    s:stop()
  end)
end)

it("requests without a known price are told apart from free ones", function()
  local s <close> = server.start()
  s:ingest { { request_id = "u", cost_source = "unknown", model = "m" },
    { request_id = "f", model = "m" } }
  local body = s:get("/logs/analytics").json()
  assert.equal(1, body.summary.unpriced_requests)
  assert.equal(1, body.model_breakdown.m.unpriced_requests)
  s:stop()
end)

it("a cost that no sum could hold is refused, and a sum at the end of its range is not exact",
    function()
  local s <close> = server.start()
  local function send(line)
    return s:post("/logs/ingest", line, { ["content-type"] = "application/x-ndjson" }).json()
  end
  local function exact()
    return s:get("/logs/breakdown?by=model").json().exact
  end
  for _, cost in ipairs { "1e8", "-1e8", '"1e300"' } do
    local said = send('{"model":"m","cost_usd":' .. cost .. "}")
    assert.same({ 0, 1 }, { said.accepted, said.rejected })
    assert.matches("expected a number that its sum can hold", said.errors[1].message)
  end
  send '{"request_id":"tokens","model":"gpt-4o","tokens_input":900000000000000000}'
  assert.equal(1, s:get("/logs/analytics").json().summary.unpriced_requests)
  send '{"request_id":"a","model":"m","cost_usd":5e6}'
  assert.is_true(exact())
  send '{"request_id":"b","model":"m","cost_usd":5e6}'
  assert.is_false(exact())
  s:stop()
end)
