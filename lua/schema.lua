--- What a record is: the one place that knows its columns, events, sums, rollups and metrics.
--- Read once at start; the C core compiles it and knows of a record only what stands here.
--- Adding a column at the end, an alias or a metric family is safe; a database made with other
--- columns, measures or
--- rollups is migrated at the next start.

-- A row without one of these shows 0, and does not count where it is averaged or distributed.
local no_duration = { { "duration_ms", "<=", 0 } }
local no_first_token = { { "time_to_first_token_ms", "<=", 0 } }
local no_cost =
  { { "cost_usd", "<=", 0 }, { "cost_source", "not_in", "reported", "computed" } }

--- Columns are { name, type, options }.  Types: string, integer, float, boolean, time (kept in
--- microseconds).
---   role      what the core uses it for: id, other_id (of the same request, by which a record
---             finds its row too; in_extra), time (when it had ended), duration, status
---   default   of a record that has no value: "", 0, false, now; by_event: another one for an event
---             type
---   from      a record that has no value takes it from this column, times scale
---   dimension  true: who or what the row is about beside the public columns above it; rows show it
---              on request
---   measure    true: the same of what was measured
---   unknown    conditions of a row that does not know this value, though it shows one: null where
---              that is asked for
---   aliases   other names that clients use, or name = scale for one in another unit.  None is here
---             that means different things to different clients: "duration" and "latency" have no
---             agreed unit, "prompt_tokens" counts cached tokens in.  An alias fills its column
---             where nothing has and it fits; else extra keeps it.
local columns = {
  { "request_id", "string", role = "id" },
  { "timestamp", "time", role = "time", aliases = { "time", "ts", "@timestamp" } },
  { "method", "string", aliases = { "http_method", "request_method" } },
  { "endpoint", "string", from = "path" },
  { "path", "string", from = "endpoint", aliases = { "url", "uri", "request_uri" } },
  { "query", "string", aliases = { "query_string" } },
  { "client_ip", "string", aliases = { "remote_addr", "remote_ip", "client_address" } },
  { "user_agent", "string", aliases = { "http_user_agent" } },
  { "service_type", "string", aliases = { "service", "service_name" } },
  { "model", "string", aliases = { "model_name" } },
  { "streaming", "boolean", aliases = { "stream", "is_streaming" } },
  { "status_code", "integer", role = "status", default = 200, by_event = { request_error = 500 },
    aliases = { "status", "http_status", "http_status_code" } },
  { "duration_ms", "float", role = "duration", from = "duration_seconds", scale = 1000,
    unknown = no_duration,
    aliases = { "latency_ms", "elapsed_ms", "response_time_ms", duration_us = 1 / 1000,
      duration_ns = 1 / 1e6 } },
  { "duration_seconds", "float", from = "duration_ms", scale = 1 / 1000, unknown = no_duration,
    aliases = { "duration_s", "latency_seconds", "latency_s", "elapsed_seconds", "request_time" } },
  { "tokens_input", "integer", aliases = { "input_tokens" } },
  { "tokens_output", "integer", aliases = { "output_tokens", "completion_tokens" } },
  { "cache_read_tokens", "integer", aliases = { "cache_read_input_tokens", "tokens_cache_read" } },
  { "cache_write_tokens", "integer",
    aliases = { "cache_creation_tokens", "cache_creation_input_tokens", "cache_write_input_tokens",
                "tokens_cache_write" } },
  { "cost_usd", "float", unknown = no_cost, aliases = { "cost", "total_cost", "costUSD",
    "total_cost_usd" } },
  { "cost_sdk_usd", "float" },
  { "num_turns", "integer" },
  { "session_type", "string" },
  { "session_status", "string" },
  { "session_age_seconds", "float" },
  { "session_message_count", "integer" },
  { "session_client_id", "string" },
  { "session_pool_enabled", "boolean" },
  { "session_idle_seconds", "float" },
  { "session_error_count", "integer" },
  { "session_is_new", "boolean", default = true },

  -- Who spent it.
  { "provider", "string", dimension = true },
  { "user", "string", dimension = true },
  { "team", "string", dimension = true },
  { "api_key", "string", dimension = true }, -- its alias or hash, never a key
  { "project", "string", dimension = true },
  { "host", "string", dimension = true },
  { "agent", "string", dimension = true },
  { "tier", "string", dimension = true, aliases = { "service_tier" } },
  { "billing", "string", dimension = true }, -- billed or notional; unknown counts as billed
  { "error_type", "string", dimension = true },
  { "time_to_first_token_ms", "float", measure = true, unknown = no_first_token,
    aliases = { "ttft_ms" } },

  -- Known to the core, but no columns of the table: they live in the JSON of extra.
  { "error_message", "string", in_extra = true },
  { "cost_source", "string", in_extra = true },
  { "other_id", "string", in_extra = true, role = "other_id" },
  { "parts_cost_usd", "float", in_extra = true },
}

--- What a record says has happened, named by its member "type" or "event".
---   fields    what a stream's event shows, in order
---   stored    becomes a row            filtered  stream filters apply; others always pass
---   opens     its id counts as active  closes    .. no longer
local events = {
  { "request_start", filtered = true, opens = true,
    fields = { "request_id", "method", "path", "client_ip", "user_agent", "query", "model",
      "service_type" } },
  { "request_complete", default = true, stored = true, filtered = true, closes = true,
    fields = { "request_id", "method", "path", "query", "status_code", "client_ip", "user_agent",
      "service_type", "model", "streaming", "duration_ms", "duration_seconds", "tokens_input",
      "tokens_output", "cost_usd", "endpoint", "cache_read_tokens", "cache_write_tokens" } },
  { "request_error", stored = true, closes = true,
    fields = { "request_id", "error_type", "error_message", "method", "path", "client_ip",
      "user_agent", "query" } },
}

--- When the same request comes again, what is better known stays (src/record/merge.h).  Between
--- costs, the one whose source stands first in ranks; a cost without a source came from its sender,
--- and one of 0 gets that source, so that it is told from none.
--- The tokens that it was told with stay with it: those of a prompt (split) all together, so that a
--- count with and one without the cache are never mixed.  Between costs that were computed, the one
--- that was computed from more: whose record tells more of what stands in basis, columns or members
--- of extra, how the prompt is split before all; 0 tells nothing here.
--- parts: dollars of what is billed with a call and stands in rows of its own, as another model's
--- turns in it do.  The best cost includes them when another record tells it and it is as large:
--- the row has the rest of it.
local cost = {
  column = "cost_usd",
  source = "cost_source",
  ranks = { "reported", "computed" },
  split = { "tokens_input", "cache_read_tokens", "cache_write_tokens" },
  with = { "tokens_output" },
  basis = {
    "cache_read_tokens", "cache_write_tokens", "tier", "cache_write_1h_tokens", "reasoning_tokens",
    "audio_input_tokens", "audio_output_tokens", "image_input_tokens", "image_output_tokens",
    "web_searches", "service_tier", "speed", "inference_geo",
  },
  parts = "parts_cost_usd",
}

--- What every rollup cell holds: a count of rows, of rows that match when, or a sum.  Sums are kept
--- as integers of 1 / scale, so that adding and taking away is exact: nanoseconds, pico-dollars.
--- They have 63 bits: nanoseconds hold a day of 10,000 requests a second of 10 s each, a finer unit
--- would not.
local measures = {
  { "requests" },
  { "successes", when = { { "status_code", ">=", 200 }, { "status_code", "<", 400 } } },
  { "errors", when = { { "status_code", ">=", 400 } } },
  { "client_errors", when = { { "status_code", ">=", 400 }, { "status_code", "<", 500 } } },
  { "server_errors", when = { { "status_code", ">=", 500 } } },
  { "duration_ms", sum = "duration_ms", scale = 1e6 },
  { "duration_known", when = { { "duration_ms", ">", 0 } } },
  { "time_to_first_token_ms", sum = "time_to_first_token_ms", scale = 1e6 },
  { "time_to_first_token_known", when = { { "time_to_first_token_ms", ">", 0 } } },
  { "cost_usd", sum = "cost_usd", scale = 1e12 },
  { "billed_cost_usd", sum = "cost_usd", scale = 1e12, when = { { "billing", "!=", "notional" } } },
  { "tokens_input", sum = "tokens_input" },
  { "tokens_output", sum = "tokens_output" },
  { "cache_read_tokens", sum = "cache_read_tokens" },
  { "cache_write_tokens", sum = "cache_write_tokens" },
  { "unpriced_requests", when = { { "cost_source", "=", "unknown" } } },
}

--- Distributions that every cell keeps, for quantiles: of a value, or of one per another, over rows
--- that match when.
local sketches = {
  { "duration_ms", value = "duration_ms", when = { { "duration_ms", ">", 0 } } },
  { "time_to_first_token_ms", value = "time_to_first_token_ms",
    when = { { "time_to_first_token_ms", ">", 0 } } },
  { "output_tokens_per_second", value = "tokens_output", per = "duration_seconds",
    when = { { "tokens_output", ">", 0 }, { "duration_seconds", ">", 0 } } },
}

--- Which columns cells are kept by, for each minute, hour and day.  A question is answered from
--- the narrowest set that covers it; one that no set covers reads rows.  max_keys: so many keys a
--- bucket keeps apart, the first that come; what is more is counted under "(other)", and answers
--- that it matters for say exact = false or are read from rows.
local rollups = {
  { by = {} },
  { by = { "service_type" } },
  { by = { "model" } },
  { by = { "endpoint" } },
  { by = { "model", "service_type", "status_code" }, tiers = { "hour", "day" } },
  { by = { "session_client_id" }, tiers = { "day" } },
  { by = { "user" }, tiers = { "hour", "day" }, max_keys = 2000 },
  { by = { "team" }, tiers = { "hour", "day" }, max_keys = 500 },
  { by = { "api_key" }, tiers = { "hour", "day" }, max_keys = 2000 },
  { by = { "project" }, tiers = { "hour", "day" }, max_keys = 2000 },
  { by = { "provider" }, tiers = { "hour", "day" }, max_keys = 200 },
  { by = { "error_type" }, tiers = { "hour", "day" }, max_keys = 200 },
}

local function tokens(kind, column)
  return {
    "tokens_total", "counter",
    help = "Tokens, by type.",
    labels = { { "type", text = kind }, "model", "service_type" },
    value = column, when = { { column, ">", 0 } },
  }
end

--- error_type comes from the record, else it is http_ and the status.
local function errors(event, when)
  return {
    "errors_total", "counter",
    help = "Requests that failed.",
    labels = { { "error_type", "error_type", status_prefix = "http_" }, "endpoint", "model",
      "service_type" },
    events = { event }, when = when,
  }
end

--- Prometheus families: { name, kind, options }, counted for each stored record of the events
--- (default: all
--- that are stored) that matches when, and what it gains when it is merged.  value: a column times
--- scale; without it
--- records are counted.  A label is a column, { label, column } or { label, text = fixed }; an
--- empty value reads
--- "unknown".  The configured namespace stands before a name, unless it begins with moonledger_.
local families = {
  { "requests_total", "counter",
    help = "Requests.",
    labels = { "method", "endpoint", "model", { "status", "status_code" }, "service_type" } },
  { "response_duration_seconds", "histogram",
    help = "How long requests took.",
    labels = { "model", "endpoint", "service_type" },
    value = "duration_seconds", when = { { "duration_seconds", ">", 0 } },
    bounds = { .01, .05, .1, .25, .5, 1, 2.5, 5, 10, 25, 50, 100, 300 } },
  tokens("input", "tokens_input"),
  tokens("output", "tokens_output"),
  tokens("cache_read", "cache_read_tokens"),
  tokens("cache_write", "cache_write_tokens"),
  { "cost_usd_total", "counter",
    help = "Cost in US dollars.",
    labels = { "model", { "cost_type", text = "total" }, "service_type" },
    value = "cost_usd", when = { { "cost_usd", ">", 0 } } },
  { "moonledger_unpriced_requests_total", "counter",
    help = "Requests with tokens whose cost is not known, by the model as it was named.",
    labels = { "model" },
    when = { { "cost_source", "=", "unknown" } } },
  errors("request_complete", { { "status_code", ">=", 400 } }),
  errors("request_error"),
  { "time_to_first_token_seconds", "histogram",
    help = "How long requests took to their first token.",
    labels = { "model", "endpoint", "service_type" },
    value = "time_to_first_token_ms", scale = 1 / 1000,
    when = { { "time_to_first_token_ms", ">", 0 } },
    bounds = { .05, .1, .25, .5, 1, 2.5, 5, 10, 25, 50 } },
}

--- The topic that records are published to once they are stored, and the events that a stream
--- tells by itself: its members in order, each with its text, or the name of what is known then:
--- dropped, connection_id, timestamp.
local stream = {
  topic = "logs",
  overflow = {
    { "type", "overflow" }, { "message", "Event queue full, some events dropped" },
    "dropped", "timestamp",
  },
  disconnect = {
    { "type", "disconnect" }, { "message", "Stream disconnected" },
    "connection_id", "timestamp",
  },
}

return {
  columns = columns,
  event_keys = { "type", "event" },
  events = events,
  cost = cost,
  measures = measures,
  sketches = sketches,
  rollups = rollups,
  families = families,
  stream = stream,
}
