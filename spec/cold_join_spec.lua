--- Parts of a day that are joined, and parts made anew when much of them has changed: nobody who
--- asks can tell, also where the server is killed inside.
local cold_server = require "spec.helpers.cold"
local helpers = require "spec.helpers"
local socket = require "socket"

local sql = cold_server.sql
local DAY, LATE = 86400, 4096
local FIRST = os.time() // DAY * DAY - 10 * DAY
local ROWS, KILLS = 1600, 14

local TARGETS = {
  "/logs/breakdown?by=model,status_code&start_time=0",
  "/logs/entries?limit=100&order_by=cost_usd&start_time=0", "/logs/entries/j0-17",
  "/logs/query?limit=100&model=m2&start_time=0",
}

local STATEMENTS = {
  [[SELECT count(*) AS n, count(DISTINCT rowid) AS rows, count(DISTINCT request_id) AS ids,
    sum(tokens_input) AS tokens, sum(length(extra)) AS extra FROM rows]],
  [[SELECT rowid AS row, request_id, timestamp, cost_usd, session_client_id, extra FROM rows
    WHERE tokens_input <= 1600 AND rowid % 3 = 0 ORDER BY row]],
}

local function line(day, i)
  return ([[{"request_id":"j%d-%d","timestamp":%d,"model":"m%d","tokens_input":%d,"note":"ü%d"}]])
    :format(day, i, FIRST + day * DAY + i * 7919 % 86399, i % 3, i, i % 9)
end

local function rows(day, first, last)
  local list = {}
  for i = first, last do
    list[#list + 1] = line(day, i)
  end
  return list
end

--- The same rows at another price, as reprice tells it, and with more.
local function changed(day, first, last)
  local list = {}
  for i = first, last do
    list[#list + 1] = line(day, i):gsub("}$",
      (',"cost_usd":%d.25,"cost_source":"reported","session_client_id":"s"}'):format(i % 40))
  end
  return list
end

local function answers(s)
  local found = {}
  for _, target in ipairs(TARGETS) do
    local body = s:get(target).body
    found[target] = body:gsub(',"timestamp":[%d.]+}$', "}"):gsub('"query_time":[%d.]+', "")
  end
  for _, statement in ipairs(STATEMENTS) do
    found[statement] = s:post("/sql", statement).body
  end
  return found
end

--- Long texts: only what differs first is shown.
local function compare(expected, found, told)
  for target, answer in pairs(found) do
    local own, at = expected[target], 1
    while at <= #own and own:byte(at) == answer:byte(at) do
      at = at + 1
    end
    assert.equal(own:sub(at, at + 200), answer:sub(at, at + 200), target .. " " .. told)
  end
end

--- Until nothing is on its way, and no day has parts to be joined or to be made anew.
local function settled(s)
  helpers.eventually(function()
    local open = sql(s, [[SELECT count(*) AS n FROM parts
      WHERE state <> 1 OR taken_time < 9223372036854775807]])[1].n
    local many = sql(s, [[SELECT count(*) AS n FROM (SELECT day FROM parts
      LEFT JOIN (SELECT part, count(*) AS void FROM part_masks GROUP BY part) USING (part)
      GROUP BY day HAVING count(*) >= 4 OR coalesce(sum(void), 0) * 8 >= sum(rows))]])[1].n
    local late = sql(s, ([[SELECT count(*) AS n FROM (SELECT 1 FROM main.rows
      GROUP BY timestamp / 86400000000 HAVING count(*) >= %d)]]):format(LATE))[1].n
    return open == 0 and many == 0 and late == 0
  end)
end

local function files(path)
  return helpers.lines_of(("find %s -type f -printf '%%P\\n' | sort"):format(path))
end

local function listed(s)
  local names = {}
  for _, row in ipairs(sql(s, "SELECT file FROM parts ORDER BY file")) do
    names[#names + 1] = row.file
  end
  return names
end

describe("parts of days that have closed", function()
  local folder, hot, s

  local function start(name, hot_days)
    return cold_server.start(folder.path .. "/" .. name .. ".db", hot_days)
  end

  local function tell(lines)
    local found = {}
    for i, to in ipairs { hot, s } do
      local result = to:post("/logs/ingest", table.concat(lines, "\n"),
        { ["content-type"] = "application/x-ndjson" }).json()
      found[i] = { result.accepted, result.merged }
    end
    assert.same(found[1], found[2])
  end

  setup(function()
    folder = helpers.folder()
    hot = start("hot", 0)
  end)
  teardown(function()
    hot:stop()
    if s then s:stop() end
    helpers.remove_folder(folder.path)
  end)

  it("begin within 10 s of a day being due", function()
    s = start("cold", 2)
    local began = socket.gettime()
    tell(rows(0, 1, ROWS))
    local due = socket.gettime()
    helpers.eventually(function() return sql(s, "SELECT count(*) AS n FROM parts")[1].n > 0 end)
    -- and so many times what telling takes, which is some 50 ms where nobody else works
    assert.is_true(socket.gettime() - due < 10 + 20 * (due - began))
  end)

  it("are joined and made anew, and killed inside, and answer as before", function()
    local seed = tonumber(os.getenv "COLD_SEED") or os.time()
    math.randomseed(seed)
    for kill = 1, KILLS do
      local day, last = kill % 2, ROWS + kill * LATE
      tell(rows(day, last - LATE + 1, last)) -- late ones, enough for another part
      local from = kill * 53 % (ROWS - 220)
      tell(changed(0, from, from + 210))
      socket.sleep(math.random() * 0.12)
      s:kill()
      s = start("cold", 2)
      socket.sleep(math.random() * 0.12)
    end
    settled(s)
    local log = s:log()
    s:stop()
    s = start("cold", 2) -- what is dropped, and was read, goes with the next start
    settled(s)
    local told = ("COLD_SEED=%d\n%s"):format(seed, log)
    -- a join may be at work on another
    pcall(helpers.eventually, function()
      return table.concat(listed(s)) == table.concat(files(folder.path .. "/cold.cold"))
    end)
    assert.same(listed(s), files(folder.path .. "/cold.cold"), told)
    compare(answers(hot), answers(s), told)
  end)

  it("of which every row has changed are replaced by a part of the new ones", function()
    local function part_of_twenty()
      local found = sql(s, "SELECT part FROM parts WHERE rows = 20 AND state = 1")
      return #found == 1 and found[1].part
    end
    tell(rows(5, 1, 20))
    local first = helpers.eventually(part_of_twenty)
    settled(s)
    tell(changed(5, 1, 20))
    helpers.eventually(function() return (part_of_twenty() or first) ~= first end)
    settled(s)
    compare(answers(hot), answers(s), "")
  end)
end)
