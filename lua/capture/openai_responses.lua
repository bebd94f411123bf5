--- OpenAI's responses: developers.openai.com/api, "Responses" and its streaming events.
local told_of = require "capture.told"

local responses = { provider = "openai", endpoint = "responses" }

function responses.serves(path)
  return path:find "/responses$" ~= nil
end

function responses.whole(told, body)
  told.id, told.model = body.id or told.id, body.model or told.model
  told.tier = body.service_tier or told.tier
  told_of.merge(told, body.usage)
  told_of.take_error(told, body.error)
end

--- Each event but the deltas has the whole response in it.
function responses.wants(text)
  return text:find '"type"%s*:%s*"response%.[cfi][a-z]*"' or text:find '"type"%s*:%s*"error"'
end

function responses.is_output(text)
  return text:find '"type"%s*:%s*"response%.[a-z_.]*delta"' ~= nil
end

function responses.event(told, event)
  if event.type == "error" then
    told_of.take_error(told, event.error or event)
    return
  end
  responses.whole(told, event.response or {})
  told.complete = event.type == "response.completed" or told.complete
end

return responses
