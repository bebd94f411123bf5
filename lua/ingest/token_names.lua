--- What senders call their counts, as span attributes and as members of a usage object
--- (a.b is b inside a).  Of each list the first name that is there counts.  A sender
--- that is missing here is a name in these lists.
return {
  -- JSON in a text: its members follow as name.member.
  packed = {
    "langfuse.observation.usage_details", "mlflow.chat.tokenUsage", "ai.response.providerMetadata",
    "langfuse.observation.cost_details",
  },

  -- The whole prompt or its fresh part: tokens.lua tells which.
  input = {
    -- GenAI conventions, current and old
    "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",                                                -- OpenInference
    "llm.usage.prompt_tokens", "llm.usage.input_tokens",                     -- OpenLLMetry, old
    "ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens",      -- Vercel AI SDK
    "ai.prompt_tokens.used",                                                 -- Sentry, old
    "langfuse.observation.usage_details.input", "mlflow.chat.tokenUsage.input_tokens",
    -- usage of OpenAI, Anthropic, Bedrock
    "prompt_tokens", "input_tokens", "inputTokens", "promptTokens",
    "promptTokenCount", "prompt_token_count", "inputTokenCount",             -- Gemini
    "input_token_count",
  },
  -- Certainly without the cache.
  fresh = {
    "gen_ai.usage.details.input_tokens", "ai.usage.inputTokenDetails.noCacheTokens",
    "inputTokenDetails.noCacheTokens", "langfuse.observation.usage_details.input_text",
    "ai.response.providerMetadata.anthropic.usage.input_tokens",
  },
  output = {
    "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion",
    "llm.usage.completion_tokens", "llm.usage.output_tokens",
    "ai.usage.outputTokens", "ai.usage.completionTokens",
    "ai.completion_tokens.used", "langfuse.observation.usage_details.output",
    "mlflow.chat.tokenUsage.output_tokens",
    "completion_tokens", "output_tokens", "outputTokens",
    "completionTokens", "candidatesTokenCount",
    "candidates_token_count", "outputTokenCount", "output_token_count",
  },
  total = {
    "gen_ai.usage.total_tokens", "llm.usage.total_tokens",
    "llm.token_count.total", "ai.usage.totalTokens",
    "ai.total_tokens.used", "langfuse.observation.usage_details.total",
    "mlflow.chat.tokenUsage.total_tokens",
    "total_tokens", "totalTokens", "totalTokenCount", "total_token_count",
  },
  cache_read = {
    -- GenAI; Bedrock, Strands
    "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens",
    -- pydantic-ai
    "gen_ai.usage.details.cache_read_input_tokens", "gen_ai.usage.details.cache_read_tokens",
    "gen_ai.usage.details.cached_tokens", "gen_ai.usage.details.input_cached_tokens",
    "gen_ai.usage.input_tokens.cached", "gen_ai.usage.cached_tokens",
    "gen_ai.usage.cached_input_tokens",
    "gen_ai.usage.cache_read_tokens", "gen_ai.usage.prompt_tokens_details.cached_tokens",
    "gen_ai.usage.input_tokens_details.cached_tokens",
    "gen_ai.usage.input_token_details.cache_read",
    -- OpenInference
    "llm.token_count.prompt_details.cache_read", "llm.token_count.prompt_details.cache_input",
    "llm.usage.cache_read_input_tokens", "llm.usage.cached_tokens",          -- OpenLLMetry
    "ai.usage.inputTokenDetails.cacheReadTokens", "ai.usage.cachedInputTokens", -- Vercel AI SDK
    "ai.response.providerMetadata.anthropic.usage.cache_read_input_tokens",
    "ai.response.providerMetadata.anthropic.cacheReadInputTokens",
    "ai.response.providerMetadata.bedrock.usage.cacheReadInputTokens",
    "ai.response.providerMetadata.openai.cachedPromptTokens",
    "langfuse.observation.usage_details.cache_read_input_tokens",
    "langfuse.observation.usage_details.input_cached_tokens",
    "langfuse.observation.usage_details.input_cache_read",
    "mlflow.chat.tokenUsage.cache_read_input_tokens",
    "cache_read_input_tokens", "prompt_tokens_details.cached_tokens",
    "input_tokens_details.cached_tokens",
    "cacheReadInputTokens", "cacheReadInputTokenCount", "cachedInputTokens",
    "inputTokenDetails.cacheReadTokens",
    "cachedContentTokenCount", "cached_content_token_count",
    "cached_token_count", "prompt_cache_hit_tokens",
    "cached_tokens", "cache_read_tokens",
  },
  cache_write = {
    "gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens", "gen_ai.usage.cache_write_input_tokens",
    "gen_ai.usage.details.cache_creation_input_tokens", "gen_ai.usage.details.cache_write_tokens",
    "gen_ai.usage.input_tokens.cache_write", "gen_ai.usage.input_tokens.cache_creation",
    "gen_ai.usage.cache_write_tokens", "gen_ai.usage.cache_creation_tokens",
    "gen_ai.usage.prompt_tokens_details.cache_write_tokens",
    "gen_ai.usage.input_token_details.cache_creation",
    "gen_ai.usage.prompt_tokens_details.cache_creation_tokens",
    "llm.token_count.prompt_details.cache_write", "llm.token_count.prompt_details.cache_creation",
    "llm.usage.cache_creation_input_tokens", "ai.usage.inputTokenDetails.cacheWriteTokens",
    "ai.usage.cacheCreationInputTokens",
    "ai.response.providerMetadata.anthropic.usage.cache_creation_input_tokens",
    "ai.response.providerMetadata.anthropic.cacheCreationInputTokens",
    "ai.response.providerMetadata.bedrock.usage.cacheWriteInputTokens",
    "langfuse.observation.usage_details.cache_creation_input_tokens",
    "langfuse.observation.usage_details.input_cache_creation",
    "mlflow.chat.tokenUsage.cache_creation_input_tokens",
    "cache_creation_input_tokens", "cache_write_input_tokens",
    "prompt_tokens_details.cache_creation_tokens",
    "prompt_tokens_details.cache_write_tokens", "input_tokens_details.cache_write_tokens",
    "input_tokens_details.cache_creation_tokens", "cacheWriteInputTokens",
    "cacheWriteInputTokenCount",
    "inputTokenDetails.cacheWriteTokens", "cache_write_token_count",
    "cache_write_tokens", "cache_creation_tokens",
  },
  -- Parts of cache_write.
  cache_write_5m = {
    "gen_ai.usage.input_tokens.cache_write_5m",                              -- OpenRouter
    "gen_ai.usage.cache_creation.ephemeral_5m_input_tokens",
    "gen_ai.usage.details.cache_write_5m_tokens",
    "gen_ai.usage.cache_creation.ephemeral_5m.input_tokens",
    "cache_creation.ephemeral_5m_input_tokens",
    "prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens",
    "ai.response.providerMetadata.anthropic.usage.cache_creation.ephemeral_5m_input_tokens",
  },
  cache_write_1h = {
    "gen_ai.usage.input_tokens.cache_write_1h",                              -- OpenRouter
    "gen_ai.usage.cache_creation.ephemeral_1h_input_tokens",
    "gen_ai.usage.details.cache_write_1h_tokens",
    "gen_ai.usage.cache_creation.ephemeral_1h.input_tokens",
    "cache_creation.ephemeral_1h_input_tokens",
    "prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens",
    "ai.response.providerMetadata.anthropic.usage.cache_creation.ephemeral_1h_input_tokens",
  },
  -- Inside the output or beside it: tokens.lua tells which.
  reasoning = {
    "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.output_tokens.reasoning",
    "gen_ai.usage.reasoning_output_tokens", "gen_ai.usage.details.reasoning_tokens",
    "gen_ai.usage.details.thoughts_tokens",
    "gen_ai.usage.completion_tokens_details.reasoning_tokens",
    "gen_ai.usage.output_tokens_details.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
    "llm.usage.reasoning_tokens", "ai.usage.outputTokenDetails.reasoningTokens",
    "ai.usage.reasoningTokens",
    "langfuse.observation.usage_details.output_reasoning_tokens",
    "completion_tokens_details.reasoning_tokens", "output_tokens_details.reasoning_tokens",
    "reasoningTokens",
    "thoughtsTokenCount", "thoughts_token_count", "reasoning_token_count", "reasoning_tokens",
  },
  -- Parts of the input and the output that are no text.
  audio_input = {
    "llm.token_count.prompt_details.audio", "gen_ai.usage.details.input_audio_tokens",
    "gen_ai.usage.prompt_tokens_details.audio_tokens", "prompt_tokens_details.audio_tokens",
    "input_tokens_details.audio_tokens", "input_token_details.audio_tokens",
  },
  audio_output = {
    "llm.token_count.completion_details.audio", "gen_ai.usage.details.output_audio_tokens",
    "gen_ai.usage.completion_tokens_details.audio_tokens", "completion_tokens_details.audio_tokens",
    "output_tokens_details.audio_tokens", "output_token_details.audio_tokens",
  },
  image_input = {
    "llm.token_count.prompt_details.image", "gen_ai.usage.details.input_image_tokens",
    "prompt_tokens_details.image_tokens", "input_tokens_details.image_tokens",
  },
  image_output = {
    "llm.token_count.completion_details.image", "gen_ai.usage.details.output_image_tokens",
    "completion_tokens_details.image_tokens", "output_tokens_details.image_tokens",
  },
  web_searches = {
    "gen_ai.usage.server_tool_use.web_search_requests", "gen_ai.usage.details.web_search_requests",
    "gen_ai.usage.web_search_requests", "server_tool_use.web_search_requests",
    "prompt_tokens_details.web_search_requests", "num_search_queries",
    "ai.response.providerMetadata.anthropic.usage.server_tool_use.web_search_requests",
  },
  -- Texts that a provider bills by; the answer's word before the question's.
  service_tier = {
    "gen_ai.response.service_tier", "gen_ai.openai.response.service_tier",
    "openai.response.service_tier",
    "gen_ai.usage.service_tier", "ai.response.providerMetadata.openai.serviceTier",
    "ai.response.providerMetadata.anthropic.usage.service_tier", "service_tier", "serviceTier",
    "gen_ai.openai.request.service_tier", "openai.request.service_tier",
    "gen_ai.request.service_tier",
  },
  speed = {
    "gen_ai.usage.speed", "ai.response.providerMetadata.anthropic.usage.speed", "speed",
    "gen_ai.anthropic.request.speed",
  },
  inference_geo = {
    "gen_ai.usage.inference_geo", "ai.response.providerMetadata.anthropic.usage.inference_geo",
    "inference_geo",
  },
}
