--- Codex CLI's log events (openai/codex#2103): tokens come with codex.sse_event
--- response.completed, failures before the answer with codex.api_request, failures in
--- the stream after a status of 200 with codex.sse_event (whatever its event.kind),
--- failures of a websocket with codex.websocket_request; they share a conversation, no
--- request id. input_token_count includes what came from the cache.
local dates = require "ingest.dates"
local json = require "json"
local otlp = require "otlp"
local tokens = require "ingest.tokens"
local values = require "ingest.values"

local count, text = values.count, values.text

local names = otlp.names {
  "event.name", "event.timestamp", "event.kind", "conversation.id",
  "model", "slug", "duration_ms", "attempt",
  "input_token_count", "output_token_count", "cached_token_count",
  "cache_write_token_count", "reasoning_token_count",
  "tool_token_count", "http.response.status_code", "error.message",
  "app.version", "service_tier", "success",
}

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
    attributes = event.log:rest(names),
    resource = event.origin.kept,
  }
end

-- When the request of a conversation that is under way began, in unix seconds.  A
-- loop's own and bounded: what is not found here has no duration.
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
  local record = common(event)
  record.request_id =
    made_id(event, tostring(count(a.input_token_count)), tostring(count(a.output_token_count)))
  record.status_code = 200
  record.streaming = true
  record.duration_ms = duration_ms(event)
  local told = tokens.told(a)
  -- tool_token_count is the total under another name: nothing tells more than the counts themselves
  told.total = nil
  tokens.put(record, told)
  return record
end

local no_answer, in_stream = 599, 500

-- The status that the provider would have given, had the answer not begun already.
local statuses = {
  server_is_overloaded = 503, slow_down = 503, server_error = 500, rate_limit_exceeded = 429,
  usage_limit_reached = 429, insufficient_quota = 429,
  context_length_exceeded = 400, invalid_prompt = 400,
}

-- error.message may be the event as it came:
-- {"type":"response.failed","response":{"error":{"code","message"}}}
local function told_error(message)
  local decoded = message and message:find("^%s*{") and json.decode(message)
  local error = values.object(values.object(values.object(decoded).response).error)
  if error.code == nil and error.message == nil then
    error = values.object(values.object(decoded).error)
  end
  return values.first_text(error.code, error.type), text(error.message) or message
end

local function failed(event, status, begun)
  local a = event.attributes
  local record = common(event)
  local code, message = told_error(text(a["error.message"]))
  record.request_id = made_id(event, text(a.attempt) or "", tostring(status))
  record.status_code = status or statuses[code] or begun and in_stream or no_answer
  record.error_type = code or not status and not begun and "connection_error" or nil
  record.error_message = values.clip(message, 1024)
  record.duration_ms = begun and duration_ms(event) or values.number(a.duration_ms)
  record.streaming = begun or nil
  record.attempt = count(a.attempt)
  return record
end

local codex = { name = "codex", names = names, prefix = "codex.", service = "codex_cli_rs" }

-- A stream that failed: it says so, or has a message of an error; without a kind it broke off.
local function of_stream(event)
  local kind = text(event.attributes["event.kind"])
  local message = text(event.attributes["error.message"])
  if kind == "response.failed" or kind == "error" or message then
    return failed(event, nil, kind ~= nil)
  elseif kind == "response.completed" then
    return completed(event)
  end
  return nil
end

local function of_request(event)
  local a = event.attributes
  local status = count(a["http.response.status_code"])
  if status and status >= 400 or text(a["error.message"]) or values.flag(a.success) == false then
    return failed(event, status and status >= 400 and status or nil, false)
  end
  note_begin(event)
  return nil
end

local readers = { sse_event = of_stream, api_request = of_request, websocket_request = of_request }

function codex.request(event)
  local read = readers[event.name]
  return read and read(event)
end

return codex
