--- Codex CLI's log events (openai/codex#2103): tokens come with codex.sse_event response.completed, failures with
--- codex.api_request; they share a conversation, no request id.  input_token_count includes what came from the cache.
local dates = require "ingest.dates"
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

-- When the request of a conversation that is under way began, in unix seconds.  A loop's own and bounded: what is not
-- found here has no duration.
local began, nbegan, max_began = {}, 0, 1000

local function seconds(timestamp)
  return math.type(timestamp) == "integer" and timestamp / 1e9 or dates.seconds(timestamp)
end

-- codex.api_request comes when the answer begins, duration_ms after the request was sent.
local function note_begin(event)
  local conversation, time = text(event.attributes["conversation.id"]), seconds(event.timestamp)
  if not (conversation and time) then
    return
  end
  if not began[conversation] then
    if nbegan == max_began then
      began, nbegan = {}, 0
    end
    nbegan = nbegan + 1
  end
  began[conversation] = time - (values.number(event.attributes.duration_ms) or 0) / 1000
end

local function duration_ms(event)
  local start = began[text(event.attributes["conversation.id"]) or ""]
  local time = seconds(event.timestamp)
  if start and time and time >= start and time - start < 3600 then
    return math.floor((time - start) * 1e6 + 0.5) / 1e3
  end
  return nil
end

local function completed(event)
  local a = event.attributes
  local total, read, written = count(a.input_token_count), count(a.cached_token_count), count(a.cache_write_token_count)
  local record = common(event)
  record.request_id = made_id(event, tostring(total), tostring(count(a.output_token_count)))
  record.status_code = 200
  record.streaming = true
  record.duration_ms = duration_ms(event)
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
    note_begin(event)
  end
  return nil
end

return codex
