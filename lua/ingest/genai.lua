--- LLM calls as spans, in the names of OpenTelemetry's GenAI conventions old and
--- current, of OpenInference (Phoenix), OpenLLMetry, the Vercel AI SDK, Langfuse and
--- LiteLLM; OpenRouter's Broadcast sends the first.  The first name that is present
--- counts.  What the counts are called stands in token_names.lua.
local calls = require "ingest.calls"
local dates = require "lib.dates"
local failures = require "ingest.failures"
local ids = require "ingest.ids"
local json = require "json"
local origins = require "ingest.origins"
local otlp = require "otlp"
local providers = require "lib.providers"
local tokens = require "ingest.tokens"
local values = require "lib.values"

local told = {
  model = {
    "name", "gen_ai.response.model", "gen_ai.request.model", "llm.response.model_name",
    "llm.model_name", "ai.response.model",
    "ai.model.id", "langfuse.observation.model.name", "mlflow.llm.model", "llm.request.model",
    "embedding.model_name", "reranker.model_name", "model_name", "model",
  },
  provider = { "text", "gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system",
    "ai.model.provider", "gen_ai.model.provider", "mlflow.llm.provider",
    "metadata.ls_provider", "langfuse.observation.metadata.ls_provider" }, -- LangChain's
  cost = {
    "number", "llm.cost.total", "gen_ai.usage.total_cost", "gen_ai.usage.cost",
    "gen_ai.cost.total_cost", "operation.cost",
    "langfuse.observation.cost_details.total", "mlflow.llm.cost.total_cost",
    "litellm.cost.total", "cost_usd", "ai.response.providerMetadata.gateway.cost",
    "ai.response.providerMetadata.openrouter.usage.cost",
  },
  cost_input = { "number", "gen_ai.usage.input_cost", "llm.cost.prompt" },
  cost_output = { "number", "gen_ai.usage.output_cost", "llm.cost.completion" },
  id = { "text", "gen_ai.response.id", "ai.response.id", "llm.response.id",
    "gen_ai.thread.run.id" },
  session = {
    "text", "gen_ai.conversation.id", "session.id", "langfuse.session.id",
    "ai.telemetry.metadata.sessionId", "ai.settings.context.sessionId",
    "mastra.metadata.sessionId",
    "traceloop.association.properties.session_id",
  },
  user = {
    "name", "user.id", "enduser.id", "gen_ai.user.id", "langfuse.user.id",
    "ai.telemetry.metadata.userId", "ai.settings.context.userId", "mastra.metadata.userId",
    "traceloop.association.properties.user_id",
    "litellm.metadata.user_api_key_user_id", "metadata.user_api_key_user_id", -- LiteLLM's
    "litellm.end_user.id",
  },
  team = {
    "text", "litellm.team.alias", "litellm.metadata.user_api_key_team_alias",
    "metadata.user_api_key_team_alias", "litellm.team.id", "metadata.user_api_key_team_id",
  },
  api_key = {
    "text", "litellm.metadata.user_api_key_alias", "metadata.user_api_key_alias",
    "litellm.api_key.hash", "metadata.user_api_key_hash",
    "trace.metadata.openrouter.api_key_name",
  },
  streaming = { "flag", "gen_ai.request.stream", "llm.is_streaming", "litellm.request.streaming",
    "llm.invocation_parameters.stream", "langfuse.observation.model.parameters.stream" },
  status = { "count", "http.response.status_code", "http.status_code" },
  error_type = { "text", "error.type" },
  level = { "text", "langfuse.observation.level", stays = true },
  status_message = { "text", "langfuse.observation.status_message" },
  error_code = { "count", "litellm.provider.error.code", "error.code", "error_status_code" },
  duration_ms = { "number", "duration_ms" },
  ttft_s = { "number", "gen_ai.response.time_to_first_chunk",
    "gen_ai.client.operation.time_to_first_chunk" },
  ttft_ms = { "number", "ttft_ms", "ai.response.msToFirstChunk", "ai.stream.msToFirstChunk",
    "trace.metadata.openrouter.first_token_ms" },
  first_token_at = { "text", "mastra.completion_start_time",
    "langfuse.observation.completion_start_time" },

  -- What the conventions call the kind of a span.
  operation = { "text", "gen_ai.operation.name" },
  sdk_operation = { "text", "ai.operationId" },
  openinference_kind = { "text", "openinference.span.kind" },
  openllmetry_kind = { "text", "llm.request.type" },
  langfuse_kind = { "text", "langfuse.observation.type" },
  langsmith_kind = { "text", "langsmith.span.kind" },
  mlflow_kind = { "text", "mlflow.spanType" },

  -- Looked at, and left in the row as the sender wrote it.
  traceloop_kind = { "text", "traceloop.span.kind", stays = true },
  call_type = { "text", "litellm.call_type", stays = true },
  call_id = { "text", "litellm.call_id", stays = true },
  finish_reasons = { "any", "gen_ai.response.finish_reasons", stays = true },
  user_agent = { "text", "ai.request.headers.user-agent", stays = true },
  finish_reason = { "any", "ai.response.finishReason", stays = true },
  timestamp = { "text", "event.timestamp", stays = true },
  opened = { "packed", "langfuse.observation.model.parameters", "metadata", stays = true },
  http = { "any", "http.request.method", "http.method", "url.full", "http.url", "http.route",
    stays = true },
}
for what, field in pairs(tokens.fields) do
  told[what] = field
end

local fields = otlp.fields(told)

local openllmetry =
  { chat = "chat", completion = "text_completion", embedding = "embeddings", rerank = "rerank" }
local openinference = { LLM = "chat", EMBEDDING = "embeddings", RERANKER = "rerank" }
local openinference_wrappers = values.set(
  "AGENT", "CHAIN", "TOOL", "RETRIEVER", "GUARDRAIL", "EVALUATOR", "PROMPT", "WORKFLOW", "TASK")
local langfuse = { generation = "chat", embedding = "embeddings" }
local langsmith = { llm = "chat", embedding = "embeddings" }
local langsmith_others = values.set("prompt", "retriever", "chain", "tool", "parser")
local mlflow =
  { LLM = "chat", CHAT_MODEL = "chat", EMBEDDING = "embeddings", RERANKER = "rerank" }
local mlflow_wrappers = values.set("AGENT", "CHAIN", "TOOL", "RETRIEVER", "PARSER", "MEMORY",
  "WORKFLOW", "TASK", "GUARDRAIL", "EVALUATOR")

-- Where a convention names the kind of span, its words for calls, and for what is none.
local conventions = {
  { name = "openinference_kind", calls = openinference, others = openinference_wrappers },
  { name = "openllmetry_kind", calls = openllmetry, others = {} },
  { name = "langfuse_kind", calls = langfuse,
    others = values.set("span", "event", "agent", "tool", "chain", "retriever") },
  { name = "langsmith_kind", calls = langsmith, others = langsmith_others },
  { name = "mlflow_kind", calls = mlflow, others = mlflow_wrappers },
}

-- "ai.generateText.doGenerate" is a call, "ai.generateText" around it and "ai.toolCall" are none.
local vercel_calls = { Embed = "embeddings", Rerank = "rerank" }

local function vercel_call(id)
  return id:match("^ai%..*%.do(%u%a*)$")
end

local function vercel(id)
  local call = vercel_call(id)
  return call and (vercel_calls[call] or "chat")
end

-- LiteLLM's operation is "chat" for want of a better word; its call type knows what is no call.
local function operation(a)
  local kind = a.call_type and calls.kind(a.call_type)
  return kind and kind ~= "call" and a.call_type or a.operation
end

-- Whether it tells what a provider bills.
local function bills(a)
  return tokens.any(a) or (a.cost or 0) > 0
end

-- The kind of call in the words of one convention, and whether that convention knows this word.
local function told_kind(a)
  local name, sdk = operation(a), a.sdk_operation
  if langsmith_others[a.langsmith_kind] then
    -- LangSmith calls the operation of all its runs "chat".
    return nil, true, a.langsmith_kind
  elseif name then
    local kind = calls.kind(name)
    local is_fetched = kind == "fetched" and a.id ~= nil and bills(a)
    return (kind == "call" or is_fetched) and name, kind ~= nil, name, is_fetched
  end
  if sdk and sdk:find("^ai%.") then
    return vercel(sdk), true, sdk
  end
  for _, convention in ipairs(conventions) do
    local word = a[convention.name]
    if word then
      return convention.calls[word],
        (convention.calls[word] or convention.others[word]) ~= nil, word
    end
  end
  return nil, a.traceloop_kind ~= nil, nil
end

-- The kind of call of a span that has a model and tokens or a cost, and the word for it
-- that is not known here.
local function guessed_kind(a, word, span)
  if not (a.model and bills(a)) then
    return nil
  elseif not word and a.provider and a.output then
    return "chat"
  end
  return word or "chat", word or values.clip(span:name(), 100) or "?"
end

local function broke_off(a)
  for _, reason in ipairs(values.object(a.finish_reasons)) do
    if reason == "error" then
      return true
    end
  end
  return a.finish_reason == "error"
end

-- LangSmith tells a failure in an event and a status of success: then there is a prompt and no
-- answer.
local function has_no_answer(span, a, origin)
  return a.langsmith_kind and origin.scope == "langsmith" and not a.id and not tokens.any(a)
    and span:get "gen_ai.prompt" ~= nil and span:get "gen_ai.completion" == nil
end

-- Its status, and what it says where it failed.  An error of a stream comes after a status of 200.
local function outcome(span, a, origin)
  local is_failed, message = span:status()
  message = message or a.status_message
  local code = a.status
  is_failed = is_failed or a.error_type or a.level == "ERROR" or broke_off(a)
    or has_no_answer(span, a, origin)
  if code and code >= 400 or not is_failed then
    return code or 200, message
  end
  return failures.status(a.error_code) or failures.status(a.error_type, message) or 500, message
end

local function has_part(text, parts)
  for _, part in ipairs(parts) do
    if text:find(part, 1, true) then
      return true
    end
  end
  return false
end

-- What providers are called whose API leaves the cache out of the input.
local fresh_providers = { "anthropic", "bedrock" }

-- By the beginning of the scope, who passes that on as it is: always, or of those models.
local fresh_scopes = {
  { "@traceloop/instrumentation-anthropic" },
  { "strands", models = { "anthropic", "claude", "nova", "arn:aws:bedrock" } },
}

-- The Vercel AI SDK passes it on up to version 5; from 6 on its input is all of the prompt.  In its
-- version 5 and later an object that is streamed tells no version: those of 6 are more.
local function is_fresh_sdk(a)
  local version = a.user_agent and a.user_agent:match("^ai/(%d+)")
  if version then
    return tonumber(version) < 6
  end
  return not (a.total and a.sdk_operation:find("streamObject", 1, true))
end

-- Whose input leaves the cache out, where the counts do not tell.
local function excludes_cache(a, origin)
  for _, scope in ipairs(fresh_scopes) do
    if origin.scope:find(scope[1], 1, true) == 1 then
      return not scope.models or has_part((a.model or ""):lower(), scope.models)
    end
  end
  return a.sdk_operation ~= nil and has_part((a.provider or ""):lower(), fresh_providers)
    and is_fresh_sdk(a)
end

local function is_streamed(a)
  if a.streaming == nil and a.sdk_operation and vercel_call(a.sdk_operation) == "Stream" then
    return true
  end
  return a.streaming
end

-- Milliseconds until the first token; some tell when it came.
local function first_token(a, from, to)
  local at = from and to and not a.ttft_s and not a.ttft_ms and dates.seconds(a.first_token_at)
  if at and at >= from / 1e9 and at <= to / 1e9 then
    return values.milliseconds(at - from / 1e9)
  end
  return a.ttft_s and a.ttft_s * 1000 or a.ttft_ms
end

-- LiteLLM's callback has the call's id where there is no answer that has one: when it failed.
local function row_id(record, a)
  local trace, span, time = record.trace_id, record.span_id, record.timestamp
  local own = trace and span and trace .. ":" .. span
  return a.id and ids.row(a.id, own, ids.SPAN, record, time and time / 1e9) or a.call_id or own
end

-- What is fetched again and again is one row.
local function put_fetched(record, id)
  record.request_id = id
  if record.endpoint:find "batch$" then
    record.service_tier = record.service_tier or "batch"
  end
end

local genai = { fields = fields }

--- The record of a span that is an LLM call, without its cost; nil for any other span.
---@param span OtlpReader a log record too
---@param a table<string, any>  its fields
---@param origin Origin
---@return table? record
---@return boolean known  of a record: it has tokens; else: it is known what the span is
---@return string? parent   of a record: its span's parent
---@return boolean? guessed  .. nothing but its counts says that it is a call
function genai.record(span, a, origin)
  local kind, known, word, is_fetched = told_kind(a)
  local unknown
  local is_guessed = not kind and not known
  if is_guessed then
    kind, unknown = guessed_kind(a, word, span)
  end
  if not kind then
    return nil, known
  end
  local from, to, observed = span:times()
  local trace, id, parent = span:ids()
  local code, message = outcome(span, a, origin)
  local failed = code >= 400
  to = to or observed
  local record = {
    timestamp = to or from,
    method = "POST",
    endpoint = kind,
    path = kind,
    service_type = values.text(origin.resource["service.name"]) or "otlp",
    user_agent = origin.user_agent,
    model = a.model,
    provider = a.provider and providers.word(a.provider),
    unknown_operation = unknown,
    streaming = is_streamed(a),
    status_code = code,
    duration_ms = from and to and to >= from and (to - from) / 1e6 or a.duration_ms,
    ttft_ms = first_token(a, from, to),
    session_client_id = a.session,
    user = a.user,
    team = a.team,
    api_key = a.api_key,
    error_type = failed and a.error_type or nil,
    error_message = failed and values.clip(message, 1024) or nil,
    trace_id = trace,
    span_id = id,
    attributes = span:rest(fields),
  }
  origins.put(record, origin)
  a.cost_details = a.langfuse_kind and span:get "langfuse.observation.cost_details"
  tokens.put(record, a, excludes_cache(a, origin))
  if is_fetched then
    put_fetched(record, a.id)
  else
    record.request_id = row_id(record, a)
  end
  return record, tokens.any(a), parent, is_guessed
end

-- Langfuse's: a total, or its parts by kind of tokens; as JSON where it comes from a SDK.
local function cost_of_details(details)
  if type(details) == "string" then
    details = json.decode(details)
  end
  details = values.object(details)
  local sum
  for _, part in pairs(details) do
    local dollars = values.number(part)
    sum = dollars and (sum or 0) + dollars or sum
  end
  return values.number(details.total) or values.number(details.total_cost) or sum
end

--- The cost that the span reports, else the sum of the parts that it reports.
function genai.cost(a)
  local input, output = a.cost_input, a.cost_output
  if a.cost or not input then
    local cost = a.cost or a.cost_details and cost_of_details(a.cost_details)
    -- Langfuse writes zeros where it knows of no usage.
    local is_told = cost ~= 0 or not a.langfuse_kind or tokens.any(a)
    return is_told and cost or nil
  end
  return (output or (a.output or 0) == 0) and input + (output or 0) or nil
end

return genai
