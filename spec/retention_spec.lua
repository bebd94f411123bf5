--- storage.retention: rows go, their figures stay, and answers say what they are of.
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local server = require "spec.helpers.server"

local DAY = 86400
local today = os.time() // DAY * DAY
local DAYS, A_DAY = 10, 30

local function fill(s)
  local records = {}
  for day = 0, DAYS - 1 do
    for i = 1, A_DAY do
      records[#records + 1] = {
        request_id = ("%d-%d"):format(day, i), timestamp = today - day * DAY + i * 61,
        model = "m" .. i % 3, user = "u" .. i % 2, tokens_input = i, cost_usd = i / 100,
        duration_ms = i, path = "/p" .. i, status_code = i % 10 == 0 and 500 or 200,
      }
    end
  end
  assert.equal(DAYS * A_DAY, s:ingest(records).accepted)
end

local function retain(s, settings)
  local path = s.root .. "/config.lua"
  local text = helpers.read_file(path)
  helpers.write_file(path,
    (text:gsub("config%.storage%.retention = %b{}", "config.storage.retention = " .. settings)))
end

local function get(s, path)
  local answer = s:get(path)
  assert.equal(200, answer.status, path .. ": " .. answer.body)
  return answer.json()
end

-- The answer counts at one moment and reads the file at another: the next one has both of after.
local function wait_for(s, condition)
  server.eventually(function()
    return condition(get(s, "/-/retention"))
  end)
  return get(s, "/-/retention")
end

-- What must stay the same when rows go.
local function figures(s)
  local analytics = get(s, "/logs/analytics?start_time=0")
  analytics.query_time = nil
  return { analytics, get(s, "/logs/breakdown?by=user&every=day"),
    get(s, "/logs/values?field=model") }
end

local function day(n)
  return os.date("!%Y-%m-%dT00:00:00Z", today - n * DAY)
end

describe("storage.retention", function()
  local s, before

  lazy_setup(function()
    s = server.start { config = "config.storage.retention = {}" }
    fill(s)
    before = figures(s)
  end)

  lazy_teardown(function()
    s:stop()
  end)

  it("keeps everything where nothing is set", function()
    local kept = get(s, "/-/retention")
    assert.same({ rows = json.null, minute = json.null, hour = json.null, day = json.null,
      max_bytes = json.null, min_free = json.null }, kept.limits)
    assert.equal(DAYS * A_DAY, kept.kept.rows.count)
    assert.same({ json.null, json.null, json.null, 0 },
      { kept.kept.rows.since, kept.next, kept.warning, kept.went.passes })
  end)

  it("takes rows by their age as soon as it is set, and no figure changes", function()
    retain(s, '{ rows = "3d" }')
    local kept = wait_for(s, function(kept)
      return kept.went.passes > 0
    end)
    assert.same({ 6 * A_DAY, 0 }, { kept.went.rows, kept.went.cells })
    assert.same({ count = 4 * A_DAY, since = day(3),
      oldest = os.date("!%Y-%m-%dT00:01:01Z", today - 3 * DAY) }, kept.kept.rows)
    assert.same({ what = "rows", at = day(-1) }, kept.next)
    assert.same(before, figures(s))
    assert.equal(4 * A_DAY, get(s, "/logs/entries").total_count)
    assert.equal(4 * A_DAY, get(s, "/logs/query").count)
    assert.truthy(s:log():find "msg=retention rows=180 cells=0 ")
    local page = s:get("/metrics").body
    assert.truthy(page:find("moonledger_store_removed_rows_total 180\n", 1, true))
    assert.truthy(page:find("moonledger_store_rows 120\n", 1, true))
  end)

  it("answers for whole cells where rows would be needed, and says so", function()
    local from, to = today - 5 * DAY + 30, today - 4 * DAY - 1
    local window = ("start_time=%d&end_time=%d"):format(from, to)
    local users = get(s, "/logs/breakdown?by=user&" .. window)
    assert.same({ false, A_DAY, today - 5 * DAY, to },
      { users.exact, users.totals.request_count, users.window.start_time // 1 | 0,
        users.window.end_time // 1 | 0 })
    local models = get(s, "/logs/values?field=model&" .. window)
    assert.same({ false, today - 5 * DAY }, { models.exact, models.window.start_time // 1 | 0 })
    local analytics = get(s, "/logs/analytics?" .. window)
    assert.same({ false, A_DAY, from }, { analytics.exact, analytics.summary.total_requests,
      analytics.query_params.start_time // 1 | 0 })
    local overview = get(s, "/logs/overview?" .. window)
    assert.same({ false, today - 5 * DAY },
      { overview.exact, overview.window.start_time // 1 | 0 })
  end)

  it("answers from the rows that are there what no rollup covers, and says since when", function()
    local paths = get(s, "/logs/values?field=path&limit=3")
    assert.same({ false, today - 3 * DAY, 4 },
      { paths.exact, paths.window.start_time // 1 | 0, paths.values[1].request_count })
    local errors = get(s, "/logs/errors")
    assert.same({ false, today - 3 * DAY, 12 },
      { errors.exact, errors.window.start_time // 1 | 0, errors.errors[1].count
        + errors.errors[2].count + (errors.errors[3] or { count = 0 }).count })
  end)

  it("merges a request whose row has gone, which changes nothing", function()
    local answer = s:ingest { { request_id = "9-1", tokens_input = 5000 } }
    assert.same({ 0, 1 }, { answer.accepted, answer.merged })
    assert.same(before, figures(s))
    assert.equal(404, s:get("/logs/entries/9-1").status)
  end)

  it("takes cells by their tier's age", function()
    retain(s, '{ rows = "3d", minute = "4d", hour = "6d", day = "8d" }')
    local kept = wait_for(s, function(kept)
      return kept.went.passes > 1
    end)
    assert.same({ day(4), day(6), day(8) },
      { kept.kept.minute.since, kept.kept.hour.since, kept.kept.day.since })
    local all = get(s, "/logs/analytics?start_time=0")
    assert.same({ 9 * A_DAY, false, today - 8 * DAY },
      { all.summary.total_requests, all.exact, all.window.start_time // 1 | 0 })
  end)

  it("shows the page's System view what is kept", function()
    local system = get(s, "/logs/system").retention
    assert.same({ 3 * DAY, day(3) }, { system.limits.rows, system.kept.rows.since })
  end)
end)

-- A file system of its own, where this user may mount one.
local function small_disk(mib)
  local folder = helpers.temporary_folder()
  local mounted = os.execute(("mount -t tmpfs -o size=%dm tmpfs %s 2>/dev/null"):format(mib,
    helpers.quote(folder)))
  return folder, mounted, setmetatable({}, { __close = function()
    os.execute(("umount %s 2>/dev/null"):format(helpers.quote(folder)))
    helpers.remove_folder(folder)
  end })
end

describe("a disk that is full", function()
  it("turns senders away only until the oldest rows have gone, and is warned of before", function()
    local folder, mounted, _ <close> = small_disk(96)
    if not mounted then
      return pending "no file system can be mounted here; store_space_test has one that is made up"
    end
    local s = server.start { database = folder .. "/m.db",
      config = "config.storage.retention = {}" }
    local text, hour = ("x"):rep(700), 0
    local function put()
      hour = hour + 1
      local records = {}
      for i = 1, 1000 do
        records[i] = { request_id = ("%d-%d"):format(hour, i), more = text,
          timestamp = os.time() - (90 - hour) * 900 } -- four to an hour, which goes as one
      end
      local lines = json.lines(records)
      server.eventually(function()
        local answer =
          s:post("/logs/ingest", lines, { ["content-type"] = "application/x-ndjson" })
        assert(answer.status == 200 or answer.status == 503, answer.body)
        return answer.status == 200
      end)
    end
    for _ = 1, 10 do
      put()
    end
    local before = get(s, "/-/retention")
    assert.truthy(before.warning:find "^The disk will be full in about %d+ days")
    assert.is_true(before.growth.full_in_days < 14)

    retain(s, ("{ min_free = %d }"):format(20 << 20))
    wait_for(s, function(kept)
      return kept.limits.min_free == 20 << 20
    end)
    for _ = 1, 70 do
      put()
    end
    local kept = wait_for(s, function(kept)
      return kept.space.disk_free_bytes >= 20 << 20
    end)
    assert.is_true(kept.went.rows > 0)
    assert.equal(hour * 1000, kept.went.rows + kept.kept.rows.count)
    assert.equal(hour * 1000,
      get(s, "/logs/analytics?start_time=0").summary.total_requests)
    assert.equal(200, s:get(("/logs/entries/%d-1000"):format(hour)).status)
    assert.equal(404, s:get("/logs/entries/1-1").status)
    s:stop()
  end)
end)

describe("a setting of storage.retention that is wrong", function()
  local FAULTS = {
    ['{ rows = "90" }'] =
      'storage.retention.rows: expected an age of at least a minute, such as "36h"',
    ['{ minute = 30 }'] = "storage.retention.minute: expected an age",
    ['{ hour = "-1d" }'] = "storage.retention.hour: expected an age",
    ["{ max_bytes = 1000 }"] =
      "storage.retention.max_bytes: expected bytes, an integer of at least",
    ['{ min_free = "1GB" }'] = "storage.retention.min_free: expected bytes",
    ['{ week = "1y" }'] = "storage.retention.week: unknown key; there are rows, minute, hour, day",
    ["true"] = "storage.retention: expected a table, got a boolean",
  }

  it("is told with what fits", function()
    local folder <close> = helpers.folder()
    local path = folder.path .. "/config.lua"
    for settings, complaint in pairs(FAULTS) do
      helpers.write_file(path, ("return { storage = { retention = %s } }"):format(settings))
      local result = server.run { "--config", path, "--check" }
      assert.equal(1, result.code)
      assert.truthy(result.stderr:find(complaint, 1, true), settings .. ": " .. result.stderr)
    end
  end)
end)
