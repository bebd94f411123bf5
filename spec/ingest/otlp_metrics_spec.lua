package.loaded.json = package.loaded.json or require "spec.helpers.server_json"
local helpers = require "spec.helpers"
local json = require "json"
local metric_names = require "ingest.metric_names"
local metric_items = require "spec.helpers.metric_items"
local otlp_metrics = require "ingest.otlp_metrics"

local function decode(name)
  local message = json.decode(helpers.read_file("spec/wire/" .. name))
  return otlp_metrics.decode(metric_items(message))
end

local function by_name(batch)
  local found = {}
  for _, point in ipairs(batch.points) do
    found[point.name] = found[point.name] or point
  end
  return found
end

describe("Claude Code's metrics", function()
  local batch = decode "claude-code-2.1.202-metrics.json"
  local points = by_name(batch)

  it("have the names that OpenTelemetry's Prometheus rules give them", function()
    local names = {}
    for name in pairs(points) do
      names[#names + 1] = name
    end
    table.sort(names)
    assert.same({
      "claude_code_active_time_seconds_total", "claude_code_cost_usage_USD_total",
      "claude_code_lines_of_code_count_total", "claude_code_session_count_total",
      "claude_code_token_usage_tokens_total",
    }, names)
  end)

  it("are counters that a delta adds to", function()
    assert.same({
      kind = "counter", name = "claude_code_cost_usage_USD_total",
      help = "OTLP metric claude_code.cost.usage", value = 0.0363561,
      labels = {
        service = "claude-code", model = "claude-sonnet-4-5-20250929", query_source = "main",
        speed = "", effort = "",
      },
      series = points.claude_code_cost_usage_USD_total.series,
      start = 1795425960000000000, time = 1795426020000000000,
    }, points.claude_code_cost_usage_USD_total)
  end)

  it("are no records", function()
    assert.same({}, batch.records)
  end)

  it("read integers in text", function()
    assert.equal(31, points.claude_code_lines_of_code_count_total.value)
  end)
end)

describe("Codex' metrics", function()
  local function point(value, told)
    local attributes = {}
    for key, text in pairs(told) do
      attributes[#attributes + 1] = { key = key, value = { stringValue = text } }
    end
    return { attributes = attributes, asInt = value, count = 1, sum = value }
  end

  local function values_by(label, metric)
    local batch = otlp_metrics.decode(metric_items {
      resourceMetrics = { { scopeMetrics = { { metrics = { metric } } } } },
    })
    local found = {}
    for _, p in ipairs(batch.points) do
      if not p.name:find "_count_total$" then
        found[p.labels[label]] = p.value
      end
    end
    return found
  end

  it("keep the kinds of tokens apart, of which one is the sum of others", function()
    assert.same({ total = 35, input = 30, output = 5 }, values_by("token_type", {
      name = "codex.turn.token_usage",
      histogram = { aggregationTemporality = 1, dataPoints = {
        point(35, { token_type = "total", model = "gpt-5.5", originator = "codex_exec" }),
        point(30, { token_type = "input", model = "gpt-5.5" }),
        point(5, { token_type = "output", model = "gpt-5.5" }),
      } },
    }))
  end)

  it("keep what failed apart", function()
    assert.same({ ["200"] = 7, ["429"] = 2 }, values_by("status", {
      name = "codex.api_request",
      sum = { aggregationTemporality = 1, isMonotonic = true, dataPoints = {
        point(7, { status = "200", success = "true" }),
        point(2, { status = "429", success = "false" }),
      } },
    }))
  end)
end)

describe("the JavaScript SDK's metrics", function()
  local batch = decode("otel-js-0.203-metrics.json")
  local points = by_name(batch)

  it("carry the series that a cumulative sum belongs to", function()
    assert.same({
      kind = "counter", name = "bot_requests_total", help = "OTLP metric bot.requests", value = 5,
      labels = { service = "billing-bot" },
      series = "bot_requests_total{region=eu,service.name=billing-bot}bot",
      start = 1795425960000000000, time = 1795426020000000000, cumulative = true,
    }, points.bot_requests_total)
  end)

  it("that go up and down are gauges", function()
    assert.equal("gauge", points.bot_queue.kind)
    assert.equal(-3, points.bot_queue.value)
    assert.equal("gauge", points.bot_load_ratio.kind)
  end)

  it("show a histogram by its count and its sum", function()
    assert.equal(4, points.gen_ai_client_operation_duration_seconds_count_total.value)
    assert.equal(6.5, points.gen_ai_client_operation_duration_seconds_sum_total.value)
    assert.equal("chat",
      points.gen_ai_client_operation_duration_seconds_sum_total.labels.gen_ai_operation_name)
  end)

  it("of kinds that are not read are rejected by name", function()
    assert.equal(1, batch.rejected)
    assert.same({ "metric bot.summary: summary is not supported" }, batch.errors)
  end)
end)

describe("a data point", function()
  local function sum(point, more)
    local data = { isMonotonic = true, aggregationTemporality = 1, dataPoints = { point } }
    for name, value in pairs(more or {}) do
      data[name] = value
    end
    local metrics = { { name = "m", sum = data } }
    return otlp_metrics.decode(metric_items {
      resourceMetrics = { { scopeMetrics = { { metrics = metrics } } } },
    })
  end

  for sentence, batch in pairs {
    ["without a value"] = sum { asDouble = {} }, ["that is NaN"] = sum { asDouble = "NaN" },
    ["that is no object"] = sum(5), ["of a monotonic sum that falls"] = sum { asInt = -1 },
    ["without temporality"] = sum({ asInt = 1 }, { aggregationTemporality = 0 }),
  } do
    it(sentence .. " is rejected", function()
      assert.equal(1, batch.rejected)
      assert.same({}, batch.points)
    end)
  end
end)

describe("a metric's name", function()
  for _, case in ipairs {
    { "claude_code.active_time.total", "s", "counter", "claude_code_active_time_seconds_total" },
    { "shop.uptime", "h", "gauge", "shop_uptime_hours" },
    { "shop.cache.hit", "1", "gauge", "shop_cache_hit_ratio" },
    { "shop.cache.hit.ratio", "1", "gauge", "shop_cache_hit_ratio" },
    { "shop.calls", "1", "counter", "shop_calls_total" },
    { "shop.io", "By/s", "gauge", "shop_io_bytes_per_second" },
    { "shop.bytes.per.second", "By/s", "gauge", "shop_bytes_per_second" },
    { "shop.tokens.used", "tokens", "counter", "shop_tokens_used_total" },
    { "shop.total.spent", "USD", "counter", "shop_spent_USD_total" },
    { "shop.queue", "{item}", "gauge", "shop_queue" },
    { "shop.rate", "{token}/min", "gauge", "shop_rate_per_min" },
    { "gen_ai.client.operation.duration", "s", "histogram",
      "gen_ai_client_operation_duration_seconds" },
    { "2xx.answers", "", "counter", "_2xx_answers_total" },
  } do
    local name, unit, kind, expected = table.unpack(case)
    it(("%s in %q is %s"):format(name, unit, expected), function()
      assert.equal(expected, metric_names.family({ name = name, unit = unit }, kind))
    end)
  end
end)
