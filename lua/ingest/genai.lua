--- LLM calls as spans, in the names of OpenTelemetry's GenAI conventions old and current, of OpenInference (Phoenix)
--- and of OpenLLMetry; OpenRouter's Broadcast sends the first.  The first name that is present counts.
local otlp = require "ingest.otlp"
local values = require "ingest.values"

local count, number, text = values.count, values.number, values.text

local aliases = {
  model = { "gen_ai.response.model", "gen_ai.request.model", "llm.response.model_name", "llm.model_name", "model" },
  provider = { "gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system" },
  input = { "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt" },
  output = { "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion" },
  cache_read = {
    "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens",
    "llm.token_count.prompt_details.cache_read",
  },
  cache_write = {
    "gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens", "gen_ai.usage.cache_write_input_tokens",
    "llm.token_count.prompt_details.cache_write",
  },
  reasoning = { "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens" },
  cost = { "llm.cost.total", "gen_ai.usage.total_cost", "gen_ai.usage.cost", "cost_usd" },
  id = { "gen_ai.response.id" },
  session = { "gen_ai.conversation.id", "session.id" },
  user = { "user.id", "enduser.id" },
  streaming = { "gen_ai.request.stream", "llm.is_streaming" },
  status = { "http.response.status_code", "http.status_code" },
}

local used = otlp.names(
  "gen_ai.operation.name", "openinference.span.kind", "llm.request.type", "error.type", "ttft_ms",
  "gen_ai.response.time_to_first_chunk", "llm.usage.total_tokens", "gen_ai.usage.total_tokens")
for _, names in pairs(aliases) do
  for _, name in ipairs(names) do
    used[name] = true
  end
end

local function first(attributes, what, read)
  for _, name in ipairs(aliases[what]) do
    local value = read(attributes[name])
    if value ~= nil then
      return value
    end
  end
  return nil
end

local operations = { chat = true, text_completion = true, generate_content = true, embeddings = true }
local openllmetry = { chat = "chat", completion = "text_completion", embedding = "embeddings" }
local openinference = { LLM = "chat", EMBEDDING = "embeddings" }

-- Agents, tools and chains wrap the calls that are reported by themselves: counting them too would double the tokens.
local function operation(a)
  local name = text(a["gen_ai.operation.name"])
  if name then
    return operations[name] and name or nil
  end
  if a["openinference.span.kind"] ~= nil then
    return openinference[a["openinference.span.kind"]]
  end
  if a["llm.request.type"] ~= nil then
    return openllmetry[a["llm.request.type"]]
  end
  return first(a, "provider", text) and first(a, "output", count) and first(a, "model", text) and "chat" or nil
end

local function status(span, a)
  local code = first(a, "status", count)
  local state = values.object(span.status).code
  if state ~= 2 and state ~= "STATUS_CODE_ERROR" then
    return code or 200
  end
  if code and code >= 400 then
    return code
  end
  local named = count(a["error.type"])
  return named and named >= 400 and named < 600 and named or 500
end

-- The conventions' total includes the cache; emitters before 1.40 passed on Anthropic's number, which leaves it out:
-- a total smaller than its parts is such a one.
local function fresh_input(total, read, written)
  local cached = (read or 0) + (written or 0)
  return total and total >= cached and total - cached or total
end

local function ttft_ms(a)
  local seconds = number(a["gen_ai.response.time_to_first_chunk"])
  return seconds and seconds * 1000 or number(a.ttft_ms)
end

local genai = {}

--- The record of a span that is an LLM call, without its cost; nil for any other span.
---@param span table
---@param attributes table<string, any>
---@param origin Origin
---@return table?
function genai.record(span, attributes, origin)
  local a = attributes
  local kind = operation(a)
  if not kind then
    return nil
  end
  local trace, id = text(span.traceId), text(span.spanId)
  local from, to = values.nanoseconds(span.startTimeUnixNano), values.nanoseconds(span.endTimeUnixNano)
  local read, written = first(a, "cache_read", count), first(a, "cache_write", count)
  local code = status(span, a)
  return {
    request_id = first(a, "id", text) or trace and id and (trace .. ":" .. id):lower() or nil,
    timestamp = to or from,
    method = "POST",
    endpoint = kind,
    path = kind,
    service_type = text(origin.resource["service.name"]) or "otlp",
    model = first(a, "model", text),
    provider = first(a, "provider", text),
    streaming = first(a, "streaming", values.flag),
    status_code = code,
    duration_ms = from and to and to >= from and (to - from) / 1e6 or nil,
    tokens_input = fresh_input(first(a, "input", count), read, written),
    tokens_output = first(a, "output", count),
    cache_read_tokens = read,
    cache_write_tokens = written,
    reasoning_tokens = first(a, "reasoning", count),
    ttft_ms = ttft_ms(a),
    session_client_id = first(a, "session", text),
    user = first(a, "user", text),
    error_type = code >= 400 and text(a["error.type"]) or nil,
    error_message = code >= 400 and values.clip(text(values.object(span.status).message), 1024) or nil,
    trace_id = trace and trace:lower(),
    span_id = id and id:lower(),
    attributes = otlp.rest(a, used),
    resource = origin.kept,
  }
end

--- The cost that the span reports.
function genai.cost(attributes)
  return first(attributes, "cost", number)
end

return genai
