--- What other models did inside of one message of Anthropic's: usage.iterations.  The
--- message's own usage has those of type "message" only; an advisor, a compaction or
--- another model's turn is billed apart, at its own model's price.
local tokens = require "ingest.tokens"
local values = require "ingest.values"

local iterations = {}

local text = values.text

local function is_own(iteration, message)
  local model = text(iteration.model)
  return (iteration.type == "message" or iteration.type == nil)
    and (not model or model == message.model)
end

local function record_of(iteration, message, model)
  local record = {
    timestamp = message.timestamp, method = message.method,
    endpoint = message.endpoint, path = message.path,
    status_code = message.status_code, service_type = message.service_type,
    provider = message.provider, session_client_id = message.session_client_id,
    user_agent = message.user_agent,
    project = message.project, agent = message.agent, sidechain = message.sidechain,
    model = model, iteration = text(iteration.type),
  }
  tokens.put(record, tokens.told(tokens.flat(iteration)), true)
  record.service_tier = record.service_tier or message.service_tier
  record.speed = record.speed or message.speed
  record.inference_geo = record.inference_geo or message.inference_geo
  return record
end

--- Records of the iterations that are billed apart, without id and cost.
---@param usage table        the message's, as Anthropic tells it
---@param message table      the record of the message
---@param advisor string?    the advisor's model, where the iteration does not name it
---@return { name: string, record: table }[]
function iterations.records(usage, message, advisor)
  local list = {}
  for i, iteration in ipairs(values.object(usage.iterations)) do
    if type(iteration) == "table" and not is_own(iteration, message) then
      local kind = text(iteration.type) or "message"
      local fallback = kind:find("^advisor") and advisor
        or not kind:find("^advisor") and message.model or nil
      list[#list + 1] = {
        name = ("%s:%d"):format(kind, i),
        record = record_of(iteration, message, text(iteration.model) or fallback),
      }
    end
  end
  return list
end

return iterations
