--- Codex CLI's log events (openai/codex#2103): tokens come with codex.sse_event response.completed, failures with
--- codex.api_request; they share a conversation, no request id.  input_token_count includes what came from the cache.
local otlp = require "ingest.otlp"
local values = require "ingest.values"

local count, text = values.count, values.text

local used = otlp.names(
  "event.name", "event.timestamp", "event.kind", "conversation.id", "model", "slug", "duration_ms", "attempt",
  "input_token_count", "output_token_count", "cached_token_count", "cache_write_token_count", "reasoning_token_count",
  "tool_token_count", "http.response.status_code", "error.message", "app.version")

-- A usage event may be sent again, byte for byte: equal events are one request.
local function made_id(event, ...)
  local conversation = text(event.attributes["conversation.id"])
  if not (conversation and event.timestamp) then
    return nil
  end
  return table.concat({ conversation, tostring(event.timestamp), ... }, ":")
end

local function common(event)
  local a = event.attributes
  local version = text(a["app.version"])
  return {
    timestamp = event.timestamp,
    method = "POST",
    endpoint = "responses",
    path = "/v1/responses",
    service_type = "codex",
    provider = "openai",
    model = values.first_text(a.model, a.slug),
    session_client_id = text(a["conversation.id"]),
    user_agent = version and "codex/" .. version,
    attributes = otlp.rest(a, used),
    resource = event.origin.kept,
  }
end

local function completed(event)
  local a = event.attributes
  local total, read, written = count(a.input_token_count), count(a.cached_token_count), count(a.cache_write_token_count)
  local record = common(event)
  record.request_id = made_id(event, tostring(total), tostring(count(a.output_token_count)))
  record.status_code = 200
  record.streaming = true
  record.tokens_input = total and math.max(0, total - (read or 0) - (written or 0))
  record.tokens_output = count(a.output_token_count)
  record.cache_read_tokens = read
  record.cache_write_tokens = written
  record.reasoning_tokens = count(a.reasoning_token_count)
  return record
end

local function failed(event, status)
  local a = event.attributes
  local record = common(event)
  record.request_id = made_id(event, text(a.attempt) or "", tostring(status))
  record.status_code = status or 599
  record.error_type = not status and "connection_error" or nil
  record.error_message = values.clip(text(a["error.message"]), 1024)
  record.duration_ms = values.number(a.duration_ms)
  record.attempt = count(a.attempt)
  return record
end

local codex = { name = "codex", prefix = "codex.", service = "codex_cli_rs" }

function codex.request(event)
  local a = event.attributes
  if event.name == "sse_event" and a["event.kind"] == "response.completed" then
    return completed(event)
  end
  if event.name == "api_request" then
    local status = count(a["http.response.status_code"])
    if status and status >= 400 or text(a["error.message"]) then
      return failed(event, status)
    end
  end
  return nil
end

return codex
