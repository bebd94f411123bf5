--- The rules of lua/alerts: each fires on records that deserve it, is told, and is over in time.
local json = require "spec.helpers.json"
local receiver = require "spec.helpers.receiver"
local server = require "spec.helpers.server"

local eventually = server.eventually

local HOUR = 3600

-- As shipped, but looked at every second, and without their patience; any disk is soon full.
local CONFIG = [[
  config.outside = { allow = { %q } }
  config.notify = { hook = { "webhook", url = "http://%s/hook/notice" } }
  config.alerts = {}
  for _, name in ipairs { "cost_per_hour", "error_ratio", "latency", "overloaded", "cache_fell",
      "silent_sender", "disk_full" } do
    table.insert(config.alerts, { "alerts." .. name, every = "1s", ["for"] = "1s",
      keep_firing_for = "1s" })
  end
  local disk = config.alerts[#config.alerts]
  disk.warning, disk.critical = 1e15, 1e14
]]

describe("the shipped alerts", function()
  local told, s

  lazy_setup(function()
    told = receiver.start()
    s = server.start { config = CONFIG:format(told.host, told.host) }
  end)
  lazy_teardown(function()
    s:stop()
    told:stop()
  end)

  -- So many records of now, or of hours ago.
  local function send(count, record, hours_ago)
    local records = {}
    for i = 1, count do
      records[i] = { timestamp = os.time() - (hours_ago or 0) * HOUR, status_code = 200,
        duration_ms = 10, cost_usd = 0, service_type = "agent" }
      for name, value in pairs(record) do
        records[i][name] = value
      end
    end
    s:ingest(records)
  end

  -- "error_ratio critical bad", of those that were told to be so, sorted.
  local function told_of(status)
    local lines = {}
    for _, post in ipairs(told:delivered()) do
      local notice = json.decode(post.body)
      if notice.status == status then
        lines[#lines + 1] = ("%s %s %s"):format(notice.name, notice.severity,
          notice.group.model or notice.group.service_type or "-")
      end
    end
    table.sort(lines)
    return lines
  end

  local function wait_for(status, expected)
    pcall(eventually, function() return #told_of(status) >= #expected end)
    assert.same(expected, told_of(status))
  end

  local ALL = { "cache_fell critical -", "cost_per_hour warning -", "disk_full critical -",
    "error_ratio critical bad", "latency warning slow", "overloaded warning bad",
    "silent_sender warning proxy" }

  it("fire", function()
    send(1, { service_type = "proxy", model = "m", tokens_input = 100000,
      cache_read_tokens = 900000 }, 20)
    send(20, { model = "slow", duration_ms = 100000, cost_usd = 1, tokens_input = 10000 })
    send(11, { model = "bad", status_code = 429 })
    send(11, { model = "bad", status_code = 529 })
    wait_for("firing", ALL)
  end)

  it("are over when what they tell of is", function()
    send(500, { model = "slow" })
    send(600, { model = "bad" })
    send(1, { model = "m", tokens_input = 1000, cache_read_tokens = 9000000 })
    send(1, { service_type = "proxy" })
    wait_for("resolved", { ALL[1], ALL[4], ALL[5], ALL[7] })
    s:post "/logs/reset"
    wait_for("resolved", ALL)
    assert.same(ALL, told_of "firing")
  end)
end)
