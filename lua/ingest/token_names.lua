--- What senders call their counts.  Of each list the first name that is there counts: the
--- attributes first, then, in each of the places of usage objects, its members (a.b is b
--- inside a).  A sender that is missing here is a name in these lists.
return {
  -- JSON in a text, or Python's str of it: its members follow as name.member, and what is
  -- no object (MLflow's '"gpt-4o"') stands under the name itself.
  packed = {
    "langfuse.observation.usage_details", "langfuse.observation.cost_details",
    "langfuse.observation.completion_start_time",
    "mlflow.chat.tokenUsage", "mlflow.llm.cost", "mlflow.llm.model", "mlflow.llm.provider",
    "mlflow.spanType", "ai.response.providerMetadata",
    "gen_ai.usage.raw",                                                      -- Logfire
    "gen_ai.usage.input_token_details", "gen_ai.usage.output_token_details", -- LangSmith
    "metadata.usage_object",                                                 -- LiteLLM, version 1
    "llm.invocation_parameters",                                             -- OpenInference
  },

  -- Where usage objects as providers and frameworks write them stand in attributes.
  places = {
    "gen_ai.usage.",
    "gen_ai.usage.details.",                                                 -- pydantic-ai
    "llm.usage.",                                                            -- OpenLLMetry
    "langfuse.observation.usage_details.", "mlflow.chat.tokenUsage.", "gen_ai.usage.raw.",
    "metadata.usage_object.",
    "ai.response.providerMetadata.anthropic.usage.", "ai.response.providerMetadata.bedrock.usage.",
    "ai.response.providerMetadata.amazonBedrock.usage.",                     -- version 7
    "ai.response.providerMetadata.openrouter.usage.",
    "ai.response.providerMetadata.google.usageMetadata.",
    "ai.response.providerMetadata.vertex.usageMetadata.",
    "",
  },

  -- The whole prompt or its fresh part: tokens.lua tells which.
  input = {
    "llm.token_count.prompt",                                                -- OpenInference
    "ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens",      -- Vercel AI SDK
    "ai.prompt_tokens.used",                                                 -- Sentry, old
    "gen_ai.response.prompt_tokens",                                         -- Semantic Kernel, old
    usage = {
      "input_tokens", "prompt_tokens", "inputTokens", "promptTokens",
      "promptTokenCount", "prompt_token_count", "inputTokenCount",           -- Gemini
      "input_token_count",
    },
  },
  -- Certainly without the cache.
  fresh = {
    "gen_ai.usage.details.input_tokens", "ai.usage.inputTokenDetails.noCacheTokens",
    "langfuse.observation.usage_details.input_text",
    "ai.response.providerMetadata.anthropic.usage.input_tokens",
    usage = { "inputTokenDetails.noCacheTokens" },
  },
  output = {
    "llm.token_count.completion", "ai.usage.outputTokens", "ai.usage.completionTokens",
    "ai.completion_tokens.used", "gen_ai.response.completion_tokens",
    usage = {
      "output_tokens", "completion_tokens", "outputTokens", "completionTokens",
      "candidatesTokenCount", "candidates_token_count", "outputTokenCount", "output_token_count",
    },
  },
  -- Langfuse's: what is left of them beside the parts that are told.
  rest_of_input = { "langfuse.observation.usage_details.input" },
  rest_of_output = { "langfuse.observation.usage_details.output" },
  total = {
    "llm.token_count.total", "ai.usage.totalTokens", "ai.total_tokens.used",
    "langfuse.observation.usage_details.total",
    usage = { "total_tokens", "totalTokens", "totalTokenCount", "total_token_count" },
  },
  cache_read = {
    "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.input_tokens.cached",
    -- OpenInference
    "llm.token_count.prompt_details.cache_read", "llm.token_count.prompt_details.cache_input",
    "ai.usage.inputTokenDetails.cacheReadTokens", "ai.usage.cachedInputTokens",
    "ai.response.providerMetadata.anthropic.cacheReadInputTokens",
    "ai.response.providerMetadata.openai.cachedPromptTokens",
    "langfuse.observation.usage_details.input_cache_read",
    "langfuse.observation.usage_details.cache_read",
    usage = {
      "cache_read_input_tokens", "cache_read_tokens", "cached_tokens", "input_cached_tokens",
      "cached_input_tokens", "prompt_tokens_details.cached_tokens",
      "input_tokens_details.cached_tokens",
      "input_token_details.cache_read",                                      -- LangChain
      "input_token_details.priority_cache_read", "input_token_details.flex_cache_read",
      "cacheReadInputTokens", "cacheReadInputTokenCount", "cachedInputTokens",
      "inputTokenDetails.cacheReadTokens", "promptTokensDetails.cachedTokens",
      "cachedContentTokenCount", "cached_content_token_count",
      "cached_token_count", "prompt_cache_hit_tokens",
    },
  },
  cache_write = {
    "gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.input_tokens.cache_write", "gen_ai.usage.input_tokens.cache_creation",
    "llm.token_count.prompt_details.cache_write", "llm.token_count.prompt_details.cache_creation",
    "ai.usage.inputTokenDetails.cacheWriteTokens", "ai.usage.cacheCreationInputTokens",
    "ai.response.providerMetadata.anthropic.cacheCreationInputTokens",
    "langfuse.observation.usage_details.input_cache_creation",
    "langfuse.observation.usage_details.input_cache_write",
    "langfuse.observation.usage_details.cache_write",
    usage = {
      "cache_creation_input_tokens", "cache_write_input_tokens", "cache_write_tokens",
      "cache_creation_tokens", "prompt_tokens_details.cache_creation_tokens",
      "prompt_tokens_details.cache_write_tokens", "input_tokens_details.cache_write_tokens",
      "input_tokens_details.cache_creation_tokens", "input_token_details.cache_creation",
      "cacheWriteInputTokens", "cacheWriteInputTokenCount",
      "inputTokenDetails.cacheWriteTokens", "cache_write_token_count",
    },
  },
  -- Parts of cache_write.
  cache_write_5m = {
    "gen_ai.usage.input_tokens.cache_write_5m",                              -- OpenRouter
    "gen_ai.usage.cache_creation.ephemeral_5m.input_tokens",
    "anthropic.usage.cache_creation.ephemeral_5m_input_tokens",              -- Anthropic's SDK
    "langfuse.observation.usage_details.input_ephemeral_5m_input_tokens",
    usage = {
      "cache_creation.ephemeral_5m_input_tokens", "cache_write_5m_tokens",
      "input_token_details.ephemeral_5m_input_tokens",
      "prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens",
    },
  },
  cache_write_1h = {
    "gen_ai.usage.input_tokens.cache_write_1h",                              -- OpenRouter
    "gen_ai.usage.cache_creation.ephemeral_1h.input_tokens",
    "anthropic.usage.cache_creation.ephemeral_1h_input_tokens",              -- Anthropic's SDK
    "langfuse.observation.usage_details.input_ephemeral_1h_input_tokens",
    usage = {
      "cache_creation.ephemeral_1h_input_tokens", "cache_write_1h_tokens",
      "input_token_details.ephemeral_1h_input_tokens",
      "prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens",
    },
  },
  -- Inside the output or beside it: tokens.lua tells which.
  reasoning = {
    "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.output_tokens.reasoning",
    "llm.token_count.completion_details.reasoning",
    "ai.usage.outputTokenDetails.reasoningTokens", "ai.usage.reasoningTokens",
    "langfuse.observation.usage_details.reasoning",
    usage = {
      "reasoning_tokens", "reasoning_output_tokens", "thoughts_tokens",
      "completion_tokens_details.reasoning_tokens", "output_tokens_details.reasoning_tokens",
      "output_token_details.reasoning", "output_token_details.priority_reasoning",
      "output_token_details.flex_reasoning", "completionTokensDetails.reasoningTokens",
      "reasoningTokens",
      "thoughtsTokenCount", "thoughts_token_count", "reasoning_token_count",
    },
  },
  -- Certainly beside it.
  reasoning_beside = {
    "gen_ai.usage.experimental.reasoning_tokens",                            -- Google ADK, old
    "langfuse.observation.usage_details.output_reasoning",
    "langfuse.observation.usage_details.output_reasoning_tokens",
  },
  -- Parts of the input and the output that are no text.
  audio_input = {
    "llm.token_count.prompt_details.audio",
    "langfuse.observation.usage_details.input_audio",
    usage = {
      "audio_input_tokens", "input_audio_tokens", "audio_prompt_tokens",
      "prompt_tokens_details.audio_tokens", "input_tokens_details.audio_tokens",
      "input_token_details.audio_tokens", "input_token_details.audio",
    },
  },
  audio_output = {
    "llm.token_count.completion_details.audio",
    "langfuse.observation.usage_details.output_audio",
    usage = {
      "audio_output_tokens", "output_audio_tokens", "audio_candidates_tokens",
      "completion_tokens_details.audio_tokens", "output_tokens_details.audio_tokens",
      "output_token_details.audio_tokens", "output_token_details.audio",
    },
  },
  image_input = {
    "llm.token_count.prompt_details.image",
    usage = {
      "image_input_tokens", "input_image_tokens", "image_prompt_tokens",
      "prompt_tokens_details.image_tokens", "input_tokens_details.image_tokens",
    },
  },
  image_output = {
    "llm.token_count.completion_details.image",
    usage = {
      "image_output_tokens", "output_image_tokens", "image_candidates_tokens",
      "completion_tokens_details.image_tokens", "output_tokens_details.image_tokens",
    },
  },
  web_searches = {
    usage = {
      "server_tool_use.web_search_requests", "web_search_requests",
      "prompt_tokens_details.web_search_requests", "num_search_queries",
    },
  },
  -- Texts that a provider bills by; the answer's word before the question's.
  service_tier = {
    "gen_ai.response.service_tier", "gen_ai.openai.response.service_tier",
    "openai.response.service_tier", "anthropic.response.service_tier",
    "ai.response.providerMetadata.openai.serviceTier",
    usage = { "service_tier", "serviceTier" },
  },
  asked_tier = {
    "gen_ai.openai.request.service_tier", "openai.request.service_tier",
    "gen_ai.request.service_tier", "llm.invocation_parameters.service_tier",
  },
  -- What of the input was billed by a tier, which this tells (LangChain).
  priority = { usage = { "input_token_details.priority" } },
  flex = { usage = { "input_token_details.flex" } },
  speed = { usage = { "speed" } },
  asked_speed = { "gen_ai.anthropic.request.speed" },
  inference_geo = { usage = { "inference_geo" } },
}
