--- OpenRouter's Broadcast: a generation's own span tells all of it.  Those inside, of the
--- generation once more and of each try at a provider, repeat what it is, with the response's id
--- and a word behind it; a button of its settings sends a test.
local openrouter = { service = "openrouter" }

local parts = { ":generation$", ":attempt%-%d+$" }

--- Whether the span is no call of its own.
---@param span OtlpReader
---@param a table<string, any>  its genai.fields
---@return boolean
function openrouter.is_echo(span, a)
  for _, part in ipairs(parts) do
    if a.id and a.id:find(part) then
      return true
    end
  end
  return span:name() == "Test Generation"
end

return openrouter
