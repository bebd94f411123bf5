--- Gemini's generateContent and its stream: ai.google.dev/api/generate-content.
local told_of = require "capture.told"
local values = require "lib.values"

local gemini = { provider = "gemini", endpoint = "generate_content" }

function gemini.serves(path)
  return path:find ":generateContent$" ~= nil or path:find ":streamGenerateContent$" ~= nil
end

--- The model that was asked for stands in the path.
function gemini.model(path)
  return path:match "/models/([^/:]+):"
end

local function take(told, body)
  told_of.take_names(told, body.responseId, body.modelVersion)
  told_of.merge(told, body.usageMetadata)
  told_of.take_error(told, body.error)
end

--- A stream without alt=sse is one array of what would be its events.
function gemini.whole(told, body)
  take(told, body)
  for _, chunk in ipairs(body) do
    take(told, values.object(chunk))
  end
end

--- Every chunk counts what has come up to it.
function gemini.wants(text)
  return text:find('"usageMetadata"', 1, true) or text:find('"error"', 1, true)
end

function gemini.is_output(text)
  return text:find('"parts"', 1, true) ~= nil
end

gemini.event = take

return gemini
