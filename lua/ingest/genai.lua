--- LLM calls as spans, in the names of OpenTelemetry's GenAI conventions old and
--- current, of OpenInference (Phoenix), OpenLLMetry, the Vercel AI SDK, Langfuse and
--- LiteLLM; OpenRouter's Broadcast sends the first.  The first name that is present
--- counts.  What the counts are called stands in token_names.lua.
local calls = require "ingest.calls"
local ids = require "ingest.ids"
local otlp = require "otlp"
local tokens = require "ingest.tokens"
local values = require "ingest.values"

local count, number, text = values.count, values.number, values.text

local aliases = {
  model = {
    "gen_ai.response.model", "gen_ai.request.model", "llm.response.model_name",
    "llm.model_name", "ai.response.model",
    "ai.model.id", "langfuse.observation.model.name", "llm.request.model", "model_name", "model",
  },
  provider = { "gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system",
    "ai.model.provider" },
  cost = {
    "llm.cost.total", "gen_ai.usage.total_cost", "gen_ai.usage.cost",
    "gen_ai.cost.total_cost", "operation.cost",
    "langfuse.observation.cost_details.total", "cost_usd",
  },
  id = { "gen_ai.response.id", "ai.response.id", "llm.response.id" },
  session = {
    "gen_ai.conversation.id", "session.id", "langfuse.session.id",
    "ai.telemetry.metadata.sessionId",
    "traceloop.association.properties.session_id",
  },
  user = {
    "user.id", "enduser.id", "gen_ai.user.id", "langfuse.user.id", "ai.telemetry.metadata.userId",
    "traceloop.association.properties.user_id",
  },
  streaming = { "gen_ai.request.stream", "llm.is_streaming" },
  status = { "http.response.status_code", "http.status_code" },
}

local taken = {
  "gen_ai.operation.name", "openinference.span.kind", "llm.request.type",
  "error.type", "ttft_ms", "duration_ms",
  "gen_ai.response.time_to_first_chunk", "langfuse.observation.type",
  "ai.operationId", "ai.response.msToFirstChunk",
}
for name in pairs(tokens.used) do
  taken[#taken + 1] = name
end
for _, names in pairs(aliases) do
  table.move(names, 1, #names, #taken + 1, taken)
end

-- What is looked at and stays in the row as the sender wrote it.
local names = otlp.names(taken, {
  "traceloop.span.kind", "gen_ai.response.finish_reasons", "ai.response.finishReason",
  "event.timestamp",
})

local function first(attributes, what, read)
  for _, name in ipairs(aliases[what]) do
    local value = attributes[name]
    if value ~= nil then
      value = read(value)
      if value ~= nil then
        return value
      end
    end
  end
  return nil
end

local openllmetry =
  { chat = "chat", completion = "text_completion", embedding = "embeddings", rerank = "rerank" }
local openinference = { LLM = "chat", EMBEDDING = "embeddings", RERANKER = "rerank" }
local openinference_wrappers = values.set(
  "AGENT", "CHAIN", "TOOL", "RETRIEVER", "GUARDRAIL", "EVALUATOR", "PROMPT", "WORKFLOW", "TASK")
local langfuse = { generation = "chat", embedding = "embeddings" }

-- Where a convention names the kind of span, its words for calls, and for what is none.
local conventions = {
  { name = "openinference.span.kind", calls = openinference, others = openinference_wrappers },
  { name = "llm.request.type", calls = openllmetry, others = {} },
  { name = "langfuse.observation.type", calls = langfuse,
    others = values.set("span", "event", "agent", "tool", "chain", "retriever") },
}

-- "ai.generateText.doGenerate" is a call, "ai.generateText" around it and "ai.toolCall" are none.
local function vercel(id)
  local call = id:match("%.do(%u%a*)$")
  return call and (call == "Embed" and "embeddings" or "chat") or nil
end

-- The kind of call in the words of one convention, and whether that convention knows this word.
local function told_kind(a)
  local name = text(a["gen_ai.operation.name"])
  if name then
    local kind = calls.kind(name)
    return kind == "call" and name, kind ~= nil, name
  end
  local sdk = text(a["ai.operationId"])
  if sdk and sdk:find("^ai%.") then
    return vercel(sdk), true, sdk
  end
  for _, convention in ipairs(conventions) do
    local word = text(a[convention.name])
    if word then
      return convention.calls[word],
        (convention.calls[word] or convention.others[word]) ~= nil, word
    end
  end
  return nil, text(a["traceloop.span.kind"]) ~= nil, nil
end

-- The kind of call of a span that has a model and tokens, and the word for it that is
-- not known here.
local function guessed_kind(a, told, word, span)
  if not (tokens.any(told) and first(a, "model", text)) then
    return nil
  elseif not word and first(a, "provider", text) and told.output then
    return "chat"
  end
  return word or "chat", word or values.clip(span.name, 100) or "?"
end

local function broke_off(a)
  for _, reason in ipairs(values.object(a["gen_ai.response.finish_reasons"])) do
    if reason == "error" then
      return true
    end
  end
  return a["ai.response.finishReason"] == "error"
end

-- An error of a stream comes after a status of 200.
local function status(span, a)
  local code, error_type = first(a, "status", count), text(a["error.type"])
  local failed = span.failed or error_type or broke_off(a)
  if code and code >= 400 or not failed then
    return code or 200
  end
  local named = count(error_type)
  return named and named >= 400 and named < 600 and named or 500
end

local function ttft_ms(a)
  local seconds = number(a["gen_ai.response.time_to_first_chunk"])
  return seconds and seconds * 1000 or number(a.ttft_ms) or number(a["ai.response.msToFirstChunk"])
end

-- Whose input leaves the cache out, where the counts do not tell: Bedrock's, as Strands
-- passes it on; Anthropic's, as the Vercel AI SDK did before version 6; Langfuse's own
-- details.
local function excludes_cache(a, origin)
  if origin.scope:find("^strands") or a["langfuse.observation.usage_details.input"] ~= nil then
    return true
  end
  local provider = (first(a, "provider", text) or ""):lower()
  return text(a["ai.operationId"]) ~= nil
    and (provider:find("anthropic") or provider:find("bedrock")) ~= nil
end

local function row_id(record, a)
  local own = record.trace_id and record.span_id and record.trace_id .. ":" .. record.span_id
  local provided, time = first(a, "id", text), record.timestamp
  return provided and ids.row(provided, own, false, record, time and time / 1e9) or own
end

local genai = { names = names }

--- The record of a span that is an LLM call, without its cost; nil for any other span.
---@param span OtlpReader a log record too
---@param attributes table<string, any>
---@param origin Origin
---@return table? record
---@return boolean known  of a record: it has tokens; else: it is known what the span is
function genai.record(span, attributes, origin)
  local kind, known, word = told_kind(attributes)
  if known and not kind then
    return nil, true
  end
  local a = tokens.unpacked(attributes)
  local told, unknown = tokens.told(a), nil
  if not kind then
    kind, unknown = guessed_kind(a, told, word, span)
  end
  if not kind then
    return nil, false
  end
  local from, to = span.start, span.time or span.observed
  local code = status(span, a)
  local record = {
    timestamp = to or from,
    method = "POST",
    endpoint = kind,
    path = kind,
    service_type = text(origin.resource["service.name"]) or "otlp",
    model = first(a, "model", text),
    provider = first(a, "provider", text),
    unknown_operation = unknown,
    streaming = first(a, "streaming", values.flag),
    status_code = code,
    duration_ms = from and to and to >= from and (to - from) / 1e6 or number(a.duration_ms),
    ttft_ms = ttft_ms(a),
    session_client_id = first(a, "session", text),
    user = first(a, "user", text),
    error_type = code >= 400 and text(a["error.type"]) or nil,
    error_message = code >= 400 and values.clip(span.message, 1024)
      or nil,
    trace_id = span.trace_id,
    span_id = span.span_id,
    attributes = span:rest(names),
    resource = origin.kept,
  }
  tokens.put(record, told, excludes_cache(a, origin))
  record.request_id = row_id(record, a)
  return record, tokens.any(told)
end

--- The cost that the span reports.
function genai.cost(attributes)
  return first(tokens.unpacked(attributes), "cost", number)
end

return genai
