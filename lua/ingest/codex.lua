--- Codex CLI's log events (openai/codex, codex-rs/otel, session_telemetry.rs): tokens come with
--- codex.sse_event response.completed, failures before the answer with codex.api_request, failures
--- of a websocket with codex.websocket_request, failures in the stream after a status of 200 with
--- codex.sse_event: that of the frame, which has a duration, and response.completed with an error
--- when the stream ends.  They share a conversation, no request id.  input_token_count includes
--- what came from the cache.
local batches = require "ingest.batch"
local failures = require "ingest.failures"
local json = require "json"
local memory = require "ingest.memory"
local origins = require "ingest.origins"
local otlp = require "otlp"
local providers = require "lib.providers"
local shared_ids = require "ingest.shared_ids"
local tokens = require "ingest.tokens"
local values = require "lib.values"

local fields = otlp.fields {
  conversation = { "text", "conversation.id" },
  email = { "text", "user.email" },
  timestamp = { "text", "event.timestamp" },
  kind = { "text", "event.kind" },
  model = { "text", "model", "slug" },
  version = { "text", "app.version" },
  duration_ms = { "number", "duration_ms" },
  attempt = { "count", "attempt" },
  status = { "count", "http.response.status_code" },
  error = { "text", "error.message" },
  success = { "flag", "success" },
  endpoint = { "text", "endpoint", stays = true },

  input = { "count", "input_token_count" },
  output = { "count", "output_token_count" },
  cache_read = { "count", "cached_token_count" },
  cache_write = { "count", "cache_write_token_count" },
  reasoning = { "count", "reasoning_token_count" },
  service_tier = { "text", "service_tier" },
  ttft_ms = { "number", "ttft_ms" },
  effort = { "text", "model_reasoning_effort" },
  provider = { "text", "provider_name" },
  provider_id = { "text", "auth.request_id" },

  -- tool_token_count is the total under another name: nothing tells more than the counts themselves
  dropped = { "nothing", "event.name", "tool_token_count" },
}

-- A usage event may be sent again, byte for byte: equal events are one request.
local function made_id(event, ...)
  local conversation = event.fields.conversation
  if not (conversation and event.timestamp) then
    return nil
  end
  return table.concat({ conversation, tostring(event.timestamp), ... }, ":")
end

-- Only the event of its begin names a conversation's provider.
local function provider_of(conversation)
  return conversation and memory.get("codex provider", conversation) or "openai"
end

local function common(event)
  local a = event.fields
  local version = a.version
  local record = {
    timestamp = event.timestamp,
    method = "POST",
    endpoint = "responses",
    path = "/v1/responses",
    service_type = "codex",
    provider = provider_of(a.conversation),
    model = a.model,
    session_client_id = a.conversation,
    user = a.email,
    effort = a.effort,
    user_agent = version and "codex/" .. version,
    attributes = event.log:rest(fields),
  }
  origins.put(record, event.origin)
  return record
end

-- When something last happened to a conversation: "began" or "failed", in unix seconds.
local function note(what, conversation, time)
  if conversation and time then
    memory.set(("%.17g"):format(time), "codex " .. what, conversation)
  end
end

local function noted(what, conversation)
  return conversation and tonumber(memory.get("codex " .. what, conversation))
end

-- codex.api_request comes when the answer begins, duration_ms after the request was sent.
local function note_begin(event)
  local time = batches.seconds(event)
  note("began", event.fields.conversation, time and time - (event.fields.duration_ms or 0) / 1000)
end

-- Of a call whose begin is told: the last one that began has not ended by a failure since.
local function duration_ms(event)
  local conversation, time = event.fields.conversation, batches.seconds(event)
  local start, failed = noted("began", conversation), noted("failed", conversation)
  if start and time and failed and failed > start and failed < time then
    return nil
  elseif start and time and time >= start and time - start < 3600 then
    return values.milliseconds(time - start)
  end
  return nil
end

local function completed(event)
  local a = event.fields
  local record = common(event)
  record.request_id = made_id(event, tostring(a.input), tostring(a.output))
  record.other_id = shared_ids.codex(a.conversation, a.input, a.cache_read, a.output, a.reasoning,
    event.timestamp and tostring(event.timestamp))
  record.status_code = 200
  record.streaming = true
  record.duration_ms = duration_ms(event)
  record.ttft_ms = a.ttft_ms
  tokens.put(record, a)
  return record
end

-- error.message may be the event as it came:
-- {"type":"response.failed","response":{"error":{"code","message"}}}
local function told_error(message)
  local decoded = message and message:find("^%s*{") and json.decode(message)
  local error = values.object(values.object(values.object(decoded).response).error)
  if error.code == nil and error.message == nil then
    error = values.object(values.object(decoded).error)
  end
  return values.first_text(error.code, error.type), values.text(error.message) or message
end

-- Frames and requests tell how long they took, the end of a stream does not.
local function is_end(a)
  return a.kind == "response.completed" and not a.duration_ms
end

local function failed(event, status, begun)
  local a = event.fields
  if not is_end(a) then
    note("failed", a.conversation, batches.seconds(event))
  end
  local record = common(event)
  local code, message = told_error(a.error)
  record.request_id = made_id(event, tostring(a.attempt or ""), tostring(status or ""))
  failures.put(record,
    status or failures.status(code) or begun and failures.in_stream,
    code or not status and not begun and "connection_error" or nil, message)
  record.duration_ms = begun and duration_ms(event) or a.duration_ms
  record.streaming = begun or nil
  record.attempt = a.attempt
  record.other_id = a.provider_id
  return record
end

local codex = { name = "codex", fields = fields, prefix = "codex.", service = "codex_cli_rs" }

-- Whether why the attempt has failed is told already: nothing has begun since.
local function is_told(event)
  local conversation, time = event.fields.conversation, batches.seconds(event)
  local at, began = noted("failed", conversation), noted("began", conversation)
  return at and time and at <= time and not (began and at < began and began <= time)
end

-- A frame that nobody understands ends nothing; one without a kind is a stream that broke off.  The
-- frame response.completed comes without counts, which another event of that kind tells; a session
-- begins with a request that generates nothing, so that the prompt is in the cache.
local function of_stream(event)
  local a = event.fields
  local kind = a.kind
  if kind == "response.failed" or kind == "error" or a.error and not kind then
    return failed(event, nil, kind ~= nil)
  elseif kind ~= "response.completed" then
    return nil
  elseif a.error then
    return not (is_end(a) and is_told(event)) and failed(event, nil, true) or nil
  end
  return tokens.any(a) and a.output ~= 0 and completed(event) or nil
end

-- Lists of models are asked for too; older versions name no endpoint.
local function of_request(event)
  local a = event.fields
  local status = a.status
  if a.endpoint and not a.endpoint:find("/responses", 1, true) then
    return nil
  end
  if status and status >= 400 or a.error or a.success == false then
    return failed(event, status and status >= 400 and status or nil, false)
  end
  note_begin(event)
  return nil
end

local function of_begin(event)
  local a = event.fields
  if a.conversation and a.provider then
    memory.set(providers.word(a.provider), "codex provider", a.conversation)
  end
end

local readers = {
  conversation_starts = of_begin, sse_event = of_stream, api_request = of_request,
  websocket_request = of_request,
}

function codex.request(event)
  local read = readers[event.name]
  return read and read(event)
end

return codex
