--- OpenAI's chat completions, which many others speak too: developers.openai.com/api, "Chat".
--- A stream tells its usage only when stream_options.include_usage asks for it.
local told_of = require "capture.told"
local values = require "lib.values"

local chat = { provider = "openai", endpoint = "chat" }

function chat.serves(path)
  return path:find "/chat/completions$" ~= nil
end

function chat.whole(told, body)
  told_of.take_names(told, body.id, body.model)
  told.tier = values.text(body.service_tier) or told.tier
  told_of.merge(told, body.usage)
  told_of.take_error(told, body.error)
end

--- The first chunk names the model, the last one has the usage.
function chat.wants(text, told)
  return not told.model or text:find '"usage"%s*:%s*{' or text:find('"error"', 1, true)
end

function chat.is_output(text)
  return text:find '"content"%s*:%s*"[^"]' ~= nil or text:find('"tool_calls"', 1, true) ~= nil
end

chat.event = chat.whole

return chat
