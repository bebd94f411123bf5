--- Gemini CLI's log events (google-gemini/gemini-cli, docs/cli/telemetry.md).  It tells
--- of one call three times: the log gemini_cli.api_response counts,
--- gen_ai.client.inference.operation.details and the metrics do not.
local otlp = require "otlp"
local values = require "ingest.values"

local count, text = values.count, values.text

local names = otlp.names {
  "event.name", "event.timestamp", "session.id", "prompt_id",
  "model", "status_code", "duration_ms", "error",
  "error_type", "error.message", "error.type", "http.status_code",
  "input_token_count", "output_token_count",
  "cached_content_token_count", "thoughts_token_count", "tool_token_count", "total_token_count",
}

local function made_id(event)
  local a = event.attributes
  local prompt = values.first_text(a.prompt_id, a["session.id"])
  if not (prompt and event.timestamp) then
    return nil
  end
  return table.concat({ prompt, tostring(event.timestamp), text(a.model) or "" }, ":")
end

local function common(event)
  local a = event.attributes
  return {
    request_id = made_id(event),
    timestamp = event.timestamp,
    method = "POST",
    endpoint = "generateContent",
    path = "generateContent",
    service_type = "gemini_cli",
    provider = "gemini",
    model = text(a.model),
    duration_ms = values.number(a.duration_ms),
    session_client_id = text(a["session.id"]),
    prompt_id = text(a.prompt_id),
    attributes = event.log:rest(names),
    resource = event.origin.kept,
  }
end

-- Thoughts are billed as output.  They stand beside the output count in Google's API;
-- the total tells when a version of the client has already added them.
local function output_tokens(a, input, tools)
  local output, thoughts = count(a.output_token_count), count(a.thoughts_token_count) or 0
  local total = count(a.total_token_count)
  if not output or total and total == input + tools + output then
    return output
  end
  return output + thoughts
end

local function answered(event)
  local a = event.attributes
  local total, read = count(a.input_token_count) or 0, count(a.cached_content_token_count)
  local tools = count(a.tool_token_count) or 0
  local record = common(event)
  record.status_code = count(a.status_code) or count(a["http.status_code"]) or 200
  record.tokens_input = math.max(0, total - (read or 0)) + tools
  record.tokens_output = output_tokens(a, total, tools)
  record.cache_read_tokens = read
  record.reasoning_tokens = count(a.thoughts_token_count)
  return record
end

local function failed(event)
  local a = event.attributes
  local status = count(a.status_code) or count(a["http.status_code"])
  local record = common(event)
  record.status_code = status or 599
  record.error_type = values.first_text(a.error_type, a["error.type"])
  record.error_message = values.clip(values.first_text(a.error, a["error.message"]), 1024)
  return record
end

local gemini_cli = {
  name = "gemini_cli", names = names, prefix = "gemini_cli.", service = "gemini-cli",
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
