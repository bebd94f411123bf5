--- What the name of an operation says of it: whether a model generates something in it.
local set = require("lib.values").set

local calls = {}

-- The GenAI conventions' and frameworks', and LiteLLM's call types, which begin with an
-- "a" when they are asynchronous.
local known = set(
  "chat", "text_completion", "generate_content", "embeddings",
  "completion", "embedding", "responses",
  "anthropic_messages", "image_generation", "image_edit", "speech",
  "transcription", "rerank", "realtime", "moderation",
  "generate_content_stream", "completion_with_retries", "llm_passthrough_route",
  "pass_through_endpoint", "ocr", "search", "create_video", "converse",
  "stream_generate_content", "image_variation", "vector_store_search",
  "image", "audio", "text_to_speech", "speech_to_text",        -- OpenLIT, Spring AI
  "chat.completions", "chat.streaming_completions",            -- Semantic Kernel
  "text.completions", "text.streaming_completions",
  "process_thread_run")                                        -- Azure's agents

-- What was generated before and is told of whenever somebody fetches it: batches, runs of
-- Azure's agents.
local fetched = set("retrieve_batch", "get_thread_run")

-- Agents, tools and chains wrap the calls that are reported by themselves: counting
-- them too would double the tokens.
local wrappers = set(
  "task", "handoff", "guardrail", "evaluation", "evaluator",
  "plan", "retrieval", "retriever", "memory",
  "execute_task", "execute_event_loop_cycle")
local wrapper_words =
  set("agent", "workflow", "tool", "chain", "crew", "graph", "swarm", "team", "session", "turn")

-- What is fetched, listed, stopped or counted was generated and told of before, or never.
local idle_words = set(
  "get", "aget", "retrieve", "aretrieve", "list", "alist", "delete",
  "adelete", "cancel", "acancel", "count", "acount",
  "file", "afile", "batch", "health", "ahealth", "ping", "token", "management")

local function has_word(name, words)
  for word in name:gmatch("[^_%.%s%-]+") do
    if words[word] then
      return true
    end
  end
  return false
end

--- "call": a model generates; "wrapper": it holds calls; "fetched": it may tell of what was
--- generated before; "idle": nothing is generated; nil: the name is not known.
---@param name string
---@return "call"|"wrapper"|"fetched"|"idle"|nil
function calls.kind(name)
  if known[name] then
    return "call"
  end
  name = name:lower()
  local plain = name:sub(1, 1) == "a" and name:sub(2) or name
  if known[name] or known[plain] then
    return "call"
  elseif fetched[name] or fetched[plain] then
    return "fetched"
  elseif wrappers[name] or has_word(name, wrapper_words) then
    return "wrapper"
  end
  return has_word(name, idle_words) and "idle" or nil
end

return calls
