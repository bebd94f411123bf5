--- OpenAI's responses: developers.openai.com/api, "Responses" and its streaming events.
local chat = require "capture.openai_chat"
local told_of = require "capture.told"
local values = require "lib.values"

local responses = { provider = "openai", endpoint = "responses" }

function responses.serves(path)
  return path:find "/responses$" ~= nil
end

responses.whole = chat.whole

--- Each event but the deltas has the whole response in it.
function responses.wants(text)
  return text:find '"type"%s*:%s*"response%.[cfi][a-z]*"' or text:find '"type"%s*:%s*"error"'
end

function responses.is_output(text)
  return text:find '"type"%s*:%s*"response%.[a-z_.]*delta"' ~= nil
end

function responses.event(told, event)
  if event.type == "error" then
    told_of.take_error(told, type(event.error) == "table" and event.error
      or { code = event.code, message = event.message })
    return
  end
  responses.whole(told, values.object(event.response))
end

return responses
