package.loaded.json = package.loaded.json or require "spec.helpers.server_json"
local breakdown = require "analytics.breakdown"
local dates = require "lib.dates"
local figures = require "analytics.figures"
local hourly_trends = require "analytics.hourly_trends"
local json = require "json"
local overview = require "analytics.overview"
local request_analytics = require "analytics.request_analytics"
local summary = require "analytics.summary"
local token_analytics = require "analytics.token_analytics"

local function group(fields)
  return setmetatable(fields, { __index = figures.NONE })
end

local SOME = group {
  requests = 4, successes = 1, errors = 2, duration_ms = 10, duration_known = 2, cost_usd = 0.5,
  billed_cost_usd = 0.25, tokens_input = 1,
  tokens_output = 2, cache_read_tokens = 3, cache_write_tokens = 4, unpriced_requests = 1,
  duration_ms_p50 = 2, duration_ms_p90 = 3, duration_ms_p95 = 4, duration_ms_p99 = 5, model = "m",
}

it("summary has the totals of a window", function()
  assert.same({
    total_requests = 4, total_successful_requests = 1, total_error_requests = 2,
    avg_duration_ms = 2.5, duration_known = 2, billed_cost_usd = 0.25,
      total_cost_usd = 0.5, total_tokens_input = 1, total_tokens_output = 2,
    total_cache_read_tokens = 3, total_cache_write_tokens = 4, total_tokens_all = 10,
    unpriced_requests = 1, duration_ms_p50 = 2, duration_ms_p90 = 3, duration_ms_p95 = 4,
    duration_ms_p99 = 5,
  }, summary.shape(SOME))
end)

it("summary of nothing is all zeros", function()
  for _, value in pairs(summary.shape(figures.NONE)) do
    assert.equal(0, value)
  end
end)

it("an overview has cells of models that its totals have not by name", function()
  local function of(model, time, cost)
    return group { model = model, time = time, cost_usd = cost }
  end
  local window = { start_time = 0, end_time = 60, every = 60 }
  local cells = { of("dear", 0, 2), of("(other)", 0, 1), of("(other)", 60, 4), of("cheap", 60, 8) }
  local totals = { of("dear", nil, 14), of("(other)", nil, 1) }
  local answer = overview.shape(window, { {}, {}, cells, totals, {}, {} }, { {} })
  assert.same({
    { model = "dear", values = { 2, 0 } }, { model = "(other)", values = { 1, 4 } },
    { model = "all others", values = { 0, 8 } },
  }, answer.cost_by_model)
end)

it("token_analytics has tokens by kind", function()
  assert.same({ input_tokens = 1, output_tokens = 2, cache_read_tokens = 3, cache_write_tokens = 4,
    total_tokens = 10 },
    token_analytics.shape(SOME))
end)

it("request_analytics has percentages, which need not add up", function()
  assert.same({
    total_requests = 4, successful_requests = 1, error_requests = 2, success_rate = 25.0,
    error_rate = 50.0,
  }, request_analytics.shape(SOME))
  assert.equal(0, request_analytics.shape(figures.NONE).success_rate)
end)

it("a breakdown has a line for each name but the empty one", function()
  local shape = breakdown.shape({ SOME, group { model = "", requests = 9 } }, "model")
  assert.same({
    m = {
      request_count = 4, successful_requests = 1, error_requests = 2, success_rate = 25.0,
      error_rate = 50.0, avg_duration_ms = 2.5, duration_known = 2, billed_cost_usd = 0.25,
      total_cost_usd = 0.5, total_tokens_input = 1,
      total_tokens_output = 2, total_cache_read_tokens = 3, total_cache_write_tokens = 4,
      total_tokens_all = 10, unpriced_requests = 1, duration_ms_p50 = 2, duration_ms_p90 = 3,
      duration_ms_p95 = 4, duration_ms_p99 = 5,
    },
  }, shape)
end)

describe("hourly_trends", function()
  local groups =
    { group { time = 3600.0, requests = 1 }, group { time = 10800.0, requests = 2, errors = 1 } }

  local function counts(...)
    local list = {}
    for i, point in ipairs(hourly_trends.shape(...)) do
      list[i] = point.hour:sub(12, 13) .. "=" .. point.request_count
    end
    return table.concat(list, " ")
  end

  it("goes from the first to the last row where the window is open", function()
    assert.equal("01=1 02=0 03=2", counts(groups, 3600))
  end)
  it("goes over the whole window where it is closed", function()
    assert.equal("00=0 01=1 02=0 03=2 04=0", counts(groups, 3600, 3599.5, 14400))
  end)
  it("takes each open side for itself", function()
    assert.equal("01=1 02=0 03=2 04=0", counts(groups, 3600, nil, 14400))
  end)
  it("is empty without rows", function()
    assert.same(json.array {}, hourly_trends.shape({}, 3600, 0.5, 99999))
  end)
  it("has these members", function()
    assert.same({
      hour = "1970-01-01T03:00:00Z", request_count = 2, error_count = 1,
      avg_duration_ms = json.null, duration_known = 0, total_cost_usd = 0, billed_cost_usd = 0,
      total_tokens_all = 0,
    }, hourly_trends.shape(groups, 3600)[3])
  end)
end)

describe("dates", function()
  local cases = {
    { 0, "1970-01-01T00:00:00Z" }, { -1, "1969-12-31T23:59:59Z" },
    { 951782400, "2000-02-29T00:00:00Z" },
    { 4107542399, "2100-02-28T23:59:59Z" }, { 1750000000.9, "2025-06-15T15:06:40Z" },
    { -62135596800, "0001-01-01T00:00:00Z" }, { 253402300799, "9999-12-31T23:59:59Z" },
  }
  for _, case in ipairs(cases) do
    it("are written as " .. case[2], function()
      assert.equal(case[2], dates.iso(case[1]))
    end)
  end
  it("have a day", function()
    assert.equal("2025-06-15", dates.day(1750000000))
  end)
end)
