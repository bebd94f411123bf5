--- LiteLLM's generic_api callback (litellm/types/utils.py, StandardLoggingPayload) as
--- array, lines or single object, and its spend logs (table LiteLLM_SpendLogs,
--- /spend/logs).  prompt_tokens include the cache in both; how much of it is told in
--- metadata only.  messages and response are content and are left out.
local batches = require "ingest.batch"
local calls = require "ingest.calls"
local dates = require "lib.dates"
local failures = require "ingest.failures"
local ids = require "ingest.ids"
local iterations = require "ingest.iterations"
local json = require "json"
local lines = require "ingest.lines"
local tokens = require "ingest.tokens"
local values = require "lib.values"

local litellm = {}

local count, number, object, text = values.count, values.number, values.object, values.text

-- The tier that was asked for, where the answer does not name the one that was billed.
local function put_tier(record, row)
  local parameters, hidden = object(row.model_parameters), object(row.hidden_params)
  record.service_tier = record.service_tier
    or values.first_text(row.service_tier, hidden.service_tier, parameters.service_tier)
  if not record.service_tier and (text(row.call_type) or ""):find("retrieve_batch$") then
    record.service_tier = "batch"
  end
end

-- What the usage object does not tell stands in the row itself.
local function put_tokens(record, row, usage)
  local flat = tokens.flat(usage)
  local told = tokens.told(flat)
  told.input = count(row.prompt_tokens) or told.input
  told.output = count(row.completion_tokens) or told.output
  told.total = count(row.total_tokens) or told.total
  tokens.put(record, told)
end

local function put_times(record, row)
  local from, to = dates.seconds(row.startTime), dates.seconds(row.endTime)
  local first = dates.seconds(row.completionStartTime)
  record.timestamp = to or from
  record.duration_ms = from and to and to >= from and values.milliseconds(to - from) or nil
  if record.streaming and from and first and first >= from then
    record.ttft_ms = values.milliseconds(first - from)
  end
end

local function problem_of(row, metadata)
  return type(row.error_information) == "table" and row.error_information
    or object(metadata.error_information)
end

local function has_failed(row, metadata)
  return values.first_text(row.status, metadata.status) == "failure"
end

local function put_status(record, row, metadata)
  local problem = problem_of(row, metadata)
  if not has_failed(row, metadata) then
    record.status_code = 200
    return
  end
  local code = count(problem.error_code)
  failures.put(record, code and code >= 400 and code < 1000 and code or 500,
    text(problem.error_class), text(problem.error_message))
end

-- A list, or a list as JSON text.
local function list(v)
  if type(v) == "string" then
    v = json.decode(v)
  end
  return type(v) == "table" and #v > 0 and json.array(v) or nil
end

local function put_owner(record, row, metadata)
  record.key_alias = text(metadata.user_api_key_alias)
  record.key_hash = values.first_text(metadata.user_api_key_hash, row.api_key)
  record.api_key = record.key_alias or record.key_hash
  record.team = values.first_text(metadata.user_api_key_team_alias,
    metadata.user_api_key_team_id, row.team_id)
  record.user = values.first_text(metadata.user_api_key_user_id, row.user)
  record.end_user = text(row.end_user)
  record.tags = list(row.request_tags)
end

-- Zero is a cost, unless LiteLLM says that it could not tell.
local function reported(row)
  if type(row.response_cost_failure_debug_info) == "table"
      and next(row.response_cost_failure_debug_info) then
    return nil
  end
  return number(row.response_cost) or number(row.spend)
end

local function metadata_of(row)
  local metadata = row.metadata
  if type(metadata) == "string" then
    metadata = json.decode(metadata)
  end
  return object(metadata)
end

local function told_id(row)
  return values.first_text(row.id, row.request_id, row.call_id, row.litellm_call_id)
end

-- A batch that is asked for again and again is one row.
local function row_id(row, record)
  local id = told_id(row)
  local own = values.first_text(row.call_id, row.litellm_call_id)
  return id and record.service_tier ~= "batch"
    and ids.row(id, own, ids.CALL, record, record.timestamp) or id
end

-- The provider's usage, or what older spend logs keep of it.
local function usage_of(metadata)
  local usage = object(metadata.usage_object)
  return next(usage) and usage or object(metadata.additional_usage_values)
end

local function record_of(row, metadata)
  local record = {
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
  put_tokens(record, row, usage_of(metadata))
  put_tier(record, row)
  record.request_id = row_id(row, record)
  put_status(record, row, metadata)
  put_owner(record, row, metadata)
  return record
end

-- What /spend/logs sums up by day has neither.
local function is_request(row)
  return told_id(row) and (text(row.call_type) or text(row.model))
end

local health_check = "litellm-internal-health-check"

local function is_health_check(row, metadata)
  for _, tag in ipairs(list(row.request_tags) or {}) do
    if tag == health_check then
      return true
    end
  end
  return metadata.user_api_key_alias == health_check
end

-- What is fetched, listed, stopped or counted generates nothing; only a batch is billed
-- when it is fetched.  A tool, what has no model, or a health check may cost something, or not.
local function is_idle(row, metadata)
  local kind = calls.kind(text(row.call_type) or "")
  local bills = (count(row.total_tokens) or 0) > 0 or (reported(row) or 0) > 0
  local is_aside = kind == "fetched" or kind == "wrapper"
    or not text(row.model) and not has_failed(row, metadata) or is_health_check(row, metadata)
  return kind == "idle" or not bills and is_aside
end

local function event_of(row)
  return {
    sender = "litellm", name = values.clip(text(row.call_type) or "health_check", 100),
    timestamp = dates.seconds(row.startTime), session = text(row.trace_id),
    attributes = { model = text(row.model), status = text(row.status) },
  }
end

-- The record, and those of what other models did inside it.
local function take_request(batch, prices, row, metadata)
  local record = record_of(row, metadata)
  prices:settle(record, record.status_code < 400 and reported(row) or nil)
  batch:add(record)
  iterations.add(batch, prices, record, iterations.records(usage_of(metadata), record))
end

local function take(batch, prices, row, position)
  if not is_request(row) then
    batch:reject(("element %d is no LiteLLM log: it needs an id, and a call_type or a model")
      :format(position))
    return
  end
  local metadata = metadata_of(row)
  if is_idle(row, metadata) then
    batch:event(event_of(row))
  else
    take_request(batch, prices, row, metadata)
  end
end

--- Records of a body: of rows, or of a page of them, as /spend/logs/ui answers.
---@param body Text
---@param prices Prices
---@param hand_on (fun(batch: Batch): any?, string?)?
---@return Batch
function litellm.decode(body, prices, hand_on)
  local batch = batches.new(hand_on)
  lines.each_value(body, batch, function(value, position)
    for i, row in ipairs(type(value.data) == "table" and value.data or { value }) do
      take(batch, prices, object(row), position + i - 1)
    end
  end)
  return batch
end

return litellm
