--- A server that is killed while it seals days, at any moment.
local helpers = require "spec.helpers"
local server = require "spec.helpers.server"
local socket = require "socket"

local DAY = 86400
local DAYS, ROWS, KILLS = 12, 400, 14
local FIRST = os.time() // DAY * DAY - 40 * DAY

local function record(day, i)
  return {
    request_id = ("k%d-%d"):format(day, i), timestamp = FIRST + day * DAY + i * 211,
    model = "m" .. i % 3, tokens_input = i, cost_usd = i / 16, duration_ms = i % 90 + 1,
  }
end

local function files(path)
  return helpers.lines_of(("find %s -type f -printf '%%P\\n' | sort"):format(path))
end

describe("a server that is killed while it seals days", function()
  it("has every row once, and no file that is no part", function()
    local folder <close> = helpers.folder()
    local function start(hot_days)
      return server.start {
        database = folder.path .. "/k.db",
        config = "config.storage.hot_days = " .. hot_days,
      }
    end
    local function export(s)
      return s:get("/logs/export?format=ndjson&start_time=0").body
    end
    local s = start(0)
    for day = 0, DAYS - 1 do
      local list = {}
      for i = 1, ROWS do
        list[i] = record(day, i)
      end
      s:ingest(list)
    end
    local rows = export(s)
    local totals = s:get("/logs/analytics?start_time=0").json().summary
    s:stop()

    for kill = 1, KILLS do
      s = start(2)
      local changed = record(kill % DAYS, kill)
      assert.equal(1, s:ingest({ changed }).merged) -- it knows nothing new
      socket.sleep(kill * 0.013)
      s:kill()
    end

    s = start(2)
    helpers.eventually(function()
      local found = files(folder.path .. "/k.cold")
      return #found == DAYS and not table.concat(found, " "):find "unfinished"
        and not s:log():find "cannot be"
    end)
    assert.equal(rows, export(s))
    assert.same(totals, s:get("/logs/analytics?start_time=0").json().summary)
    for _, file in ipairs(files(folder.path .. "/k.cold")) do
      assert.truthy(file:match "^day=%d+%-%d+%-%d+/%x+%-%d+%-%x+%.parquet$", file)
    end
    s:stop()
  end)
end)
