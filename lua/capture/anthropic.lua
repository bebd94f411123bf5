--- Anthropic's messages: platform.claude.com/docs, "Messages" and "Streaming messages".
local told_of = require "capture.told"
local values = require "lib.values"

local anthropic = { provider = "anthropic", endpoint = "messages", excludes_cache = true }

function anthropic.serves(path)
  return path:find "/v1/messages$" ~= nil
end

local function take_message(told, message)
  told_of.take_names(told, message.id, message.model)
  told_of.merge(told, message.usage)
end

--- A whole answer.
function anthropic.whole(told, body)
  if body.type == "error" then
    told_of.take_error(told, body.error)
  else
    take_message(told, body)
  end
end

--- Whether the text of an event has something to tell; the others are many.
function anthropic.wants(text)
  return text:find('"type":"message_', 1, true) or text:find('"type":"error"', 1, true)
    or text:find('"type": "message_', 1, true) or text:find('"type": "error"', 1, true)
end

--- Whether it carries output of the model.
function anthropic.is_output(text)
  return text:find("content_block_delta", 1, true) ~= nil
end

--- message_delta counts what message_start counted, and the output, up to there.
function anthropic.event(told, event)
  if event.type == "message_start" then
    take_message(told, values.object(event.message))
  elseif event.type == "message_delta" then
    told_of.merge(told, event.usage)
  elseif event.type == "error" then
    told_of.take_error(told, event.error)
  end
end

return anthropic
