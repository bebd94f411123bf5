--- Who answers a call, in one word for each: LiteLLM's, by which its price file is looked up.
local providers = {}

-- Other names of the GenAI conventions (old and current), OpenInference, OpenLLMetry, LangChain,
-- pydantic-ai and the Vercel AI SDK; "_" stands for any of "_", "-", "." and a blank.
local spellings = {
  anthropic = {},
  azure = { "azure_ai_openai", "az_ai_openai", "azure_openai", "azureopenai" },
  azure_ai = { "azure_ai_inference", "az_ai_inference", "azure_ai_foundry" },
  bedrock = { "aws_bedrock", "amazon_bedrock", "bedrock_converse", "aws" },
  cohere = {},
  deepseek = {},
  fireworks_ai = { "fireworks" },
  -- more than one word may be meant by "google"; most mean this
  gemini = {
    "gcp_gemini", "gcp_gen_ai", "google_generative_ai", "google_gla", "google_genai", "google",
  },
  groq = {},
  mistral = { "mistral_ai", "mistralai" },
  openai = {},
  perplexity = {},
  together_ai = { "together", "togetherai" },
  vertex_ai = {
    "gcp_vertex_ai", "google_vertex", "google_vertexai", "google_vertex_ai", "vertexai", "vertex",
    "vertex_anthropic",
  },
  watsonx = { "ibm_watsonx_ai", "watsonx_ai" },
  xai = { "x_ai" },
}

local words = {}
for word, others in pairs(spellings) do
  words[word] = word
  for _, other in ipairs(others) do
    words[other] = word
  end
end

-- The Vercel AI SDK says by which API: "openai.responses", "anthropic.messages".
local apis = {
  chat = true, responses = true, messages = true, completion = true, embedding = true,
  image = true, speech = true, transcription = true, reranking = true,
}

--- The one word; of a provider that is not known here what was told, in lower case.
---@param told string
---@return string
function providers.word(told)
  if words[told] then
    return words[told]
  end
  local name = told:lower()
  local short, api = name:match("^(.+)%.(%l+)$")
  name = apis[api] and short or name
  return words[name:gsub("[%s%-%.]", "_")] or name
end

return providers
