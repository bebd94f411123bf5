local machine = require "spec.bench.machine"

local ROWS_PER_SECOND = 20000
local ID_BYTES = 24

--- Resident bytes without the ids in memory, which are meant to grow with the rows
--- until dedupe_max_ids.  An id takes 16 bytes of a table that is half to three
--- quarters full.
local function rss_without_ids(s)
  local ids = s:get("/logs/system").json().storage.ids
  return machine.rss_kib(s.pid) * 1024 - ids * ID_BYTES
end

--- Everything at once; answers a figure of each client under a name of its own.
local function run(seconds)
  local s = machine.ours { wrap = {} }
  local now_us = os.time() * 1000000
  local watched = machine.ready { "build/load_watch", "--port", s.port, "--subscribers", 500,
    "--filters", 50 }
  local ingest = machine.begin {
    "build/load_ingest", "--port", s.port, "--rate", ROWS_PER_SECOND, "--batch", 200,
    "--seconds", seconds,
    "--start-us", now_us, "--step-us", 1000000 // ROWS_PER_SECOND,
  }
  local function get(path, rate)
    return machine.begin {
      "build/load_get", "--port", s.port, "--path", path, "--rate", rate, "--seconds", seconds,
    }
  end
  local analytics, query = get("/logs/analytics?hours=168", 50), get("/logs/query?limit=100", 50)
  local metrics = get("/metrics", 1)

  local rss = {}
  for second = 1, seconds do
    os.execute "sleep 1"
    rss[second] = rss_without_ids(s)
    if second % 5 == 0 then
      s:signal "HUP"
    end
  end
  local rss_mib = machine.rss_kib(s.pid) / 1024

  local stored, a, q, m = ingest(), analytics(), query(), metrics()
  local events = watched(math.tointeger(stored.rows))
  local reloads = select(2, s:log():gsub("reload", ""))
  s:stop()
  return {
    ingest_p99_ms = stored.p99_us / 1e3, analytics_p99_ms = a.p99_us / 1e3,
    query_p99_ms = q.p99_us / 1e3, metrics_p99_ms = m.p99_us / 1e3,
    event_p99_ms = events.p99_us / 1e3,
    refused = stored.refused + a.refused + q.refused + m.refused, rows_s = stored.rows_s,
    wrong_subscribers = events.wrong_subscribers, overflows = events.overflows, reloads = reloads,
    rss_mib = rss_mib, rss_growth = rss[#rss] / rss[math.max(1, #rss // 3)],
  }
end

return {
  summary =
    "20,000 records/s in, 500 subscribers, 50 analytics and 50 queries/s, a scrape/s, a reload "
      .. "every 5 s",
  subjects = function(options)
    return {
      { name = "moonledger", run = function() return run(options.seconds * 30) end },
      { name = "limit_metrics", run = machine.pace },
    }
  end,
  targets = {
    { metric = "ingest_p99_ms", against = "limit_metrics", than = "ms", at_most = 1.7 },
    { metric = "analytics_p99_ms", against = "limit_metrics", than = "ms", at_most = 1.7 },
    { metric = "query_p99_ms", against = "limit_metrics", than = "ms", at_most = 1.7 },
    { metric = "metrics_p99_ms", against = "limit_metrics", than = "ms", at_most = 1.7 },
    { metric = "event_p99_ms", against = "limit_metrics", than = "ms", at_most = 1.7 },
    { metric = "rows_s", at_least = 0.99 * ROWS_PER_SECOND },
    { metric = "wrong_subscribers", at_most = 0 },
    { metric = "overflows", at_most = 0 },
    { metric = "refused", at_most = 0 },
    { metric = "rss_growth", at_most = 1.1 },
  },
}
