package.loaded.json = require "spec.helpers.server_json"
package.loaded.zone = {
  read = function(name)
    local file = io.open("/usr/share/zoneinfo/" .. name, "rb")
    local bytes = file and file:read "a"
    if file then
      file:close()
    end
    return bytes
  end,
}
local config = { notify = { ops = {} } }
package.loaded.config = config
package.loaded.storage = { columns = function() return {} end }
package.path = "lua/?.lua;" .. package.path
local budgets = require "budgets.rules"
local dates = require "lib.dates"
local faults = require "lib.faults"
local json = require "json"
local period = require "budgets.period"
local shape = require "budgets.shape"

local function read(entry)
  entry.name = entry.name or "b"
  config.budgets = { entry }
  local found = faults.new()
  return budgets.load(found)[1], table.concat(found, "\n")
end

local DAY = dates.days(2026, 3, 29) * 86400 -- clocks change in Berlin

describe("a budget", function()
  it("is made whole", function()
    local b, found = read { limit_usd = 5 }
    assert.equal("", found)
    assert.same({ "month", "UTC", { 0.8, 1 }, {}, { "ops" } },
      { b.period, b.tz, b.thresholds, b.limits, b.notify })
  end)

  local wrong = {
    { {}, "limit_usd: a budget needs a limit" },
    { { limit_usd = 0 }, "limit_usd: expected dollars, more than 0, got 0" },
    { { limits = { a = 1 } }, "limits: whose limits?" },
    { { by = "host", limit_usd = 1 }, "by: expected one of user, team, api_key, project, model" },
    { { limit_usd = 1, tz = "Moon/Crater" }, "tz: expected a time zone" },
    { { limit_usd = 1, period = "year" }, "period: expected day, week, month" },
    { { limit_usd = 1, thresholds = { 1, 0.5 } }, "thresholds: expected shares" },
    { { limit_usd = 1, notify = { "x" } }, "notify: expected names" },
    { { limit_usd = 1, limit = 1 }, "limit: unknown key" },
  }
  for _, case in ipairs(wrong) do
    it("is refused in words: " .. case[2], function()
      local b, found = read(case[1])
      assert.is_nil(b)
      assert.truthy(found:find('budgets[1] "b": ' .. case[2], 1, true), found)
    end)
  end

  it("begins where its zone's calendar does", function()
    for name, expected in pairs {
      day = { "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z" },
      week = { "2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z" },
      month = { "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z" },
    } do
      local where, since, reset_at =
        period.of(read { limit_usd = 1, period = name, tz = "Europe/Berlin" }, DAY + 43200)
      assert.same(expected, { dates.iso(since), dates.iso(reset_at) })
      assert.same({ { "timestamp", ">=", since }, { "timestamp", "<", reset_at } }, where)
    end
  end)

  it("rolls, and then has no end", function()
    local _, since, reset_at = period.of(read { limit_usd = 1, period = "7d" }, DAY)
    assert.same({ DAY - 7 * 86400 }, { since, reset_at })
  end)
end)

local function figures(spent, fields)
  local all = { since = DAY, reset_at = DAY + 86400, as_of = DAY + 43200, spent = spent,
    exact = true }
  for key, value in pairs(fields or {}) do
    all[key] = value
  end
  return all
end

describe("a budget's figures", function()
  it("go on at the pace so far", function()
    assert.same({ 8, DAY + 54000 }, { shape.project(4, 5, DAY, DAY + 86400, DAY + 43200) })
    assert.same({ 8 }, { shape.project(4, 10, DAY, DAY + 86400, DAY + 43200) })
    assert.same({}, { shape.project(4, 10, DAY, DAY + 86400, DAY + 60) })
    assert.same({}, { shape.project(4, 10, DAY, nil, DAY + 60) })
  end)

  it("are shown of everybody who has a limit, the largest share first", function()
    local b = read { by = "user", limit_usd = 10, limits = { boss = 100 } }
    local lines = shape.lines(b, figures { alice = 9, bob = 12 }, DAY + 43200, 100)
    local short = {}
    for i, line in ipairs(lines) do
      short[i] = { line.scope.user, line.spent, line.limit, line.state }
    end
    assert.same({ { "bob", 12, 10, "exceeded" }, { "alice", 9, 10, "warning" },
      { "boss", 0, 100, "ok" } }, short)
    assert.equal(1, #shape.lines(b, figures { alice = 9, bob = 12 }, DAY, 1))
  end)

  it("are an error where they could not be had, and nothing where nobody looked yet", function()
    local b = read { limit_usd = 10 }
    assert.same({ "error", "too slow", 3 }, (function()
      local l = shape.lines(b, figures({ [""] = 3 }, { message = "too slow" }), DAY, 9)[1]
      return { l.state, l.message, l.spent }
    end)())
    assert.equal(json.null, shape.lines(b, nil, DAY, 9)[1].as_of)
  end)
end)

describe("a verdict", function()
  local all = read { name = "all", limit_usd = 100 }
  local each = read { name = "each", by = "user", limit_usd = 10 }
  local some = read { name = "some", by = "team", limits = { red = 1 } }
  local list = { all, each, some }
  local spent = {
    all = figures { [""] = 50 }, each = figures { alice = 10, bob = 2 }, some = figures { red = 3 },
  }
  local function verdict(scope, now)
    local v = shape.verdict(list, spent, scope, now or DAY + 50000)
    return { v.allow, v.budget, v.spent, v.limit }
  end

  it("is that of the budget with the largest share spent", function()
    assert.same({ true, "all", 50, 100 }, verdict {})
    assert.same({ true, "all", 50, 100 }, verdict { user = "bob" })
    assert.same({ false, "each", 10, 10 }, verdict { user = "alice" })
    assert.same({ false, "some", 3, 1 }, verdict { user = "alice", team = "red" })
    assert.same({ true, "all", 50, 100 }, verdict { team = "blue", user = "" })
  end)

  it("says when that was so, and when it begins anew", function()
    local v = shape.verdict(list, spent, {}, DAY + 50000)
    assert.same({ DAY + 86400, DAY + 43200 }, { v.reset_at, v.as_of })
  end)

  it("allows once the period is over, whether somebody has looked or not", function()
    assert.is_true(verdict({ user = "alice" }, DAY + 86400)[1])
  end)

  it("allows what no budget is for", function()
    assert.same({ allow = true, spent = json.null, limit = json.null, reset_at = json.null,
      as_of = json.null }, shape.verdict({ each }, spent, {}, DAY))
  end)
end)
