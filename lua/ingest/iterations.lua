--- What other models did inside of one message of Anthropic's: usage.iterations.  The
--- message's own usage has those of type "message" only; an advisor, a compaction or
--- another model's turn is billed apart, at its own model's price.
local json = require "json"
local pricing = require "lib.pricing"
local tokens = require "ingest.tokens"
local values = require "lib.values"

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

-- What the cost of the parts follows from, so that `moonledger reprice` can work it out anew.
local function usage_of(part)
  local usage = {}
  for _, name in ipairs(pricing.members) do
    usage[name] = part[name]
  end
  return usage
end

--- Settles the costs of a message's parts; answers their sum, as far as their prices are known.
---@param prices Prices
---@param parts table[]  records, or what of them a cost follows from
---@return number
function iterations.settle(prices, parts)
  local dollars = 0
  for _, part in ipairs(parts) do
    prices:settle(part)
    dollars = dollars + (part.cost_usd or 0)
  end
  return tonumber(("%.12f"):format(dollars))
end

--- Adds the parts' records to the batch, and tells in that of the message what they cost.  A
--- message whose own record reports its cost has no parts: they stand in it.
---@param batch Batch
---@param prices Prices
---@param message table    its record, with its id and cost
---@param parts { name: string, record: table }[]
function iterations.add(batch, prices, message, parts)
  if message.cost_source == "reported" or #parts == 0 then
    return
  end
  local records, usages = {}, {}
  for i, part in ipairs(parts) do
    local record = part.record
    record.request_id = message.request_id and message.request_id .. ":" .. part.name
    records[i], usages[i] = record, usage_of(record)
    batch:add(record)
  end
  message.part_usages = json.array(usages)
  message.parts_cost_usd = iterations.settle(prices, records)
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
