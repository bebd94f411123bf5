--- The names under which one model goes: clouds, regions, gateways and routers
--- write more around it.
local model_names = {}

-- What may stand behind a model's name without changing its price.  An ending is
-- cut only after the name with it was not found: a table may well have a price of
-- its own for it.  ":free" is none: that is another price.
local endings = {
  -- so much context, as Claude Code and Bedrock write it
  "%[1[mM]%]$", ":1m$", ":%d+k$",
  -- OpenRouter: how it answers, and from which of its hosts
  ":thinking$", ":nitro$", ":floor$", ":exacto$", ":beta$",
  "%-v%d+:%d+$", ":%d+$",                         -- Bedrock's versions
  "@[%w%-%.]+$",                                  -- Vertex: a date or an alias
  "%-%d%d%d%d%d%d%d%d$", "%-%d%d%d%d%-%d%d%-%d%d$", "%-latest$", ":latest$",
}

-- Those of some makers only.
local own_endings = {
  ["^claude"] = { "%-v%d+$", "%-thinking$", "%-thinking%-%d+k?$", "%-1m$", "%-low$", "%-medium$",
    "%-high$", "%-max$" },
  ["^gemini"] = {
    "%-thinking$", "%-nothinking$", "%-thinking%-%d+$", "%-00%d$", "%-preview%-%d%d%-%d%d$",
    "%-preview%-%d%d%-%d%d%d%d$",
  },
  ["^gpt%-[5-9]"] = { "%-minimal$", "%-low$", "%-medium$", "%-high$", "%-xhigh$" },
}

-- Bedrock's inference profiles, and Azure's data zones as LiteLLM writes them (azure/eu/gpt-4o):
-- whether one keeps the request in a region, which some models cost more for.
local profiles = {
  us = true, eu = true, apac = true, jp = true, au = true, ca = true, sa = true, ["us-gov"] = true,
  global = false,
}

local makers = {
  anthropic = true, amazon = true, meta = true, mistral = true, cohere = true, ai21 = true,
  deepseek = true, openai = true, qwen = true, google = true, moonshot = true, nvidia = true,
  minimax = true, zai = true,
}

-- "anthropic:claude-..", as pydantic-ai and LangChain write; "qwen3:8b" and
-- "ft:gpt-4o" are whole names.
local senders = {
  ["google-gla"] = true, ["google-vertex"] = true, google_genai = true, google_vertexai = true,
  bedrock = true, bedrock_converse = true, azure = true, azure_openai = true, openrouter = true,
  groq = true, mistralai = true, vertex_ai = true, gateway = true,
}

local function without_sender(model)
  local sender, rest = model:match("^(%l[%w_%-]*):(.+)$")
  return (makers[sender] or senders[sender]) and rest or model
end

-- "us.anthropic.claude-..": the rest, and whether the profile keeps it in a region.
local function without_profile(name)
  local prefix, rest = name:match("^([%l%-]+)%.(%l%w*%..+)$")
  if profiles[prefix] == nil then
    return name, false
  end
  return rest, profiles[prefix]
end

-- "anthropic.claude-..", not the "gpt-4" of "gpt-4.1"; also "anthropic--claude-.."
-- and "databricks-claude-..".
local function without_maker(name)
  local maker, rest = name:match("^(%l%w*)%.(.+)$")
  if makers[maker] then
    return rest
  end
  return name:match("%f[%w](claude%-.*)$") or name:match("^%l+%-%-(.+)$") or name
end

-- Claude's versions with dots, and the model's size before or behind them:
-- claude-4.5-sonnet, claude-sonnet-4-5.
local function claude_spellings(name, add)
  local dashed = name:gsub("(%d)%.(%d)", "%1-%2")
  add(dashed)
  local version, size, rest = dashed:match("^claude%-([%d%-]+)%-(%a%a%a+)(.*)$")
  if version then
    add(("claude-%s-%s%s"):format(size, version, rest))
  end
  size, version, rest = dashed:match("^claude%-(%a+)%-(3%-?[57]?)(.*)$")
  if size then
    add(("claude-%s-%s%s"):format(version, size, rest))
  end
end

-- "ft:gpt-4o-mini:acme:suffix:id" is priced as "ft:gpt-4o-mini", never as "gpt-4o-mini".
local function without_owner(name)
  return name:match("^(.-%f[%w]ft:[^:]+):")
end

local function without_ending(name)
  local function try(list)
    for _, ending in ipairs(list) do
      local short = name:gsub(ending, "")
      if short ~= name and short ~= "" then
        return short
      end
    end
  end
  local short = without_owner(name) or try(endings)
  for family, list in pairs(own_endings) do
    short = short or name:find(family) and try(list)
  end
  return short
end

-- The name, then the shorter ones that cutting its endings one after another makes.
local function add_short(name, add)
  while name do
    add(name)
    if name:find("^claude") then
      claude_spellings(name, add)
    end
    name = without_ending(name)
  end
end

-- A part of a path that keeps the request in a region: bedrock/us-east-1/.., azure/eu/..
local function is_place(part)
  return profiles[part] or part:find("^%l+%-[%l%-]+%d+$") ~= nil
end

-- No name is longer; cutting off part after part takes the square of the length.
local LONGEST = 300

---@class ModelName
---@field name string
---@field regional boolean  what was cut off it keeps the request in a region

--- Names to look for, the most exact first: as sent; without its endings; without
--- each part of the path before it ("openrouter/anthropic/", an ARN's); without
--- Bedrock's profile and maker; all this in lower case.
---@param model string
---@return ModelName[]
function model_names.candidates(model)
  if #model > LONGEST then
    return { { name = model, regional = false } }
  end
  local names, seen, regional = {}, {}, false
  local function add(name)
    if name ~= "" and not seen[name] then
      seen[name] = true
      names[#names + 1] = { name = name, regional = regional }
    end
  end
  add(model)
  local rest = without_sender((model:lower():gsub("%s+", "-")))
  local place = rest:match("/locations/([^/]+)/") or "global"
  regional = place ~= "global"
  while rest do
    add_short(rest, add)
    local last = rest
    local part, below = last:match("^([^/]+)/(.+)$")
    regional = regional or part ~= nil and is_place(part)
    rest = below
    if not rest then
      local short, keeps = without_profile(last)
      regional = regional or keeps
      add_short(short, add)
      add_short(without_maker(short), add)
    end
  end
  return names
end

--- A router's free offer of a model.
---@param model string
---@return boolean
function model_names.is_free(model)
  return model:find(":free$") ~= nil
end

return model_names
