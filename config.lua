-- Moonledger's settings.  Every key stands here with its default; a key that is
-- left out has that default too.  Saving this file while the server runs takes
-- effect at once, except for the keys marked [start], which need a restart; the log
-- says so when one of them has changed.  `moonledger --check` tells what is wrong
-- with it.
--
-- This file travels in the program, as lua/ and static/ do.  One beside your data
-- wins over it, and so does any file of lua/ and static/ beside that; `moonledger
-- init` writes them all out.

local MiB = 1024 * 1024

return {
  listen = {
    host = "127.0.0.1", -- [start] the address to listen on
    port = 8787, -- [start] 0 takes any free port; the first line of output says which
    -- Beyond loopback the server wants tokens (below).  These words let everyone
    -- read, write and reset without one:
    -- without_tokens = "anyone on this network may read, write and reset",
  },

  -- Names, besides loopback addresses and localhost, that a client may put into its Host header.
  hosts = {},

  -- [start] Event loops; 0: one with up to two cores, else cores - 2, at most 16.
  workers = 0,

  -- Who may do what; without an entry everyone on this machine may do everything.
  -- scopes: "read" is GET /logs/* and /metrics, "ingest" is what takes records in,
  -- "admin" is reset, reload and reprice.  An env entry counts when that variable
  -- is set (at the server's start); a token can also be written as { token = "...",
  -- scopes = { "read" } }.
  tokens = {
    { env = "MOONLEDGER_READ_TOKEN", scopes = { "read" } },
    { env = "MOONLEDGER_INGEST_TOKEN", scopes = { "ingest" } },
    { env = "MOONLEDGER_ADMIN_TOKEN", scopes = { "read", "ingest", "admin" } },
  },

  -- Web origins whose pages may read answers, such as "https://dash.example.com";
  -- "*" is every page on the web.  The server's own origin and loopback origins
  -- always may.
  cors = { origins = {} },

  features = {
    metrics_endpoint_enabled = true, -- GET /metrics
    logs_endpoints_enabled = true, -- /logs/*
    -- off: nothing is stored or queried, status and stream still work
    logs_collection_enabled = true,
    dashboard_enabled = true, -- /dashboard and /docs; needs logs_endpoints_enabled
    -- POST /-/reload with an admin token; saving a file and SIGHUP always reload
    reload_enabled = false,
  },

  storage = {
    backend = "sqlite", -- [start] or "none"
    path = "data/moonledger.db", -- [start] relative to this file
    -- [start] where POST /-/backup and moonledger backup make folders, relative to this file
    backup_folder = "",
    -- [start] an answer survives power loss; "normal": survives a crash of the server
    durability = "full",
    -- [start] batches that wait for the writer; beyond it clients get 503 with Retry-After
    queue_bytes = 64 * MiB,
    readers = 2, -- [start] threads that answer queries
    query_deadline_ms = 5000, -- [start] a slower query is stopped and answered with 503
    sql_max_rows = 10000, -- [start] of storage.sql
    -- [start] a repeated request_id is merged into the row it had, however old; ids of these hours
    -- stand in memory, others are looked up in the file behind a filter of 12 bits each
    dedupe_hours = 24,
    -- [start] at most so many in memory, 16 to 32 bytes each; filters of at most 16 times as many
    dedupe_max_ids = 20000000,
    -- [start] UTC days that stay in the database file, today included; older ones become Parquet
    -- files beside it, in NAME.cold.  0: all days stay
    hot_days = 2,
    -- What goes and is else kept for ever, whichever comes first: ages ("36h", "90d", "2y") of rows
    -- and of the cells that figures are made of, by the minute, the hour and the day; bytes that
    -- file, log and parts may take on the disk together; bytes that stay free on it.  For example
    -- { rows = "90d", minute = "30d", hour = "2y", max_bytes = 200 * 1024 * MiB }
    retention = {},
  },

  limits = {
    body_bytes = 64 * MiB, -- of one request, after inflation: 413
    record_bytes = 1 * MiB, -- a longer record is rejected by position
    json_depth = 64, -- arrays and objects inside each other, in a record
    in_flight_bytes = 256 * MiB, -- bodies of all requests together: 503
    -- responses and events that clients have yet to read, all together; when they come
    -- near it, the slowest and largest are closed
    out_bytes = 128 * MiB,
    request_line_bytes = 8192, -- 414
    header_bytes = 32768, -- 431
    header_fields = 100, -- 431
    header_ms = 10000, -- for a request's head to arrive: 408
    body_ms = 60000, -- for a body, prolonged while body_bytes_per_second arrive: 408
    body_bytes_per_second = 1024,
    idle_ms = 60000, -- between two requests of a connection
    shutdown_ms = 10000, -- for requests in hand at SIGTERM
    connections = 10000, -- [start]
  },

  script = {
    burst_cpu_ms = 250, -- CPU time where it cannot give way to others (a sort comparator): 503
    total_cpu_ms = 4000, -- CPU time of one request or turn of every(): 503
    wall_ms = 30000, -- and its time on the clock
    load_cpu_ms = 500, -- CPU time to load all files
    -- of one loop's Lua state; the last eighth is for requests that hold little
    memory_bytes = 64 * MiB,
  },

  stream = {
    ring_events = 65536, -- [start] events kept for slow and returning subscribers,
    ring_bytes = 32 * MiB, -- [start] and their size
    max_subscribers = 10000, -- [start]
    heartbeat_ms = 15000, -- [start] of silence before a sign of life
  },

  metrics = {
    namespace = "ccproxy", -- [start] first part of the names of the record families
    -- [start] Seconds: older records raise none of them, but are counted apart; 0: all raise them.
    max_age = 24 * 3600,
    labels = {}, -- [start] columns that all of them have as labels too, such as { "team" }
    -- [start] label sets a family may have; more of them count into one overflow series
    max_series = 2000,
  },

  -- Whom scripts may call (require "http"): names, "*.example.com", addresses or networks, each
  -- perhaps with ":PORT".  A private address (127.0.0.1, 10.0.0.5) must be named as such, be it
  -- that a listed name leads to it.  ca_file: CA certificates, relative to this file, instead of
  -- those that SSL_CERT_FILE names or the system has.
  outside = { allow = {}, ca_file = "" },

  -- Traffic that passes through and is recorded: path = where it goes, for example
  -- ["/anthropic"] = "https://api.anthropic.com"; then ANTHROPIC_BASE_URL is
  -- http://127.0.0.1:8787/anthropic.  These hosts need not stand in outside.allow.
  captures = {},

  -- What requests cost whose sender does not say so: LiteLLM's
  -- model_prices_and_context_window.json, relative to this file, read at the next
  -- reload; without it lua/lib/prices.lua counts.  overrides come first, in dollars
  -- per million tokens:
  -- ["my-model"] = { input = 1, output = 4, cache_read = 0.1, cache_write = 1.25 }
  pricing = {
    native = true, -- records that come with tokens and without a cost are priced; off: they cost 0
    file = "",
    overrides = {},
  },

  -- What senders tell beside requests (prompts, tool results, ..) is counted and
  -- streamed at /events/stream; keep = true stores the newest max of them too, for
  -- /events/query.
  events = { keep = false, max = 1000000 },

  -- Who is told: a name, a file of lua/notify/ (webhook, slack, ntfy, alertmanager), and
  -- what that wants.  Its host must stand in outside.allow; moonledger alerts test ops tries it.
  notify = {
    -- ops = { "slack", url = "https://hooks.slack.com/services/..." },
    -- on_call = { "alertmanager", url = "http://127.0.0.1:9093" },
  },

  -- Rules: files of lua/alerts/, as they are or with other values, and rules of your own
  -- (lua/README.md).  A rule without notify tells everybody in notify.
  alerts = {
    -- "alerts.cost_per_hour", "alerts.error_ratio", "alerts.latency", "alerts.overloaded",
    -- "alerts.cache_fell", "alerts.silent_sender", "alerts.disk_full",
    -- { "alerts.cost_per_hour", warning = 5, critical = 50, notify = { "ops" } },
    -- { name = "slow opus", measure = "duration_ms_p95", where = { { "model", "prefix",
    --   "claude-opus" } }, window = "15m", critical = 60000, ["for"] = "5m" },
  },

  -- What may be spent, of cost that is billed.  by: user, team, api_key, project or model; without
  -- it all together.  period: day, week or month of tz, or a rolling window such as "24h".
  budgets = {
    -- { name = "everything", limit_usd = 500, period = "month", tz = "Europe/Berlin" },
    -- { name = "each user", by = "user", limit_usd = 20, period = "day",
    --   limits = { ["ci@example.com"] = 100 }, thresholds = { 0.5, 0.8, 1 } },
  },

  log = {
    level = "info", -- debug, info, warn, error
    format = "logfmt", -- or "json"
  },

  dev = false, -- true: the traceback of a script's error stands in the answer
  watch = true, -- reload when a file here or under lua/ is saved

  -- Whatever your own scripts want to read as require("config").settings
  settings = {},

  -- Method, path, file.  "routes.logs_query" is lua/routes/logs_query.lua; {name}
  -- matches one segment and * the rest. routes = defaults { { "GET", "/mine",
  -- "routes.mine" } } is your own, and behind them those of the shipped list that
  -- have another method or path: what a new version of the program adds is there at
  -- once.
  routes = {
    { "GET", "/logs/status", "routes.logs_status" },
    { "GET", "/logs/query", "routes.logs_query" },
    { "GET", "/logs/analytics", "routes.logs_analytics" },
    { "GET", "/logs/entries", "routes.logs_entries" },
    { "GET", "/logs/entries/{request_id}", "routes.logs_entry" },
    { "GET", "/logs/stream", "routes.logs_stream" },
    { "GET", "/logs/export", "routes.logs_export" },
    { "GET", "/logs/overview", "routes.logs_overview" },
    { "GET", "/logs/sessions", "routes.logs_sessions" },
    { "GET", "/logs/breakdown", "routes.logs_breakdown" },
    { "GET", "/logs/values", "routes.logs_values" },
    { "GET", "/logs/errors", "routes.logs_errors" },
    { "GET", "/logs/senders", "routes.logs_senders" },
    { "GET", "/logs/system", "routes.logs_system" },
    { "POST", "/logs/reset", "routes.logs_reset" },
    { "POST", "/logs/ingest", "routes.logs_ingest" },

    { "POST", "/v1/logs", "routes.otlp_logs" },
    { "POST", "/v1/traces", "routes.otlp_traces" },
    { "PUT", "/v1/traces", "routes.otlp_traces" }, -- OpenRouter's Broadcast
    { "POST", "/v1/metrics", "routes.otlp_metrics" },
    { "GET", "/events/query", "routes.events_query" },
    { "GET", "/events/stream", "routes.events_stream" },
    { "POST", "/ingest/litellm", "routes.ingest_litellm" },
    { "POST", "/ingest/ccproxy", "routes.ingest_ccproxy" },
    { "POST", "/ingest/access_log", "routes.ingest_access_log" },

    { "GET", "/alerts", "routes.alerts" },
    { "GET", "/alerts/stream", "routes.alerts_stream" },
    { "GET", "/budgets", "routes.budgets" },
    { "GET", "/budgets/verdict", "routes.budgets_verdict" },

    { "GET", "/metrics", "routes.metrics" },

    { "GET", "/", "routes.root" }, -- leads to /dashboard
    { "GET", "/dashboard", "routes.dashboard" },
    { "GET", "/dashboard/favicon.svg", "routes.dashboard_favicon" },
    { "GET", "/dashboard/*", "routes.dashboard_files" },

    { "GET", "/health", "routes.health" },
    { "GET", "/health/live", "routes.health_live" },
    { "GET", "/health/ready", "routes.health_ready" },
    { "GET", "/openapi.json", "routes.openapi" },
    { "GET", "/docs", "routes.docs" },
    { "GET", "/docs/*", "routes.docs_files" },
    { "POST", "/-/reload", "routes.reload" },
    { "POST", "/-/reprice", "routes.reprice" },
    { "POST", "/-/backup", "routes.backup" },
    { "POST", "/-/verify", "routes.verify" },
    { "GET", "/-/upkeep", "routes.upkeep" },
    { "GET", "/-/retention", "routes.retention" },
    { "POST", "/-/alerts/test", "routes.alerts_test" },

    -- Worked examples to read, change and take away, each under 40 lines.
    { "GET", "/examples/cost-by-model-and-day", "routes.examples.cost_by_model_and_day" },
    { "GET", "/examples/slowest-requests", "routes.examples.slowest_requests" },
    { "GET", "/examples/errors-by-minute", "routes.examples.errors_by_minute" },
    { "GET", "/examples/top-sessions", "routes.examples.top_sessions" },
    { "POST", "/examples/feedback", "routes.examples.feedback" },
    { "GET", "/examples/budget-alerts", "routes.examples.budget_alerts" },
  },
}
