--- Budgets of a running server: what is spent, who may go on, and who is told.
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local receiver = require "spec.helpers.receiver"
local server = require "spec.helpers.server"

local eventually = server.eventually

local CONFIG = [[
  config.outside = { allow = { %q } }
  config.notify = { hook = { "webhook", url = "http://%s/hook/budget" } }
  config.budgets = {
    { name = "all", limit_usd = 100, period = "24h" },
    { name = "each", by = "user", limit_usd = 10, limits = { boss = 50 }, period = "month",
      tz = "Asia/Kolkata", thresholds = { 0.5, 1 } },
  }
]]

describe("budgets #loops", function()
  local told, s, folder

  local function start()
    s = server.start {
      config = CONFIG:format(told.host, told.host), database = folder.path .. "/moonledger.db",
    }
  end

  lazy_setup(function()
    told, folder = receiver.start(), helpers.folder()
    start()
  end)
  lazy_teardown(function()
    s:stop()
    told:stop()
    helpers.remove_folder(folder.path)
  end)

  local function line(name, user)
    for _, budget in ipairs(s:get("/budgets").json().budgets) do
      if budget.name == name and budget.scope.user == user then
        return budget
      end
    end
  end

  local function wait_for(name, user, spent)
    return eventually(function()
      local found = line(name, user)
      return found and found.as_of ~= json.null and found.spent == spent and found
    end)
  end

  local function verdict(query)
    local answer = s:get("/budgets/verdict" .. query).json()
    return { answer.allow, answer.budget, answer.spent, answer.limit }
  end

  local function spend(user, dollars, billing)
    s:ingest { { user = user, cost_usd = dollars, billing = billing } }
  end

  local function wait_for_notices(count)
    eventually(function() return #told:delivered() >= count end)
    local found = {}
    for i, post in ipairs(told:delivered()) do
      local notice = json.decode(post.body)
      found[i] = ("%s %s %g"):format(notice.severity, notice.group.user or "all", notice.value)
    end
    return found
  end

  it("are there before anything is spent, and allow", function()
    local before = wait_for("all", nil, 0)
    assert.same({ 100, "24h", "ok", 0.0, json.null, json.null },
      { before.limit, before.period, before.state, before.share, before.reset_at,
        before.projected })
    assert.same({ true, "all", 0, 100 }, verdict "?user=boss")
    local of_boss = line("each", "boss")
    assert.same({ 50, "month", "Asia/Kolkata" }, { of_boss.limit, of_boss.period, of_boss.tz })
    assert.equal(19800, (86400 - of_boss.reset_at % 86400) % 86400) -- midnight there
  end)

  it("count what is billed, whoever it is, and tell each threshold once", function()
    spend("alice", 4)
    spend("alice", 1, "billed")
    spend("boss", 1)
    wait_for("each", "alice", 5)
    assert.same({ "warning alice 5" }, wait_for_notices(1))
    assert.same({ true, "each", 5, 10 }, verdict "?user=alice&team=none")
    spend("alice", 6)
    wait_for("each", "alice", 11)
    assert.same("critical alice 11", wait_for_notices(2)[2])
    assert.same({ false, "each", 11, 10 }, verdict "?user=alice")
    assert.same({ true, "all", 12, 100 }, verdict "?user=bob")
    assert.equal("exceeded", line("each", "alice").state)
    assert.is_true(line("each", "alice").projected >= 11)
  end)

  it("leave notional cost out", function()
    spend("carol", 1000, "notional")
    spend("carol", 2)
    wait_for("each", "carol", 2)
    assert.same({ true, "each", 2, 10 }, verdict "?user=carol")
    assert.equal(14, line("all").spent)
  end)

  it("say as of when, which goes on while nothing comes in", function()
    local before = s:get("/budgets/verdict").json().as_of
    eventually(function() return s:get("/budgets/verdict").json().as_of > before end)
  end)

  it("are the same after a restart, and tell nothing twice", function()
    s:stop()
    start()
    wait_for("each", "alice", 11)
    spend("dave", 20)
    wait_for("each", "dave", 20)
    assert.same({ "warning alice 5", "critical alice 11", "critical dave 20" }, wait_for_notices(3))
  end)
end)
