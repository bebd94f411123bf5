--- Gemini CLI's counts as those of a row.
local gemini_tokens = {}

-- Thoughts are billed as output.  They stand beside the output count in Google's API;
-- the total tells when a version of the client has already added them.
local function output_tokens(told, input, tools)
  local output, thoughts = told.output, told.thoughts or 0
  local total = told.total
  if not output or total and total == input + tools + output then
    return output
  end
  return output + thoughts
end

---@class GeminiCounts
---@field input integer?    with the cache
---@field output integer?
---@field cached integer?
---@field thoughts integer?
---@field tools integer?
---@field total integer?

---@param record table
---@param told GeminiCounts
function gemini_tokens.put(record, told)
  local input, read = told.input or 0, told.cached
  local tools = told.tools or 0
  record.tokens_input = math.max(0, input - (read or 0)) + tools
  record.tokens_output = output_tokens(told, input, tools)
  record.cache_read_tokens = read
  record.reasoning_tokens = told.thoughts
end

return gemini_tokens
