--- Claude Code's telemetry (code.claude.com, "Monitoring"): api_request and api_error
--- are requests, all else is events. input_tokens leave out what came from or went to
--- the cache.  api_retries_exhausted and api_refusal accompany a request that is
--- reported by itself.
local otlp = require "otlp"
local values = require "ingest.values"

local count, text = values.count, values.text

local no_answer = 599 -- a connection error has no status

local names = otlp.names {
  "event.name", "event.timestamp", "event.sequence", "session.id",
  "request_id", "model", "cost_usd", "duration_ms",
  "input_tokens", "output_tokens", "cache_read_tokens",
  "cache_creation_tokens", "speed", "query_source", "effort",
  "status_code", "error", "attempt", "prompt.id", "app.version", "ttft_ms", "success",
  "gen_ai.system", "gen_ai.request.model", "gen_ai.response.id",
}

-- Unique and the same at every retry of the export; none when nothing tells two requests apart.
local function made_id(event)
  local a = event.attributes
  local session, sequence = text(a["session.id"]), text(a["event.sequence"])
  if not (session and (sequence or event.timestamp)) then
    return nil
  end
  return table.concat(
    { session, sequence or "", tostring(event.timestamp or ""), text(a.model) or "" }, ":")
end

local function common(event)
  local a = event.attributes
  local version = text(a["app.version"]) or text(event.origin.resource["service.version"])
  return {
    request_id = text(a.request_id) or made_id(event),
    timestamp = event.timestamp,
    method = "POST",
    endpoint = "messages",
    path = "/v1/messages",
    service_type = "claude_code",
    model = text(a.model),
    duration_ms = values.number(a.duration_ms),
    tokens_input = count(a.input_tokens),
    tokens_output = count(a.output_tokens),
    cache_read_tokens = count(a.cache_read_tokens),
    cache_write_tokens = count(a.cache_creation_tokens),
    session_client_id = text(a["session.id"]),
    user_agent = version and "claude-code/" .. version,
    speed = text(a.speed),
    query_source = text(a.query_source),
    effort = text(a.effort),
    prompt_id = text(a["prompt.id"]),
    attempt = count(a.attempt),
    attributes = event.log:rest(names),
    resource = event.origin.kept,
  }
end

local function failed(record, a)
  record.status_code = count(a.status_code) or no_answer
  record.error_type = not count(a.status_code) and "connection_error" or nil
  record.error_message = values.clip(text(a.error), 1024)
  return record
end

local claude_code = {
  name = "claude_code",
  names = names,
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
    return failed(common(event), event.attributes)
  end
  return nil
end

function claude_code.cost(attributes)
  return values.number(attributes.cost_usd)
end

--- The span claude_code.llm_request tells of a request that the log api_request reports
--- too: it adds the time to the first token to that row.  It carries no cost, so it
--- brings none; without the id they share it is no request of its own.
---@param event LogEvent name and log are the span's
---@param duration_ms number?
---@return table?
function claude_code.span(event, duration_ms)
  local a = event.attributes
  local id = values.first_text(a.request_id, a["gen_ai.response.id"])
  if event.name ~= "claude_code.llm_request" or not id then
    return nil
  end
  local record = common(event)
  record.request_id = id
  record.model = record.model or text(a["gen_ai.request.model"])
  record.duration_ms = record.duration_ms or duration_ms
  record.ttft_ms = values.number(a.ttft_ms)
  record.trace_id = event.log.trace_id
  if values.flag(a.success) == false then
    return failed(record, a)
  end
  record.status_code = 200
  return record
end

return claude_code
