package.loaded.json = require "spec.helpers.server_json"
local config = { notify = { ops = {}, boss = {} } }
package.loaded.config = config
package.loaded.storage = {
  columns = function(kind)
    return kind == "keys" and { "model", "user" } or { "model", "user", "status_code" }
  end,
}
package.path = "lua/?.lua;" .. package.path
local duration = require "lib.duration"
local faults = require "lib.faults"
local figures = require "analytics.figures"
local json = require "json"
local look = require "alerting.measured"
local rules = require "alerting.rules"

local function read(entries)
  config.alerts = entries
  local found = faults.new()
  return rules.load(found), found
end

local function rule(changes)
  local entry = { name = "r", measure = "error_rate", critical = 5 }
  for key, value in pairs(changes or {}) do
    entry[key] = value
  end
  return entry
end

describe("a length of time", function()
  for text, seconds in pairs {
    ["90s"] = 90, ["15m"] = 900, ["2h"] = 7200, ["7d"] = 604800, ["0s"] = false, ["1"] = false,
    ["1w"] = false, ["-1s"] = false, ["400d"] = false, ["999999999999s"] = false, [""] = false,
  } do
    it(("%q"):format(text), function()
      assert.equal(seconds or nil, duration.seconds(text))
      if seconds then
        assert.equal(seconds, duration.seconds(duration.text(seconds)))
      end
    end)
  end
end)

describe("a rule", function()
  it("is made whole", function()
    local list, found = read { rule() }
    assert.same({}, { table.unpack(found) })
    assert.same({
      name = "r", measure = "error_rate", where = {}, by = {}, window = 3600, thresholds = { 5 },
      severities = { "critical" }, is = "above", times = { hold = 0, keep = 0 }, every = 30,
      min_requests = 0, no_data = "no_data", notify = { "boss", "ops" },
    }, list[1])
  end)

  it("has the values that stand in it", function()
    local list = read { rule {
      warning = 3, by = "model", where = { { "user", "=", "a" } }, window = "15m", ["for"] = "2m",
      keep_firing_for = "5m", repeat_every = "4h", notify = "ops", every = "1m", min_requests = 7,
      no_data = "keep", summary = "s",
    } }
    local r = list[1]
    assert.same({ { 3, 5 }, { "model" }, 900, { hold = 120, keep = 300, again = 14400 }, { "ops" },
      60, 7, "keep", "s" },
      { r.thresholds, r.by, r.window, r.times, r.notify, r.every, r.min_requests, r.no_data,
        r.summary })
  end)

  it("is a file of lua/alerts, with what the entry says otherwise", function()
    local list, found = read { "alerts.error_ratio", { "alerts.latency", critical = 1e6 } }
    assert.same({}, { table.unpack(found) })
    assert.same({ "error_ratio", "latency" }, { list[1].name, list[2].name })
    assert.same({ 60000, 1e6 }, list[2].thresholds)
  end)

  local wrong = {
    { { window = "15" }, 'alerts[1] "r": window: expected a length of time' },
    { { window = 15 }, "got 15" },
    { { measure = "error_ratio" }, "measure: expected a function, or a figure of /logs/breakdown: "
      .. "avg_duration_ms," },
    { { wher = {} }, "wher: unknown key: known are by, critical" },
    { { by = "cost_usd" }, "by: expected one to three columns" },
    { { where = { { "nothing", "=", 1 } } }, '(there is no column "nothing")' },
    { { where = { { "user", "is", 1 } } }, "where: expected conditions" },
    { { where = { { "user", "=" } } }, "where: expected conditions" },
    { { notify = "nobody" }, "notify: expected names that stand in notify" },
    { { warning = 5 }, "critical: is 5: it must lie beyond warning, 5" },
    { { warning = 3, is = "below" }, "critical: is 5: it must lie beyond warning" },
    { { no_data = "no" }, "no_data: expected one of no_data, ok, firing, keep" },
    { { critical = "much" }, 'critical: expected a number, got the text "much"' },
  }
  for _, case in ipairs(wrong) do
    it("is refused in words: " .. case[2], function()
      local list, found = read { rule(case[1]) }
      assert.equal(0, #list)
      assert.truthy(found[1]:find(case[2], 1, true), found[1])
    end)
  end

  it("needs a name, a measure and a threshold, and all of it is told at once", function()
    local _, found = read { {}, 7, "routes.x", "alerts.none", rule(), rule() }
    local text = table.concat(found, "\n")
    for _, words in ipairs {
      "alerts[1]: name: a rule needs one", "alerts[1]: measure: a rule needs one",
      "alerts[1]: critical: a rule needs a threshold", "alerts[2]: expected a rule",
      "alerts[3]: the file must be one of lua/alerts/", "alerts[4]: module 'alerts.none' not found",
      'alerts "r": name: there are two of it',
    } do
      assert.truthy(text:find(words, 1, true), words .. " in\n" .. text)
    end
  end)
end)

describe("what a rule measures", function()
  local function value(changes, group)
    local list = read { rule(changes) }
    return look.value(list[1], setmetatable(group, { __index = figures.NONE }))
  end

  it("is a figure of the breakdown", function()
    assert.equal(25.0, value({}, { requests = 4, errors = 1 }))
    assert.equal(7, value({ measure = "duration_ms_p95" }, { requests = 1, duration_ms_p95 = 7 }))
  end)

  it("is nothing where nobody knows it, and a sum of nothing is 0", function()
    assert.is_nil(value({}, {}))
    assert.is_nil(value({ measure = "duration_ms_p95" }, { requests = 3 }))
    assert.is_nil(value({ measure = "avg_duration_ms" }, { requests = 3 }))
    assert.equal(0, value({ measure = "billed_cost_usd" }, {}))
    assert.equal(0, value({ measure = "request_count" }, {}))
  end)

  it("is nothing of fewer requests than min_requests", function()
    assert.is_nil(value({ min_requests = 20 }, { requests = 19, errors = 19 }))
    assert.equal(100.0, value({ min_requests = 20 }, { requests = 20, errors = 20 }))
  end)

  it("is of the last window: long ones begin and end where cells do", function()
    local now = 1000000007
    assert.same({ { "timestamp", ">=", now - 900 }, { "timestamp", "<", now + 1 } },
      look.last(900, now))
    local hour, week = look.last(3600, now), look.last(7 * 86400, now)
    assert.same({ 0, 0 }, { hour[1][3] % 60, hour[2][3] % 60 })
    assert.same({ 0, 0 }, { week[1][3] % 3600, week[2][3] % 3600 })
    assert.is_true(hour[1][3] <= now - 3600 and hour[2][3] > now)
  end)

  local answers = {
    { "a number", 7, { { group = {}, value = 7 } } },
    { "no data", nil, { { group = {} } } },
    { "groups", { { group = { model = "m" }, value = 1 }, { group = { model = 2 } } },
      { { group = { model = "m" }, value = 1 }, { group = { model = "2" } } } },
    { "no number", 0 / 0, { { group = {} } } },
    { "a text", "7", "measure must answer a number" },
    { "other tables", { { 1 } }, "measure must answer a number" },
    { "values by name", { model = 5 }, "measure must answer a number" },
    { "a group without end", setmetatable({}, { __len = function() return 1001 end }),
      "more than 1000 groups" },
  }
  for _, case in ipairs(answers) do
    it("may be what a function answers: " .. case[1], function()
      local list = read { rule { measure = function() return case[2] end } }
      local values, message = look.of(list[1], 1)
      if type(case[3]) == "string" then
        assert.is_nil(values)
        assert.truthy(message:find(case[3], 1, true), message)
      else
        assert.same(case[3], values)
      end
    end)
  end

  it("cannot be had where a function says so, or raises", function()
    local list = read { rule { measure = function() return nil, "no idea" end } }
    assert.same({ nil, "no idea" }, { look.of(list[1], 1) })
    list = read { rule { measure = function() error("oh no", 0) end } }
    assert.same({ nil, "oh no" }, { look.of(list[1], 1) })
  end)

  it("is asked of storage with the rule's conditions and quantile", function()
    local list = read { rule { measure = "time_to_first_token_ms_p99", by = "model",
      where = { { "user", "=", "a" } }, window = "15m" } }
    local question = look.question(list[1], 1000000000)
    assert.same({ { "time_to_first_token_ms" }, { 0.99 }, { "model" }, { "user", "=", "a" } },
      { question.sketches, question.quantiles, question.by, question.where[3] })
    assert.is_false(json.is_array(question.by))
  end)
end)
