--- What receivers get: Slack's and ntfy's shapes, and a real Alertmanager.
local alertmanager = require "spec.helpers.alertmanager"
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local receiver = require "spec.helpers.receiver"
local server = require "spec.helpers.server"

local eventually = server.eventually

local CONFIG = [[
  config.outside = { allow = { %q } }
  config.notify = {
    channel = { "slack", url = "http://%s/hook/slack" },
    phone = { "ntfy", url = "http://%s/hook/ntfy", token = "tk_secret" },
    mine = { "mine", url = "http://%s/hook/mine" },
  }
  config.alerts = {
    { name = "cost <&>", every = "1s", critical = 1, measure = "total_cost_usd",
      summary = "Look & see." },
  }
]]

-- A receiver of the user's, whose request has this.
local MINE = [[return { summary = "Mine.", settings = { url = "url" },
  request = function(_, settings) return { %s body = settings.url } end }]]

describe("a notifier", function()
  local told, s

  lazy_setup(function()
    told = receiver.start()
    s = server.start {
      config = CONFIG:format(told.host, told.host, told.host, told.host),
      files = { ["lua/notify/mine.lua"] = MINE:format "" },
    }
  end)
  lazy_teardown(function()
    s:stop()
    told:stop()
  end)

  local function posts_to(path, count)
    return eventually(function()
      local found = {}
      for _, post in ipairs(told:posts()) do
        found[#found + 1] = post.path == path and post or nil
      end
      return #found >= count and found
    end)
  end

  local TEXT = "cost <&> is critical: total_cost_usd is 2, above 1, in the last 1h"

  it("of Slack writes a message, in which nothing is markup", function()
    s:ingest { { cost_usd = 2 } }
    local body = json.decode(posts_to("/hook/slack", 1)[1].body)
    assert.equal(":rotating_light: " .. TEXT:gsub("<&>", "&lt;&amp;&gt;") .. "\nLook &amp; see.",
      body.text)
  end)

  it("of ntfy publishes a text with a title, a priority and tags", function()
    local post = posts_to("/hook/ntfy", 1)[1]
    assert.same({ TEXT, "cost <&>", "5", "rotating_light", "Bearer tk_secret" },
      { post.body, post.headers.title, post.headers.priority, post.headers.tags,
        post.headers.authorization })
  end)

  it("waits for none of the others, and tells in order that it is over", function()
    told:answer(500)
    s:post "/logs/reset"
    posts_to("/hook/slack", 2)
    posts_to("/hook/ntfy", 2)
    told:answer(200)
    eventually(function()
      local last = told:delivered()
      return #last == 4 and last[4].status == 200
    end)
    assert.equal("2", posts_to("/hook/ntfy", 3)[3].headers.priority)
  end)

  it("whose file gives no request loses nothing, and is told by its file", function()
    local function try()
      return s:post("/-/alerts/test?name=mine").json().sent[1]
    end
    local path = s.root .. "/lua/notify/mine.lua"
    assert.equal("lua/notify/mine.lua: bad field url (a text such as "
      .. '"https://example.com/path" expected)', try().message)
    assert.truthy(s:get("/metrics").body
      :find 'moonledger_notifications_total{notifier="mine",result="failed"} [1-9]')
    for _, given in ipairs { "nil", "5", "{ headers = 1 }" } do
      helpers.write_file(path, (MINE:gsub("{ %%s.- }", given)))
      eventually(function()
        return try().message:find("lua/notify/mine.lua: request must return a table", 1, true)
      end)
    end
    helpers.write_file(path, MINE:format "url = settings.url,")
    posts_to("/hook/mine", 2)
  end)
end)

describe("Alertmanager", function()
  it("has what fires, and has it no longer when that is over", function()
    if not alertmanager.is_there then
      return pending "build/tools has no prometheus-alertmanager: ./run test unpacks it"
    end
    local manager = alertmanager.start()
    local s <close> = server.start {
      config = ([[
        config.outside = { allow = { %q } }
        config.notify = { am = { "alertmanager", url = "http://%s/" } }
        config.alerts = { { name = "cost", every = "1s", warning = 1, by = "user",
          measure = "total_cost_usd", summary = "Look." } }
      ]]):format(manager.host, manager.host),
    }
    local function one() return #manager:alerts() == 1 end
    s:ingest { { cost_usd = 2, user = "alice" } }
    eventually(one)
    local alert = manager:alerts()[1]
    assert.same({
      { alertname = "cost", severity = "warning", kind = "alert", user = "alice" },
      { summary = "Look.",
        text = "cost is warning: total_cost_usd is 2, above 1, in the last 1h (user alice)" },
      "active",
    }, { alert.labels, alert.annotations, alert.status.state })
    s:post "/logs/reset"
    eventually(function() return not one() end)
    s:stop()
    manager:stop()
  end)
end)

describe("a mistake in alerts, budgets or notify", function()
  it("is told with its line, its key and the repair, and keeps the old files in force", function()
    local s <close> = server.start {
      files = { ["lua/alerts/mine.lua"] = "return { measure = 'request_count', critical = 1 }" },
      config = [[
        config.outside = { allow = { "hooks.example.com" } }
        config.notify = { ops = { "webhook", url = "https://hooks.example.com/x" } }
        config.alerts = { "alerts.mine" }]],
    }
    local path = s.root .. "/config.lua"
    local text = helpers.read_file(path)
    local lines = select(2, text:gsub("\n", "\n"))
    helpers.write_file(path, (text:gsub("return config\n$", [[
config.notify.bad = { "slack", url = "https://elsewhere.example.com/secret" }
config.alerts[2] = { name = "slow one", measure = "duration_ms_p96", critical = 1 }
config.budgets = { { name = "each of them", by = "nobody", limit_usd = 1 } }
return config
]])))
    local expected = {
      ("config.lua:%d: notify.bad: url: expected a URL, such as \"https://example.com/hook\", "
        .. "whose host stands in outside.allow, got the text \"https://elsewhere.example.com/...\"")
        :format(lines),
      ("config.lua:%d: alerts[2] \"slow one\": measure: expected a function, or a figure of ")
        :format(lines + 1),
      ("config.lua:%d: budgets[1] \"each of them\": by: expected one of user, team, ")
        :format(lines + 2),
    }
    local checked = server.run { "--config", path, "--check" }
    eventually(function() return s:log():find("reload failed", 1, true) end)
    for _, line in ipairs(expected) do
      assert.truthy(checked.stderr:find(line, 1, true), line .. "\n" .. checked.stderr)
    end
    assert.equal(1, checked.code)
    eventually(function()
      local first = s:get("/alerts").json().alerts[1]
      return first and first.name == "mine"
    end)
    s:stop()
  end)
end)
