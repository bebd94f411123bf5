--- Claude Code's telemetry (code.claude.com, "Monitoring"): api_request and api_error
--- are requests, all else is events. input_tokens leave out what came from or went to
--- the cache.  api_retries_exhausted and api_refusal accompany a request that is
--- reported by itself.
local failures = require "ingest.failures"
local origins = require "ingest.origins"
local otlp = require "otlp"
local providers = require "lib.providers"
local values = require "lib.values"

local fields = otlp.fields {
  request_id = { "text", "request_id" },
  model = { "text", "model" },
  duration_ms = { "number", "duration_ms" },
  tokens_input = { "count", "input_tokens" },
  tokens_output = { "count", "output_tokens" },
  cache_read_tokens = { "count", "cache_read_tokens" },
  cache_write_tokens = { "count", "cache_creation_tokens" },
  cache_write_1h_tokens = { "count", "cache_creation_1h_tokens" },
  session_client_id = { "text", "session.id" },
  email = { "text", "user.email" },
  user_id = { "text", "user.id" },
  speed = { "text", "speed" },
  query_source = { "text", "query_source" },
  effort = { "text", "effort" },
  prompt_id = { "text", "prompt.id" },
  attempt = { "count", "attempt" },

  cost = { "number", "cost_usd" },
  version = { "text", "app.version" },
  sequence = { "text", "event.sequence" },
  timestamp = { "text", "event.timestamp" },
  status = { "count", "status_code" },
  error = { "text", "error" },
  error_class = { "text", "error_class" },
  platform = { "text", "anthropic.provider" },
  ttft_ms = { "number", "ttft_ms" },
  success = { "flag", "success" },
  response_id = { "text", "gen_ai.response.id" },
  request_model = { "text", "gen_ai.request.model" },
  folders = { "any", "workspace.host_paths" },

  dropped = { "nothing", "event.name", "gen_ai.system" },
}

-- Unique and the same at every retry of the export; none when nothing tells two requests apart.
local function made_id(event)
  local a = event.fields
  local session, sequence = a.session_client_id, a.sequence
  if not (session and (sequence or event.timestamp)) then
    return nil
  end
  return table.concat({ session, sequence or "", tostring(event.timestamp or ""), a.model or "" },
    ":")
end

local function provider_of(platform)
  return platform == "firstParty" and "anthropic" or platform and providers.word(platform)
end

local function common(event)
  local a = event.fields
  local version = a.version or values.text(event.origin.resource["service.version"])
  local record = {
    request_id = a.request_id or made_id(event),
    timestamp = event.timestamp,
    method = "POST",
    endpoint = "messages",
    path = "/v1/messages",
    service_type = "claude_code",
    model = a.model,
    duration_ms = a.duration_ms,
    tokens_input = a.tokens_input,
    tokens_output = a.tokens_output,
    cache_read_tokens = a.cache_read_tokens,
    cache_write_tokens = a.cache_write_tokens,
    cache_write_1h_tokens = a.cache_write_1h_tokens,
    provider = provider_of(a.platform),
    session_client_id = a.session_client_id,
    user_agent = version and "claude-code/" .. version,
    speed = a.speed,
    user = a.email,
    user_id = a.email and a.user_id,
    agent = a.query_source,
    effort = a.effort,
    prompt_id = a.prompt_id,
    attempt = a.attempt,
    attributes = event.log:rest(fields),
  }
  origins.put(record, event.origin)
  record.project = record.project or values.text(values.object(a.folders)[1])
  record.user = record.user or a.user_id
  return record
end

local function failed(record, a)
  failures.put(record, a.status, a.error_class or not a.status and "connection_error" or nil,
    a.error)
  return record
end

local claude_code = {
  name = "claude_code",
  fields = fields,
  prefix = "claude_code.",
  scope = "com.anthropic.claude_code.events",
  service = "claude-code",
}

function claude_code.request(event)
  if event.name == "api_request" then
    local record = common(event)
    record.status_code = 200
    return record
  end
  if event.name == "api_error" then
    return failed(common(event), event.fields)
  end
  return nil
end

function claude_code.cost(a)
  return a.cost
end

--- The span claude_code.llm_request tells of a request that the log api_request reports
--- too: it adds the time to the first token to that row.  It carries no cost, so it
--- brings none; without the id they share it is no request of its own.  It lasts as long as all
--- attempts and the pauses between them, which is no request's duration.
---@param event LogEvent name and log are the span's
---@param span_ms number?
---@return table?
function claude_code.span(event, span_ms)
  local a = event.fields
  local id = a.request_id or a.response_id
  if event.name ~= "claude_code.llm_request" or not id then
    return nil
  end
  local record = common(event)
  record.request_id = id
  record.model = record.model or a.request_model
  record.duration_ms, record.attempts_ms = nil, record.duration_ms or span_ms
  record.ttft_ms = a.ttft_ms
  record.trace_id = event.log:ids()
  if a.success == false then
    return failed(record, a)
  end
  record.status_code = 200
  return record
end

return claude_code
