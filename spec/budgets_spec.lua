--- Budgets of a running server: what is spent, who may go on, and who is told.
local documents = require "spec.helpers.documents"
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

-- What LiteLLM's proxy brings for its hooks, as far as the one of the document needs it.
local LITELLM = {
  ["litellm/__init__.py"] = "",
  ["litellm/integrations/__init__.py"] = "",
  ["litellm/integrations/custom_logger.py"] = "class CustomLogger:\n    pass\n",
  ["fastapi.py"] = [[
class HTTPException(Exception):
    def __init__(self, status_code, detail):
        self.status_code, self.detail = status_code, detail
]],
  ["httpx.py"] = [[
import json, urllib.error, urllib.parse, urllib.request

class HTTPError(Exception):
    pass

class Response:
    def __init__(self, body):
        self.json = lambda: json.loads(body)

    def raise_for_status(self):
        return self

class AsyncClient:
    def __init__(self, base_url, timeout):
        self.base_url, self.timeout = base_url, timeout

    async def get(self, path, params):
        url = self.base_url + path + "?" + urllib.parse.urlencode(params)
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return Response(answer.read())
        except urllib.error.URLError as error:
            raise HTTPError(str(error))
]],
  ["ask.py"] = [[
import asyncio, sys, types
from fastapi import HTTPException
from moonledger_budget import hook

key = types.SimpleNamespace(user_id=sys.argv[1], team_id=None, team_alias=None, key_alias=None)
data = {"model": "m"}
try:
    print(asyncio.run(hook.async_pre_call_hook(key, None, data, "completion")) is data)
except HTTPException as refusal:
    print(refusal.status_code, refusal.detail)
]],
}

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

  local it_with_python = os.execute "command -v python3 >/dev/null" and it or pending
  it_with_python("stand before each call of LiteLLM's proxy by the hook of the document", function()
    local beside <close> = helpers.folder()
    os.execute("mkdir -p " .. beside.path .. "/litellm/integrations")
    for path, text in pairs(LITELLM) do
      helpers.write_file(beside.path .. "/" .. path, text)
    end
    local function ask(user, address)
      for _, block in ipairs(documents.blocks "lua/alerting/README.md") do
        if block.language == "python" then
          helpers.write_file(beside.path .. "/moonledger_budget.py",
            (block.text:gsub("127%.0%.0%.1:8787", address or "127.0.0.1:" .. s.port)))
        end
      end
      return helpers.lines_of(("python3 -B %s/ask.py %s 2>&1"):format(beside.path, user))[1]
    end
    assert.equal("True", ask "bob")
    assert.equal("429 budget each: 11.00 of 10.00 dollars spent", ask "alice")
    assert.equal("True", ask("alice", "127.0.0.1:1"))
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
