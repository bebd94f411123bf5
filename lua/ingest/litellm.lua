--- LiteLLM's generic_api callback (litellm/types/utils.py, StandardLoggingPayload) as array, lines or single object,
--- and its spend logs (table LiteLLM_SpendLogs, /spend/logs).  prompt_tokens include the cache in both; how much of it
--- is told in metadata.usage_object only.  messages and response are content and are left out.
local batches = require "ingest.batch"
local dates = require "ingest.dates"
local json = require "json"
local lines = require "ingest.lines"
local values = require "ingest.values"

local litellm = {}

local count, number, object, text = values.count, values.number, values.object, values.text

local function cache_tokens(usage)
  local details = object(usage.prompt_tokens_details)
  return values.first_count(usage.cache_read_input_tokens, details.cached_tokens),
    values.first_count(usage.cache_creation_input_tokens, details.cache_creation_tokens)
end

local function put_tokens(record, row, usage)
  local prompt = values.first_count(row.prompt_tokens, usage.prompt_tokens)
  local read, written = cache_tokens(usage)
  local creation = object(object(usage.prompt_tokens_details).cache_creation_token_details)
  record.tokens_input = prompt and math.max(0, prompt - (read or 0) - (written or 0))
  record.tokens_output = values.first_count(row.completion_tokens, usage.completion_tokens)
  record.cache_read_tokens = read
  record.cache_write_tokens = written
  record.cache_write_1h_tokens = count(creation.ephemeral_1h_input_tokens)
  record.reasoning_tokens = count(object(usage.completion_tokens_details).reasoning_tokens)
end

local function put_times(record, row)
  local from, to = dates.seconds(row.startTime), dates.seconds(row.endTime)
  local first = dates.seconds(row.completionStartTime)
  record.timestamp = to or from
  record.duration_ms = from and to and to >= from and math.floor((to - from) * 1e6 + 0.5) / 1e3 or nil
  if record.streaming and from and first and first >= from then
    record.ttft_ms = math.floor((first - from) * 1e6 + 0.5) / 1e3
  end
end

local function problem_of(row, metadata)
  return type(row.error_information) == "table" and row.error_information or object(metadata.error_information)
end

local function put_status(record, status, problem)
  if status ~= "failure" then
    record.status_code = 200
    return
  end
  local code = count(problem.error_code)
  record.status_code = code and code >= 400 and code < 1000 and code or 500
  record.error_type = text(problem.error_class)
  record.error_message = values.clip(text(problem.error_message), 1024)
end

-- A list, or a list as JSON text.
local function list(v)
  if type(v) == "string" then
    local ok, decoded = pcall(json.decode, v)
    v = ok and decoded
  end
  return type(v) == "table" and #v > 0 and json.array(v) or nil
end

local function put_owner(record, row, metadata)
  record.key_alias = text(metadata.user_api_key_alias)
  record.key_hash = values.first_text(metadata.user_api_key_hash, row.api_key)
  record.team = values.first_text(metadata.user_api_key_team_alias, metadata.user_api_key_team_id, row.team_id)
  record.user = values.first_text(metadata.user_api_key_user_id, row.user)
  record.end_user = text(row.end_user)
  record.tags = list(row.request_tags)
end

-- Zero is a cost, unless LiteLLM says that it could not tell.
local function reported(row)
  if type(row.response_cost_failure_debug_info) == "table" and next(row.response_cost_failure_debug_info) then
    return nil
  end
  return number(row.response_cost) or number(row.spend)
end

local function record_of(row)
  local metadata = row.metadata
  if type(metadata) == "string" then
    local ok, decoded = pcall(json.decode, metadata)
    metadata = ok and decoded
  end
  metadata = object(metadata)
  local record = {
    request_id = values.first_text(row.id, row.request_id, row.call_id),
    method = "POST",
    endpoint = text(row.call_type),
    service_type = "litellm",
    model = text(row.model),
    provider = text(row.custom_llm_provider),
    model_group = text(row.model_group),
    streaming = values.flag(row.stream),
    session_client_id = values.first_text(row.trace_id, row.session_id),
    client_ip = values.first_text(row.requester_ip_address, metadata.requester_ip_address),
    user_agent = values.first_text(row.user_agent, metadata.user_agent),
    api_base = text(row.api_base),
    cache_hit = values.flag(row.cache_hit) or nil,
  }
  put_times(record, row)
  put_tokens(record, row, object(metadata.usage_object))
  put_status(record, values.first_text(row.status, metadata.status), problem_of(row, metadata))
  put_owner(record, row, metadata)
  return record
end

local function is_request(row)
  return text(row.model) or text(row.call_type) or row.startTime ~= nil
end

--- Records of a body.
---@param body Text
---@param prices Prices
---@param hand_on (fun(batch: Batch): any?, string?)?
---@return Batch
function litellm.decode(body, prices, hand_on)
  local batch = batches.new(hand_on)
  lines.each_value(body, batch, function(row, position)
    if not is_request(row) then
      batch:reject(("element %d is no LiteLLM log: model, call_type and startTime are missing"):format(position))
      return
    end
    local record = record_of(row)
    prices:settle(record, record.status_code < 400 and reported(row) or nil)
    batch:add(record)
  end)
  return batch
end

return litellm
