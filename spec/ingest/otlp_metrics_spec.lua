package.loaded.json = package.loaded.json or require "spec.helpers.json"
local helpers = require "spec.helpers"
local json = require "json"
local otlp_metrics = require "ingest.otlp_metrics"

local function decode(name, labels)
  return otlp_metrics.decode(json.decode(helpers.read_file("spec/wire/" .. name)), labels)
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
      "claude_code_active_time_total_seconds_total", "claude_code_cost_usage_USD_total",
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
    }, points.claude_code_cost_usage_USD_total)
  end)

  it("are no records", function()
    assert.same({}, batch.records)
  end)

  it("read integers in text", function()
    assert.equal(31, points.claude_code_lines_of_code_count_total.value)
  end)
end)

describe("the JavaScript SDK's metrics", function()
  local batch = decode("otel-js-0.203-metrics.json", { "region" })
  local points = by_name(batch)

  it("carry the series that a cumulative sum belongs to", function()
    assert.same({
      kind = "counter", name = "bot_requests_total", help = "OTLP metric bot.requests", value = 5,
      labels = { service = "billing-bot", region = "eu" },
      series = "bot_requests_total{region=eu,service.name=billing-bot}bot",
      start = 1795425960000000000,
    }, points.bot_requests_total)
  end)

  it("that go up and down are gauges", function()
    assert.equal("gauge", points.bot_queue.kind)
    assert.equal(-3, points.bot_queue.value)
    assert.equal("gauge", points.bot_load.kind)
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
    return otlp_metrics.decode {
      resourceMetrics = { { scopeMetrics = { { metrics = metrics } } } },
    }
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
