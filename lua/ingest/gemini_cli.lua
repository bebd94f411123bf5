--- Gemini CLI's log events (google-gemini/gemini-cli, docs/cli/telemetry.md).  It tells
--- of one call three times: the log gemini_cli.api_response counts,
--- gen_ai.client.inference.operation.details and the metrics do not.
local failures = require "ingest.failures"
local gemini_tokens = require "ingest.gemini_tokens"
local origins = require "ingest.origins"
local otlp = require "otlp"
local shared_ids = require "ingest.shared_ids"

local fields = otlp.fields {
  prompt = { "text", "prompt_id" },
  session = { "text", "session.id" },
  email = { "text", "user.email" },
  timestamp = { "text", "event.timestamp" },
  model = { "text", "model" },
  status = { "count", "status_code", "http.status_code" },
  duration_ms = { "number", "duration_ms" },
  error = { "text", "error", "error.message" },
  error_type = { "text", "error_type", "error.type" },
  input = { "count", "input_token_count" },
  output = { "count", "output_token_count" },
  cached = { "count", "cached_content_token_count" },
  thoughts = { "count", "thoughts_token_count" },
  tools = { "count", "tool_token_count" },
  total = { "count", "total_token_count" },
  dropped = { "nothing", "event.name" },
}

local function made_id(event)
  local a = event.fields
  local prompt = a.prompt or a.session
  if not (prompt and event.timestamp) then
    return nil
  end
  return table.concat({ prompt, tostring(event.timestamp), a.model or "" }, ":")
end

local function common(event)
  local a = event.fields
  local record = {
    request_id = made_id(event),
    timestamp = event.timestamp,
    method = "POST",
    endpoint = "generateContent",
    path = "generateContent",
    service_type = "gemini_cli",
    provider = "gemini",
    user_agent = event.origin.user_agent,
    model = a.model,
    duration_ms = a.duration_ms,
    session_client_id = a.session,
    user = a.email,
    prompt_id = a.prompt,
    attributes = event.log:rest(fields),
  }
  origins.put(record, event.origin)
  return record
end

local function answered(event)
  local a = event.fields
  local record = common(event)
  record.other_id = shared_ids.gemini(a.session, a.input, a.cached, a.thoughts, a.total,
    event.timestamp and tostring(event.timestamp))
  record.status_code = a.status or 200
  gemini_tokens.put(record, a)
  return record
end

local function failed(event)
  local a = event.fields
  local record = common(event)
  failures.put(record, a.status, a.error_type, a.error)
  return record
end

local gemini_cli = {
  name = "gemini_cli", fields = fields, prefix = "gemini_cli.", service = "gemini-cli",
}

function gemini_cli.request(event)
  if event.name == "api_response" then
    return answered(event)
  end
  if event.name == "api_error" then
    return failed(event)
  end
  return nil
end

return gemini_cli
