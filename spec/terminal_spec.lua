--- The commands that ask from a terminal: usage, query, tail, statusline, health, demo.
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local Process = require "spec.helpers.process"
local server = require "spec.helpers.server"
local socket = require "socket"

local BINARY = os.getenv "MOONLEDGER" or "build/moonledger"
local DAY = 86400

-- 2020-11-20, a Friday, noon in UTC.
local NOON = 1605873600

local records = {
  { request_id = "a", timestamp = NOON, model = "gpt-4o", user = "ada", session_client_id = "s1",
    tokens_input = 1000, tokens_output = 200, cache_read_tokens = 30, cache_write_tokens = 4,
    cost_usd = 1.5, duration_ms = 1200, project = "moon" },
  { request_id = "b", timestamp = NOON + 3600, model = "opus", user = "grace",
    session_client_id = "s1", tokens_input = 10, cost_usd = 0.25, project = "moon" },
  { request_id = "c", timestamp = NOON + 3 * DAY, model = "opus", user = "ada",
    session_client_id = "s2", tokens_output = 7, cost_usd = 2000, status_code = 529,
    error_type = "overloaded_error" },
  { request_id = "d", timestamp = NOON + 12 * DAY, model = "unheard-of", tokens_input = 5 },
}

describe("a command that asks", function()
  local s, settings

  -- Runs it with config.lua's server at an address where nobody is, or at ours.
  local function run(words, address, env)
    local line = { "--config", settings.path .. "/config.lua", "--database", s.database, "--listen",
      address or s.url:match "//(.*)" }
    env = env or {}
    env.TZ = env.TZ or "UTC"
    return server.run(table.move(words, 1, #words, #line + 1, line), { env = env })
  end

  local function output(words, ...)
    local result = run(words, ...)
    assert.same({ 0, "" }, { result.code, result.stderr })
    return result.stdout
  end

  local function statusline(input, address)
    local path = settings.path .. "/input"
    helpers.write_file(path, input)
    local pipe = assert(io.popen(("TZ=UTC %s --config %s/config.lua --database %s --listen %s "
      .. "statusline < %s"):format(helpers.quote(BINARY), settings.path, s.database,
      address or s.url:match "//(.*)", path)))
    local said = pipe:read "a"
    pipe:close()
    return said
  end

  lazy_setup(function()
    settings = helpers.folder()
    helpers.write_file(settings.path .. "/config.lua", "return {}")
    local folder = helpers.temporary_folder()
    s = server.start { database = folder .. "/m.db",
      config = [[config.budgets = { { name = "all", limit_usd = 20, period = "24h" } }
        config.storage.hot_days = 0 -- so that a copy of the file is all of it]] }
    s:ingest(records)
  end)
  lazy_teardown(function()
    s:stop()
    os.execute("rm -rf " .. s.database:match "^(/tmp/moonledger%.%w+)/")
    helpers.remove_folder(settings.path)
  end)

  describe("for usage", function()
    it("prints a table as ccusage does", function()
      assert.equal([[
┌────────────┬────────────┬───────┬────────┬──────────────┬────────────┬──────────────┬────────────┐
│ Date       │ Models     │ Input │ Output │ Cache Create │ Cache Read │ Total Tokens │ Cost (USD) │
├────────────┼────────────┼───────┼────────┼──────────────┼────────────┼──────────────┼────────────┤
│ 2020-11-20 │ gpt-4o     │ 1,010 │    200 │            4 │         30 │        1,244 │      $1.75 │
│            │ opus       │       │        │              │            │              │            │
│ 2020-11-23 │ opus       │     0 │      7 │            0 │          0 │            7 │  $2,000.00 │
│ 2020-12-02 │ unheard-of │     5 │      0 │            0 │          0 │            5 │          ? │
├────────────┼────────────┼───────┼────────┼──────────────┼────────────┼──────────────┼────────────┤
│ Total      │            │ 1,015 │    207 │            4 │         30 │        1,256 │  $2,001.75 │
└────────────┴────────────┴───────┴────────┴──────────────┴────────────┴──────────────┴────────────┘
Requests without a known price, which stand in no cost: 1.
]], output { "usage", "daily" })
    end)

    it("prints JSON with ccusage's names", function()
      local said = json.decode(output { "usage", "daily", "--json", "--until", "2020-11-20" })
      assert.same({ modelName = "gpt-4o", inputTokens = 1000, outputTokens = 200,
        cacheCreationTokens = 4, cacheReadTokens = 30, cost = 1.5 },
        said.daily[1].modelBreakdowns[1])
      said.daily[1].modelBreakdowns = nil
      local figures = { inputTokens = 1010, outputTokens = 200, cacheCreationTokens = 4,
        cacheReadTokens = 30, totalTokens = 1244, totalCost = 1.75, billedCost = 1.75,
        requests = 2, unpricedRequests = 0 }
      assert.same(figures, said.totals)
      figures.date, figures.modelsUsed = "2020-11-20", { "gpt-4o", "opus" }
      assert.same({ figures }, said.daily)
    end)

    -- First cells of the lines as CSV, and their costs.
    local cases = {
      { { "weekly" }, "2020-11-16=1.75 2020-11-23=2000 2020-11-30=?" },
      { { "monthly" }, "2020-11=2001.75 2020-12=?" },
      { { "monthly", "--by", "user" }, "2020-11,ada=2001.5 2020-11,grace=0.25 2020-12,=?" },
      { { "model" }, "opus=2000.25 gpt-4o=1.5 unheard-of=?" },
      { { "model", "--limit", "1" }, "opus=2000.25" },
      { { "user", "--by", "user" }, "ada=2001.5 grace=0.25 =?" },
      { { "project", "--by", "model" }, ",opus=2000 moon,gpt-4o=1.5 moon,opus=0.25 ,unheard-of=?" },
      { { "daily", "--since", "20201121", "--until", "2020-11-30" }, "2020-11-23=2000" },
      { { "daily", "--since", "2020-11-20T12:30", "--until", "20201120" }, "2020-11-20=0.25" },
      { { "daily", "--tz", "+13:00", "--until", "2020-11-21" }, "2020-11-21=1.75" },
      { { "daily", "--since", "2020-11-21", "--tz", "+13:00", "--until", "2020-11-21" },
        "2020-11-21=1.75" },
    }
    for _, case in ipairs(cases) do
      it("knows " .. table.concat(case[1], " "), function()
        local lines, two = {}, case[2]:match "^[^=]*,"
        for line in output({ "usage", "--csv", table.unpack(case[1]) }):gmatch "([^\r]+)\r\n" do
          local cells = {}
          for cell in (line .. ","):gsub('"[^"]*"', "models"):gmatch "([^,]*)," do
            cells[#cells + 1] = cell
          end
          local cost = cells[#cells]
          lines[#lines + 1] = (two and cells[1] .. "," .. cells[2] or cells[1]) .. "=" .. cost
        end
        table.remove(lines, 1)
        assert.equal(case[2], table.concat(lines, " "))
      end)
    end

    it("tells when a session was last active", function()
      local said = json.decode(output { "usage", "session", "--json" }).sessions
      assert.same({ "s2", "2020-11-23" }, { said[1].sessionId, said[1].lastActivity })
      assert.same({ "s1", 1.75, 2 }, { said[2].sessionId, said[2].totalCost, said[2].requests })
    end)

    for _, case in ipairs {
      { { "usage", "yearly" }, 2, "usage: yearly: expected one of daily, weekly, monthly" },
      { { "usage" }, 2, "usage: expected daily|" },
      { { "usage", "daily", "--since", "soon" }, 2, "soon: expected 7d, 24h, 2026-11-28" },
      { { "usage", "daily", "--since", "2026-13-01" }, 2, "2026-13-01: expected 7d, 24h" },
      { { "usage", "daily", "--since", "20261399" }, 2, "20261399: expected 7d, 24h" },
      { { "usage", "daily", "--until", "2026-02-31" }, 2, "2026-02-31: expected 7d, 24h" },
      { { "usage", "daily", "--since", "2026-02-28T24:00" }, 2, "T24:00: expected 7d, 24h" },
      { { "usage", "daily", "--tz", "Moon/Base" }, 2, "Moon/Base: no time zone of this machine" },
      { { "usage", "daily", "--by", "mood" }, 2, 'by: Input should be columns' },
      { { "usage", "daily", "--limit", "few" }, 2, "usage: --limit: expected a number" },
      { { "query", "mood=good" }, 2, "mood: no filter of /logs/query" },
      { { "query", "opus" }, 2, "opus: expected NAME=VALUE" },
      { { "query", "--since", "soon" }, 2, "soon: expected 7d, 24h" },
      { { "query", "--limit", "0" }, 2, "limit: Input should be greater than or equal to 1" },
      { { "query", "--csv", "--fields", "*" }, 2, "query: --csv takes the names of --fields" },
      { { "tail", "mood=good" }, 2, "mood: no filter of /logs/stream" },
      { { "tail", "--json", "status_code=x" }, 2, "status_code" },
      { { "tail", "--last", "few" }, 2, "tail: --last: expected a number" },
      { { "tail", "--last", "1000000" }, 2, "limit: Input should be less than" },
      { { "alerts", "tset" }, 2, "alerts: expected nothing, or test NAME" },
      { { "backup", "one", "two" }, 2, "two: one folder at a time" },
      { { "restore", "one", "two" }, 2, "two: one folder at a time" },
      { { "collect", "--every", "0" }, 2, "collect: --every: expected seconds" },
      { { "demo", "/tmp/none/none.db", "--days", "0" }, 2, "demo: --days and --requests are" },
    } do
      it("refuses " .. table.concat(case[1], " "), function()
        local result = run(case[1])
        assert.equal(case[2], result.code)
        assert.truthy(result.stderr:find(case[3], 1, true), result.stderr)
      end)
    end
  end)

  describe("without a server", function()
    it("reads the file, gives the same answers and writes nothing", function()
      local folder <close> = helpers.folder()
      local database = folder.path .. "/m.db"
      os.execute(("cp %s %s"):format(s.database, database))
      os.execute(("cp %s-wal %s-wal 2>/dev/null"):format(s.database, database))
      local before = helpers.read_file(database)
      for _, words in ipairs { { "usage", "daily" }, { "usage", "session", "--json" },
          { "query", "--csv" }, { "query", "model=opus", "--json" } } do
        local asked = { "--database", database }
        assert.equal(output(words),
          output(table.move(words, 1, #words, 3, asked), "127.0.0.1:1"))
      end
      assert.is_true(before == helpers.read_file(database))
      assert.is_nil(helpers.read_file(database .. "-lock"))
      assert.equal(2, run({ "--database", database, "query", "mood=good" }, "127.0.0.1:1").code)
      assert.equal(2, run({ "--database", database, "query", "--limit", "0" }, "127.0.0.1:1").code)
    end)

    it("says what there is to do where there is no file, or one of another schema", function()
      local folder <close> = helpers.folder()
      local none = run({ "--database", folder.path .. "/none.db", "usage", "daily" }, "127.0.0.1:1")
      assert.same({ 1, ("moonledger: 127.0.0.1:1: connection refused, and there is no "
        .. "%s/none.db: start the server, or name it by --url\n"):format(folder.path) },
        { none.code, none.stderr })
      os.execute(("cp -R lua %s && cp %s %s/m.db"):format(folder.path, s.database, folder.path))
      local schema = helpers.read_file(folder.path .. "/lua/schema.lua")
      helpers.write_file(folder.path .. "/lua/schema.lua", (schema:gsub('  { "user", ',
        '  { "mood", "string", dimension = true },\n%0', 1)))
      helpers.write_file(folder.path .. "/config.lua", "return { listen = { port = 1 } }")
      local other = server.run { "--config", folder.path .. "/config.lua", "--database",
        folder.path .. "/m.db", "usage", "daily" }
      assert.equal(1, other.code)
      assert.truthy(other.stderr:find("start the server on it once", 1, true), other.stderr)
    end)
  end)

  it("of a user's own reads rows as routes do, and writes none", function()
    os.execute("mkdir -p " .. settings.path .. "/lua/commands")
    helpers.write_file(settings.path .. "/lua/commands/count.lua", [[
      local storage = require "storage"
      return { summary = "Counts.", run = function()
        print(storage.count { where = { { "model", "=", "opus" } } }, storage.get("a").user,
          storage.sql("SELECT count(*) AS n FROM rows")[1].n, pcall(storage.reset))
      end }]])
    assert.matches("^2%s+ada%s+4%s+false%s+a command reads the file", output { "count" })
  end)

  it("for query prints lines, oldest first, and no control characters of a record", function()
    s:ingest { { request_id = "e", timestamp = NOON + 13 * DAY, model = "evil\27[2Jmodel",
      status_code = 200, duration_ms = 80, cost_usd = 0.004 } }
    local lines = {}
    for line in output({ "query", "--limit", "2" }):gmatch "[^\n]+" do
      lines[#lines + 1] = line
    end
    assert.same({
      "2020-12-02 12:00:00  200  unheard-of                            -           -  5 in, 0 out",
      "2020-12-03 12:00:00  200  evil?[2Jmodel                     80 ms     $0.0040  0 in, 0 out",
    }, lines)
  end)

  it("cuts texts on a terminal alone, between characters", function()
    local long = ("ä"):rep(100)
    s:ingest { { request_id = "long", timestamp = NOON - DAY, model = long, user = long,
      error_type = long } }
    local cut = ("ä"):rep(40) .. "…"
    for _, words in ipairs { { "usage", "daily", "--until", "2020-11-20" }, { "usage", "user" },
        { "query", "model=" .. long } } do
      local said = output(words)
      assert.truthy(said:find(cut, 1, true), said)
      assert.is_nil(said:find(cut:gsub("…", "ä"), 1, true), said)
      for _, as in ipairs { "--json", "--csv" } do
        local whole = table.move(words, 1, #words, 1, {})
        assert.truthy(output(table.move({ as }, 1, 1, #whole + 1, whole)):find(long, 1, true))
      end
    end
  end)

  it("for alerts says where rules are written when there are none", function()
    assert.equal("no rules: they stand in config.lua under alerts, as lua/alerting/README.md has "
      .. "them\n", output { "alerts" })
  end)

  it("for tail shows what comes, filtered, and goes on after the server has restarted", function()
    local folder <close> = helpers.folder()
    local here <close> = server.start { database = folder.path .. "/m.db" }
    here:ingest { { request_id = "old", model = "moon-old" }, { request_id = "x", model = "sun" } }
    local out = helpers.folder()
    local tail = Process.start({ "TZ=UTC", BINARY, "--config", settings.path .. "/config.lua",
      "tail", "--url", here.url, "model=moon" }, out.path)
    local function shows(text)
      helpers.eventually(function()
        assert(not tail:has_ended(), tail:stderr())
        return tail:stdout():find(text)
      end)
    end
    helpers.eventually(function()
      assert(not tail:has_ended(), tail:stderr())
      return here:get("/logs/system").json().stream.subscribers == 1
    end)
    here:ingest { { request_id = "1", model = "moon", duration_ms = 10, user = "ada" },
      { request_id = "2", model = "sun" } }
    shows "moon +10 ms "
    local port = here.port
    here:stop()
    local again <close> = server.start { database = folder.path .. "/m.db",
      listen = "127.0.0.1:" .. port }
    again:ingest { { request_id = "3", model = "moon", duration_ms = 20, user = "ada" } }
    shows "moon +20 ms "
    again:stop()
    local other <close> = server.start { listen = "127.0.0.1:" .. port }
    helpers.eventually(function() return tail:stderr():find "another database than before" end)
    tail:signal "TERM"
    tail:wait(helpers.SECONDS)
    assert.is_nil(tail:stdout():find("sun", 1, true))
    assert.equal(2, select(2, tail:stdout():gsub("\n", "")))
    other:stop()
    helpers.remove_folder(out.path)
  end)

  it("for health has an exit code", function()
    local well = run { "health" }
    assert.same({ 0, s.url .. ": pass, version 0.1.0\n" }, { well.code, well.stdout })
    assert.same({ 0, "" }, (function(r) return { r.code, r.stdout } end)(run { "health",
      "--quiet" }))
    local gone = run({ "health" }, "127.0.0.1:1")
    assert.same({ 1, "moonledger: 127.0.0.1:1: connection refused\n" },
      { gone.code, gone.stderr })
  end)

  describe("for a status line", function()
    it("tells model, costs and context", function()
      local now = socket.gettime()
      s:ingest { { request_id = "now", timestamp = now, session_client_id = "s3", cost_usd = 0.5 } }
      local said = statusline(json.encode {
        session_id = "s1", model = { id = "claude-opus-4", display_name = "Opus" },
        cost = { total_cost_usd = 9 },
        context_window = { context_window_size = 200000, current_usage = { input_tokens = 5000,
          cache_read_input_tokens = 40000, cache_creation_input_tokens = 300 } },
      })
      local pattern = "^Opus | %$1%.75 session · %$%d[%d,.]* today | 45%.3k context %(23%%%) |"
      assert.matches(pattern, said)
      helpers.eventually(function()
        return statusline("{}"):find("today | all $0.50 of $20.00\n", 1, true)
      end)
    end)

    it("goes by what it is told where the ledger knows nothing", function()
      local input = [[{ "session_id": "new", "model": { "id": "m" },
        "cost": { "total_cost_usd": 9 }, "context_window": { "used_percentage": 12 } }]]
      local known = "m | $9.00 session · $0.50 today | context 12%"
      assert.equal(known .. " | all $0.50 of $20.00\n", statusline(input))
      assert.equal(known .. "\n", statusline(input, "127.0.0.1:1")) -- budgets are the server's
      local alone = settings.path .. "/none.db"
      local r = server.run({ "--config", settings.path .. "/config.lua", "--database", alone,
        "--listen", "127.0.0.1:1", "statusline" }, {})
      assert.same({ 0, "no ledger at http://127.0.0.1:1\n", "" }, { r.code, r.stdout, r.stderr })
    end)

    it("is there in at most five times the time of curl", function()
      local line = ("%s --config %s/config.lua --database %s --listen %s statusline </dev/null")
        :format(helpers.quote(BINARY), settings.path, s.database, s.url:match "//(.*)")
      local ask = "curl -s " .. s.url .. "/health/live"
      local function once(command)
        local before = socket.gettime()
        os.execute(command .. " >/dev/null")
        return socket.gettime() - before
      end
      local ours, curl = math.huge, math.huge
      for _ = 1, 15 do
        ours, curl = math.min(ours, once(line)), math.min(curl, once(ask))
      end
      assert.is_true(ours <= 5 * curl, ("%.1f ms, curl %.1f ms"):format(ours * 1e3, curl * 1e3))
    end)
  end)

  it("for a demo fills a database and serves it", function()
    local folder <close> = helpers.folder()
    local path = folder.path .. "/demo.db"
    helpers.write_file(folder.path .. "/config.lua", "return { listen = { port = 1 } }")
    local process = Process.start({ BINARY, "--config", folder.path .. "/config.lua", "demo", path,
      "--requests", "500", "--days", "3", "--listen", "127.0.0.1:0" }, folder.path)
    local url = helpers.eventually(function()
      assert(not process:has_ended(), process:stderr())
      return process:stdout():match "listening on (http://%S+)\n"
    end)
    local said = json.decode(output { "usage", "model", "--json", "--url", url })
    process:signal "TERM"
    assert.equal(0, process:wait(helpers.SECONDS))
    assert.equal(500, said.totals.requests)
    assert.is_true(said.totals.totalCost > 0 and #said.models >= 5)
  end)

  it("leaves out what is of a day to come, and goes on", function()
    local function ask(...)
      return json.decode(output { "usage", "--json", ... }).totals.totalCost
    end
    local spent = ask("daily", "--since", "7d")
    local today = statusline "{}"
    s:ingest { { request_id = "late", timestamp = 4102444800, model = "gpt-4o", cost_usd = 7 } }
    assert.equal(spent, ask("daily", "--since", "7d"))
    assert.equal(7, ask("monthly", "--since", "7d", "--until", "2100-01-31") - spent)
    assert.equal(today, statusline "{}")
    local now = os.time()
    local said = s:get("/logs/breakdown?by=model&every=hour&start_time=" .. now - DAY)
    assert.equal(200, said.status)
    local body = said.json()
    assert.is_true(body.window.end_time >= now and body.window.end_time < now + DAY)
    assert.equal(spent, body.totals.total_cost_usd)
  end)

  it("shows what senders wrote, and does not do it", function()
    local evil = "\27]0;t\a\27[2J\u{9b}2J\u{202e}\r=m"
    s:ingest { { request_id = "evil", timestamp = NOON, model = evil, user = "\u{3000}=1+1" },
      { request_id = "two", timestamp = NOON, model = "two\nlines", user = "two\nlines" } }
    for _, words in ipairs { { "usage", "model" }, { "usage", "user" }, { "query" },
      { "usage", "model", "--csv" }, { "query", "--csv" } } do
      local shown = output(words):gsub("\r\n", "")
      assert.is_nil(shown:find "[\27\7\r]", words[2])
      assert.is_nil(shown:find("\u{9b}", 1, true) or shown:find("\u{202e}", 1, true))
    end
    assert.matches("?]0;t??[2J?2J??=m", output { "usage", "model" }, 1, true)
    assert.matches("\n'\u{3000}=1+1,", output { "usage", "user", "--csv" }, 1, true)
    for _, words in ipairs { { "daily" }, { "user" }, { "daily", "--by", "user" } } do
      assert.matches("│ two?lines", output { "usage", table.unpack(words) }, 1, true)
    end
  end)
end)
