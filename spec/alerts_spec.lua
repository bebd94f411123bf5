--- Rules, what they tell, and whether it arrives: a server, and another that is told.
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local receiver = require "spec.helpers.receiver"
local server = require "spec.helpers.server"

local eventually = server.eventually

-- Dollars of the last hour by user, and a rule that cannot be evaluated while kv says so.
local RULES = [[
  config.outside = { allow = { %q } }
  config.notify = {
    hook = { "webhook", url = "http://%s/hook/notice", headers = { ["X-Team"] = "moon" } },
  }
  config.alerts = {
    { name = "cost", measure = "total_cost_usd", by = "user", every = "1s", warning = 1,
      critical = 10, summary = "Costs too much." },
    { name = "odd", every = "1s", critical = 1, measure = function()
      local kv = require "kv"
      if kv.get "odd" then error("it is odd", 0) end
      return 0
    end },
  }
  table.insert(config.routes, { "POST", "/odd", "routes.odd" })
]]

local ODD = [[return { summary = "Sets whether it is odd.", handle = function(req)
  require("kv").set("odd", tostring(req.body) == "yes" or nil)
  return { status = 204 }
end }]]

describe("alerts", function()
  local told, s, folder

  local function start()
    s = server.start {
      config = RULES:format(told.host, told.host), files = { ["lua/routes/odd.lua"] = ODD },
      database = folder.path .. "/moonledger.db",
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

  local function spend(user, dollars)
    s:ingest { { user = user, cost_usd = dollars, model = "m" } }
  end

  -- "cost firing warning alice", of all that was delivered.
  local function lines()
    local found = {}
    for i, post in ipairs(told:delivered()) do
      local notice = json.decode(post.body)
      found[i] = ("%s %s %s %s"):format(notice.name, notice.status, notice.severity,
        notice.group.user or "-")
    end
    return found
  end

  local function wait_for(count)
    return eventually(function()
      local found = lines()
      return #found >= count and found
    end)
  end

  local function state_of(name, user)
    for _, alert in ipairs(s:get("/alerts").json().alerts) do
      if alert.name == name and (not user or alert.group.user == user) then
        return alert
      end
    end
  end

  it("are ok, with the group that comes nearest, or know of nothing", function()
    eventually(function() return state_of "cost" end)
    assert.equal("no_data", state_of("cost").state)
    spend("bob", 0.25)
    eventually(function() return state_of("cost").state == "ok" end)
    local alert = state_of "cost"
    assert.same({ 0.25, 1, { user = "bob" }, json.null, "Costs too much." },
      { alert.value, alert.threshold, alert.group, alert.severity, alert.summary })
  end)

  it("tell each threshold of a group once, by webhook and stream", function()
    local stream = s:stream "/alerts/stream"
    assert.equal("connection", stream:event().json.type)
    spend("alice", 2)
    assert.same({ "cost firing warning alice" }, wait_for(1))
    local event = stream:event().json
    assert.same({ "alert", "alice", "firing" },
      { event.type, event.data.group.user, event.data.status })
    stream:close()
    spend("alice", 20)
    assert.same("cost firing critical alice", wait_for(2)[2])
    local post = told:delivered()[1]
    local notice = json.decode(post.body)
    assert.same({ "moon", "application/json", notice.key, 32 },
      { post.headers["x-team"], post.headers["content-type"], post.key, #post.key })
    assert.equal("cost is warning: total_cost_usd is 2, above 1, in the last 1h (user alice)",
      notice.text)
    local alert = state_of("cost", "alice")
    assert.same({ "firing", "critical", 22.0, 10 },
      { alert.state, alert.severity, alert.value, alert.threshold })
  end)

  it("tell nothing again after a reload and a restart", function()
    local since = state_of("cost", "alice").since
    s:signal "HUP"
    eventually(function() return s:log():find "msg=reloaded" end)
    s:stop()
    start()
    eventually(function() return state_of("cost", "alice") end)
    assert.equal(since, state_of("cost", "alice").since)
    spend("carol", 2)
    assert.same({ "cost firing warning alice", "cost firing critical alice",
      "cost firing warning carol" }, wait_for(3))
  end)

  it("arrive in order, once the receiver has answered 2xx, even when the server dies", function()
    told:answer(503)
    spend("dave", 2)
    eventually(function() return #told:posts() > #told:delivered() end)
    spend("dave", 20)
    eventually(function() return (state_of("cost", "dave") or {}).severity == "critical" end)
    s:kill()
    told:answer(200)
    start()
    local found = wait_for(5)
    assert.same({ "cost firing warning dave", "cost firing critical dave" }, { found[4], found[5] })
    local posts = told:posts()
    local tried = {}
    for _, post in ipairs(posts) do
      tried[post.key] = (tried[post.key] or 0) + 1
    end
    assert.is_true(tried[told:delivered()[4].key] > 1)
    assert.equal(1, tried[told:delivered()[5].key])
  end)

  it("say when a rule cannot be evaluated, and when it can again", function()
    s:post("/odd", "yes")
    eventually(function() return (state_of "odd" or {}).state == "error" end)
    assert.equal("it is odd", state_of("odd").message)
    assert.equal("odd firing error -", wait_for(6)[6])
    s:post("/odd", "no")
    assert.equal("odd resolved error -", wait_for(7)[7])
    assert.equal("ok", state_of("odd").state)
  end)

  it("tell that it is over", function()
    s:post "/logs/reset"
    local found = wait_for(10)
    table.sort(found)
    local over = {}
    for _, line in ipairs(found) do
      over[#over + 1] = line:find " resolved " and line
    end
    assert.same({ "cost resolved critical alice", "cost resolved critical dave",
      "cost resolved warning carol", "odd resolved error -" }, over)
  end)

  it("are tried by a command, which says what came of it", function()
    local function run(...)
      return server.run { "alerts", "--url", s.url, ... }
    end
    assert.equal("hook: delivered\n", run("test", "hook").stdout)
    assert.equal("hook: delivered\n", run("test", "cost").stdout)
    assert.equal("test", json.decode(told:delivered()[11].body).kind)
    told:answer(410)
    local refused = run("test", "hook")
    assert.same({ 1, "hook: not delivered: it answered 410 as told\n" },
      { refused.code, refused.stdout })
    told:answer(200)
    assert.truthy(run("test", "nobody").stderr:find 'no notifier and no rule of the name "nobody"')
    assert.truthy(run().stdout:find("ok        odd  0", 1, true))
  end)

  it("are counted by how they went", function()
    local page = s:get("/metrics").body
    assert.truthy(page:find 'moonledger_notifications_total{notifier="hook",result="delivered"} %d')
  end)

  it("that config.lua no longer has are over", function()
    local erin = ("erin"):rep(20)
    spend(erin, 2)
    wait_for(13)
    assert.truthy(server.run({ "alerts", "--url", s.url }).stdout:find(
      "firing    cost  2  user=" .. erin:sub(1, 40) .. "…\n", 1, true))
    local path = s.root .. "/config.lua"
    helpers.write_file(path, (helpers.read_file(path):gsub("return config\n$",
      "table.remove(config.alerts, 1)\nreturn config\n")))
    assert.equal("cost resolved warning " .. erin, wait_for(14)[14])
    assert.is_nil(state_of "cost")
  end)
end)

describe("a measure that does not end, or answers something else", function()
  it("is an error of its rule, and the others are looked at", function()
    local s <close> = server.start {
      config = [[
        config.script.total_cpu_ms = 100
        config.alerts = {
          { name = "endless", every = "1s", critical = 1,
            measure = function() while true do end end },
          { name = "fine", every = "1s", critical = 1, measure = "request_count" },
          { name = "odd", every = "1s", critical = 1,
            measure = function() return { model = 5 } end },
        }
      ]],
    }
    local alerts = s:get("/alerts").json().alerts
    assert.equal(3, #alerts) -- and before anybody has looked
    eventually(function()
      alerts = s:get("/alerts").json().alerts
      return alerts[1].state == "error" and alerts[3].state == "error"
    end)
    assert.same({ "endless", "error", "fine", "ok", "odd", "error" },
      { alerts[1].name, alerts[1].state, alerts[2].name, alerts[2].state, alerts[3].name,
        alerts[3].state })
    assert.truthy(alerts[3].message:find "measure must answer a number, nil, or a list")
    assert.truthy(alerts[1].message:find "was ended: it ran for too long")
    s:stop()
  end)
end)
