--- Days that have closed are Parquet files, and nobody who asks can tell.
local cold_server = require "spec.helpers.cold"
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local server = require "spec.helpers.server"

local sql = cold_server.sql
local DAY = 86400
local FIRST = os.time() // DAY * DAY - 10 * DAY -- the first of three days that closed long ago
local DAYS, ROWS = 3, 500

--- One of the rows of a day; its time is not in the order in which rows come.
local function record(day, i)
  local failed = i % 11 == 0
  return {
    request_id = ("r%d-%d"):format(day, i),
    timestamp = FIRST + day * DAY + (i * 7919) % 86399 + i % 8 / 8,
    model = ({ "gpt-4o", "claude", "gemini-é", "" })[i % 4 + 1],
    service_type = i % 3 == 0 and "sdk" or "proxy",
    endpoint = "/v1/" .. i % 5, path = "/v1/" .. i % 5 .. "/x" .. i % 50, method = "POST",
    client_ip = ("10.0.%d.%d"):format(i % 20, i % 250),
    status_code = failed and 500 or 200, type = failed and "request_error" or nil,
    error_type = failed and "timeout" or nil,
    error_message = failed and "it took too long: " .. i % 3 or nil,
    duration_ms = i % 10 ~= 0 and i % 977 + 0.5 or nil, streaming = i % 2 == 0,
    tokens_input = i % 1000, tokens_output = i % 300, cache_read_tokens = i % 7,
    cost_usd = i % 6 ~= 0 and i % 313 / 1000 or nil, cost_source = i % 6 == 1 and "reported" or nil,
    session_client_id = "s" .. i % 40, user = "u" .. i % 9, team = i % 2 == 0 and "red" or nil,
    time_to_first_token_ms = i % 5 == 0 and i % 90 or nil,
    note = i % 4 == 0 and { i, "ü" } or nil,
  }
end

local function send(s, from, to, only)
  for day = only or 0, only or DAYS - 1 do
    for first = from, to, 1000 do
      local list = {}
      for i = first, math.min(first + 999, to) do
        list[#list + 1] = record(day, i)
      end
      s:ingest(list)
    end
  end
end

--- Until nothing of closed days is on its way; answers how many parts there are.
local function sealed(s, least, late)
  local parts
  helpers.eventually(function()
    local state = sql(s, [[SELECT count(*) AS parts, coalesce(sum(state <> 1 OR taken_time <
      9223372036854775807), 0) AS open FROM parts]])[1]
    local hot = sql(s, ("SELECT count(*) AS n FROM main.rows WHERE timestamp < %d"):format(
      (FIRST + DAYS * DAY) * 1000000))[1].n
    parts = state.parts
    return parts >= least and state.open == 0 and hot <= late
  end)
  return parts
end

local WINDOW = ("start_time=%d&end_time=%d"):format(FIRST + 5000, FIRST + 3 * DAY - 7000)

local FILTERS = {
  "", "&model=claude", "&service_type=sdk&min_duration=500", "&client_ip=10.0.7.7", "&user=u3",
  "&status_code=500", "&path=/v1/3/x3&min_cost=0.1", "&cost_source=unknown",
}

local function targets()
  local list = {
    "/logs/sessions?" .. WINDOW, "/logs/overview?" .. WINDOW, "/logs/errors?" .. WINDOW,
    "/logs/values?field=client_ip&" .. WINDOW, "/logs/values?field=error_type&" .. WINDOW,
    "/logs/entries/r1-17", "/logs/entries/r0-500", "/logs/entries/r2-1", "/logs/entries/none",
    "/logs/entries?limit=40&offset=700&" .. WINDOW, "/logs/export?format=csv&" .. WINDOW,
    "/logs/export?format=ndjson&start_time=" .. FIRST,
    "/logs/breakdown?by=status_code&every=day&" .. WINDOW,
    "/logs/breakdown?by=user,team&" .. WINDOW,
    "/logs/analytics?start_time=" .. FIRST + DAY + 61,
  }
  for _, filter in ipairs(FILTERS) do
    for _, head in ipairs {
      "/logs/query?limit=30&", "/logs/entries?limit=20&", "/logs/analytics?",
      "/logs/breakdown?by=endpoint&", "/logs/export?format=ndjson&",
    } do
      list[#list + 1] = head .. WINDOW .. filter
    end
  end
  for _, column in ipairs {
    "timestamp", "cost_usd", "duration_ms", "tokens_input", "model", "status_code", "client_ip",
  } do
    for _, down in ipairs { "true", "false" } do
      list[#list + 1] = ("/logs/entries?limit=40&offset=3&order_by=%s&order_desc=%s&%s"):format(
        column, down, WINDOW)
    end
  end
  return list
end

local STATEMENTS = {
  "SELECT * FROM rows ORDER BY rowid LIMIT 90",
  "SELECT rowid AS row, request_id, extra, typeof(told) AS told FROM rows WHERE rowid % 97 = 0 " ..
    "ORDER BY row DESC",
  "SELECT count(*) AS n, sum(tokens_input) AS tokens, max(timestamp) AS last, " ..
    "min(rowid) AS first FROM rows",
  ("SELECT model, count(*) AS n FROM rows WHERE timestamp >= %d AND timestamp < %d " ..
    "GROUP BY model ORDER BY model"):format((FIRST + 4000) * 1000000, (FIRST + 2 * DAY) * 1000000),
  "SELECT request_id FROM rows WHERE rowid = 1321",
  "SELECT a.request_id FROM rows AS a JOIN rows AS b ON b.rowid = a.rowid + 1 " ..
    "WHERE a.client_ip = b.client_ip OR a.rowid = 77 ORDER BY 1",
}

-- When it was made, how long that took, and what the machine does differ.
local function shape(response)
  if not (response.headers["content-type"] or ""):find "^application/json" then
    return response.body
  end
  local value = response.json()
  value.timestamp, value.query_time = nil, nil
  return value
end

--- Every row by pages of a cursor, both ways.
local function pages(s)
  local ids = {}
  local after
  repeat
    local page = s:get("/logs/query?limit=177&" .. WINDOW .. (after and "&cursor=" .. after or ""))
      .json()
    for _, row in ipairs(page.results) do
      ids[#ids + 1] = row.request_id
    end
    after = page.next_cursor ~= json.null and page.next_cursor or nil
  until not after
  return ids
end

local function answers(s)
  local found = { pages = pages(s) }
  for _, target in ipairs(targets()) do
    local response = s:get(target)
    found[target] = { response.status, shape(response) }
  end
  for _, statement in ipairs(STATEMENTS) do
    found[statement] = sql(s, statement)
  end
  return found
end

local function compare(expected, found)
  for question, answer in pairs(expected) do
    assert.same(answer, found[question], question)
  end
end

describe("days that have closed", function()
  local folder, hot, cold
  local copied -- what the backup must answer

  local function start(name, hot_days)
    return cold_server.start(folder.path .. "/" .. name .. ".db", hot_days)
  end

  setup(function()
    folder = helpers.folder()
    hot = start("hot", 0)
    cold = start("cold", 2)
    for _, s in ipairs { hot, cold } do
      send(s, 1, ROWS)
    end
  end)
  teardown(function()
    hot:stop()
    cold:stop()
    helpers.remove_folder(folder.path)
  end)

  local function run(name, ...)
    local result = server.run { "--config", "config.lua", "--database",
      folder.path .. "/" .. name .. ".db", ... }
    assert.equal(0, result.code, result.stderr)
    return result.stdout
  end

  local function parts()
    return helpers.lines_of("cd " .. folder.path .. "/cold.cold && find . -type f | sort")
  end

  it("answer as before", function()
    assert.equal(DAYS, sealed(cold, DAYS, 0))
    copied = answers(hot)
    compare(copied, answers(cold))
    run("cold", "backup", folder.path .. "/copy")
  end)

  it("answer as before with late and merged rows, and when these are in parts", function()
    for _, s in ipairs { hot, cold } do
      send(s, ROWS + 1, ROWS + 20)
      local changed = {}
      for i = 1, 60 do
        changed[i] = record(i % DAYS, i * 3)
        changed[i].tokens_output = 5000 + i
        changed[i].cost_usd, changed[i].cost_source = i / 7, "reported"
        changed[i].remark = "later"
      end
      local result = s:ingest(changed)
      assert.same({ 0, 60 }, { result.accepted, result.merged })
    end
    compare(answers(hot), answers(cold))
    for _, s in ipairs { hot, cold } do
      send(s, ROWS + 21, ROWS + 4200, 1)
    end
    assert.equal(DAYS + 1, sealed(cold, DAYS + 1, 100))
    compare(answers(hot), answers(cold))
  end)

  it("answer commands without a server, and after a restart", function()
    hot:stop()
    cold:stop()
    for _, words in ipairs {
      { "usage", "daily", "--by", "model", "--json" },
      { "query", "--limit", "200", "--json", "model=claude" },
    } do
      local expected = run("hot", table.unpack(words))
      assert.is_true(#expected > 300, expected)
      assert.equal(expected, run("cold", table.unpack(words)))
    end
    hot = start("hot", 0)
    cold = start("cold", 0)
    compare(answers(hot), answers(cold))
  end)

  it("are missed by health and doctor while a file is away", function()
    local file = folder.path .. "/cold.cold/" .. parts()[1]:sub(3)
    local away = folder.path .. "/away"
    local function ask(word)
      local result = server.run { "--config", "config.lua", "--database", folder.path .. "/cold.db",
        "--listen", cold.url:match "//(.*)", word }
      return result.code, result.stdout .. result.stderr
    end
    cold:stop()
    assert(os.rename(file, away))
    cold = start("cold", 2)
    local health = cold:get "/health"
    assert.same({ 200, "warn" }, { health.status, health.json().status })
    assert.truthy(health.json().output:find(file .. " is not there", 1, true), health.body)
    assert.equal(200, cold:get("/health/ready").status)
    local code, said = ask "health"
    assert.equal(1, code)
    assert.truthy(said:find(file, 1, true), said)
    code, said = ask "doctor"
    assert.equal(1, code)
    assert.truthy(said:find("WRONG  server +http[^\n]*is not there"), said)
    assert.equal(503, cold:get("/logs/query?end_time=" .. FIRST + DAY).status)
    assert(os.rename(away, file))
    assert.equal("pass", cold:get("/health").json().status)
    compare(answers(hot), answers(cold))
  end)

  it("come back from a backup beside newer parts, which stay", function()
    cold:stop()
    local newer = parts()
    os.execute("rm " .. folder.path .. "/cold.db*")
    run("cold", "restore", folder.path .. "/copy")
    cold = start("cold", 2)
    compare(copied, answers(cold))
    local there = {}
    for _, file in ipairs(parts()) do
      there[file] = true
    end
    for _, file in ipairs(newer) do
      assert.is_true(there[file], file)
    end
    assert.truthy(cold:log():find "is no part of this database, and is left as it is")
  end)

  it("of two databases may share a folder, and each resets its own", function()
    local strangers = parts()
    local other <close> = cold_server.start(folder.path .. "/cold", 2)
    send(other, 1, 40)
    sealed(other, DAYS, 0)
    assert.equal(#strangers + DAYS, #parts())
    compare(copied, answers(cold))
    assert.equal(200, other:post("/logs/reset").status)
    helpers.eventually(function() return #parts() == #strangers end)
    assert.same(strangers, parts())
    compare(copied, answers(cold))
    other:stop()
  end)

  it("are gone after a reset, files and all", function()
    local live = {}
    for _, row in ipairs(sql(cold, "SELECT file FROM parts")) do
      live["./" .. row.file] = true
    end
    assert.equal(200, cold:post("/logs/reset").status)
    assert.equal(0, #cold:get("/logs/query?start_time=0").json().results)
    helpers.eventually(function()
      return sql(cold, "SELECT count(*) AS n FROM parts")[1].n == 0
    end)
    for _, file in ipairs(parts()) do
      assert.falsy(live[file], file)
    end
    assert.equal(1, cold:ingest({ { request_id = "new" } }).accepted)
  end)
end)
