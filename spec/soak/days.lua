--- Sixty days of load of all kinds, which pass in $SOAK_MINUTES: days are sealed, parts joined and
--- deleted, ids forgotten.  The first quarter warms up; then memory, descriptors and latency of the
--- last sixth are held against those of the first:
---   ./run soak MINUTES
local Load = require "spec.soak.load"
local Samples = require "spec.soak.samples"
local helpers = require "spec.helpers"
local machine = require "spec.bench.machine"
local socket = require "socket"

local MINUTES = tonumber(os.getenv "SOAK_MINUTES") or 60
local SECONDS, DAYS, DAY = MINUTES * 60, 60, 86400
local RATE = DAYS * DAY // SECONDS

-- Rows go before the first window begins, so that as many go as come.
local CONFIG = [[
config.features.reload_enabled = true
table.insert(config.routes, { "GET", "/chaos", "routes.chaos" })
config.limits.out_bytes = 8388608
config.storage.hot_days = 2
config.storage.dedupe_hours = 1
config.storage.backup_folder = %q
config.storage.retention = { rows = "10d", minute = "2d", hour = "5d", day = "10d" }
]]

-- Medians of an hour's ratios differ by a tenth on a busy machine.
local MOST = { resident = 1.05, latency = 1.25 }

describe("a server on which sixty days pass", function()
  local folder, s, probe, load, early, late

  local function start()
    local since = os.time()
    s = machine.ours {
      wrap = machine.pin "0-1",
      database = folder .. "/soak.db", config = CONFIG:format(folder .. "/backups"),
      env = { FAST_DAYS = ("%d %d"):format(since, RATE) },
      files = { ["lua/routes/chaos.lua"] = "return { summary = 'n', handle = function() end }" },
    }
    probe = machine.start({ "build/limit_http" }, { core = "0-1" })
    return Load.new(s, folder, function()
      return since + (socket.gettime() - since) * RATE
    end)
  end

  --- Load until so many seconds after the beginning; what is measured meanwhile.
  local function go_on(until_second, samples)
    while load:seconds() < until_second do
      load:turn()
      samples:take(s, probe)
    end
    return samples
  end

  setup(function()
    folder = helpers.temporary_folder()
    load = start()
    go_on(SECONDS / 4, Samples.new())
    local descriptors = load:descriptors_at_rest()
    early = go_on(SECONDS * 5 / 12, Samples.new())
    early.descriptors = descriptors
    go_on(SECONDS * 5 / 6, Samples.new())
    late = go_on(SECONDS, Samples.new())
    late.descriptors = load:descriptors_at_rest()
    print(load:summary())
    print("first", early:summary())
    print("last", late:summary())
  end)
  teardown(function()
    s:stop()
    probe:stop()
    helpers.remove_folder(folder)
  end)

  it("takes no more memory in the end", function()
    local ratio = late:mean_kib() / early:mean_kib()
    assert.is_true(ratio <= MOST.resident, ratio)
  end)

  it("has as many descriptors", function()
    assert.equal(early.descriptors, late.descriptors)
  end)

  it("is as fast beside a bare server", function()
    for name, ratio in pairs(late:medians()) do
      local before = early:medians()[name]
      assert.is_true(ratio <= MOST.latency * before, name .. ": " .. ratio .. ", was " .. before)
    end
  end)

  it("has counted every record of the days that are kept", function()
    local sent, told = load:days()
    assert.is_true(#sent >= 7)
    assert.same(sent, told)
  end)

  it("has sealed its days, and forgotten the oldest", function()
    assert.is_true(load:count "a day is sealed" >= DAYS // 2)
    assert.is_true(load:count "msg=retention" >= math.min(DAYS, SECONDS // 10) // 2)
    assert.same({}, load:complaints())
  end)
end)
