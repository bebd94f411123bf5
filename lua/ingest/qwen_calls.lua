--- Calls as events of Qwen Code tell them (QwenLM/qwen-code, packages/core/src/telemetry), in logs
--- and in its own files.  A response is named by the provider's id, which its span and a capture
--- tell too; a failure by its session and time.
local failures = require "ingest.failures"
local gemini_tokens = require "ingest.gemini_tokens"
local ids = require "ingest.ids"
local values = require "lib.values"

local qwen_calls = { service = "qwen-code", prefix = "qwen-code." }

--- What is read of an event, as otlp.fields takes it.
qwen_calls.names = {
  prompt = { "text", "prompt_id" },
  session = { "text", "session.id" },
  timestamp = { "text", "event.timestamp" },
  model = { "text", "model" },
  response_id = { "text", "response_id" },
  api = { "text", "auth_type" },
  status = { "count", "status_code", "http.status_code" },
  duration_ms = { "number", "duration_ms" },
  ttft_ms = { "number", "ttft_ms" },
  error = { "text", "error_message", "error.message" },
  error_type = { "text", "error_type", "error.type" },
  agent = { "text", "subagent_name" },
  input = { "count", "input_token_count" },
  output = { "count", "output_token_count" },
  cached = { "count", "cached_content_token_count" },
  thoughts = { "count", "thoughts_token_count" },
  total = { "count", "total_token_count" },
  dropped = { "nothing", "event.name", "model_name", "duration" },
}

local readers = { text = values.text, number = values.number, count = values.count }

--- The same of an event that is a table.
---@param event table
---@return table<string, any>
function qwen_calls.told(event)
  local a = {}
  for field, from in pairs(qwen_calls.names) do
    local read = readers[from[1]]
    for i = 2, read and #from or 0 do
      a[field] = a[field] or read(event[from[i]])
    end
  end
  return a
end

-- Which ways to log in are a provider's own word.
local providers = { openai = "openai", anthropic = "anthropic", gemini = "gemini" }

--- The record of an event; nil where it tells of no call.
---@param name string   without the prefix
---@param a table<string, any>
---@param own string?   what names the call in these words
---@param seconds number?
---@return table?
function qwen_calls.record(name, a, own, seconds)
  if name ~= "api_response" and name ~= "api_error" then
    return nil
  end
  local record = {
    method = "POST", endpoint = "chat", path = "chat", service_type = qwen_calls.service,
    provider = providers[a.api], model = a.model, session_client_id = a.session, agent = a.agent,
    duration_ms = a.duration_ms, ttft_ms = a.ttft_ms, prompt_id = a.prompt,
  }
  if name == "api_error" then
    failures.put(record, a.status, a.error_type, a.error)
    record.request_id = own
    record.other_id = a.session and a.timestamp and ("qwen:%s:%s"):format(a.session, a.timestamp)
  else
    record.status_code = a.status or 200
    gemini_tokens.put(record, a)
    record.request_id = a.response_id and ids.row(a.response_id, own, ids.SPAN, record, seconds)
      or own
  end
  return record
end

return qwen_calls
