--- token_analytics: tokens by kind.
local figures = require "analytics.figures"

local token_analytics = {}

---@param group Group
---@return table
function token_analytics.shape(group)
  return {
    input_tokens = group.tokens_input,
    output_tokens = group.tokens_output,
    cache_read_tokens = group.cache_read_tokens,
    cache_write_tokens = group.cache_write_tokens,
    total_tokens = figures.tokens_all(group),
  }
end

return token_analytics
