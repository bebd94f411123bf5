--- What is known of a call that passes through: when it begins, and when it has ended.
local crypto = require "crypto"
local failures = require "ingest.failures"
local ids = require "ingest.ids"
local price_table = require "lib.price_table"
local server = require "server"
local shared_ids = require "ingest.shared_ids"
local storage = require "storage"
local tokens = require "ingest.tokens"
local values = require "lib.values"

local clip = values.clip

---@class CapturedCall
---@field record table   what is told of it
---@field started number unix seconds
---@field counts Told      what the answer has counted
---@field is_told boolean  it becomes a row
local Call = {}
Call.__index = Call

local records = {}

-- Who calls: our own headers first, then what clients send anyway.
local dimensions = {
  user = { "x-moonledger-user" },
  team = { "x-moonledger-team", "openai-organization" },
  project = { "x-moonledger-project", "openai-project" },
  agent = { "x-moonledger-agent" },
  session_client_id = { "x-moonledger-session", "x-claude-code-session-id", "thread-id",
    "session_id", "session-id", "x-session-id" },
}

local function first_header(headers, names)
  for _, name in ipairs(names) do
    local value = headers[name]
    if value and value ~= "" then
      return clip(value, 200)
    end
  end
  return nil
end

-- A key is never kept; the same key gives the same text, which leads nowhere.
local function key_of(headers)
  local key = headers["x-api-key"] or headers["x-goog-api-key"] or headers.authorization
  return key and key ~= "" and "sha256:" .. crypto.sha256(key):sub(1, 16) or nil
end

-- Lists, retrievals, probes and counts of tokens are passed on, and are no requests of a model.
local function generates(method, path)
  return method == "POST"
    and not (path:find "[cC]ount[_-]?[tT]okens" or path:find "/input_tokens$")
end

--- A call begins: whoever follows the stream sees it at once.
---@param req Request
---@param api table?   capture.reader's
---@param path string  that of the other side, without query
---@return CapturedCall
function records.begin(req, api, path)
  local headers = req.headers
  local record = {
    request_id = crypto.uuid7(),
    method = req.method,
    path = path,
    endpoint = api and api.endpoint or path,
    provider = api and api.provider or nil,
    model = api and api.model and api.model(path) or nil,
    service_type = "capture",
    client_ip = req.remote,
    user_agent = headers["user-agent"],
    api_key = key_of(headers),
  }
  for column, names in pairs(dimensions) do
    record[column] = first_header(headers, names)
  end
  local call = setmetatable({ record = record, started = req.now, counts = {},
    is_told = generates(req.method, path) }, Call)
  if call.is_told then
    storage.post { {
      type = "request_start", request_id = record.request_id, method = record.method, path = path,
      model = record.model, client_ip = record.client_ip, user_agent = record.user_agent,
      service_type = record.service_type, timestamp = req.now,
    } }
  end
  return call
end

--- The answer has begun.
function Call:answered(response, is_stream)
  self.record.status_code, self.record.streaming = response.status, is_stream
  self.record.provider_request_id = response.headers["request-id"]
    or response.headers["x-request-id"]
end

--- More of a stream has been read; what of the model's comes first counts.
function Call:saw(reader)
  if reader.saw_output and not self.record.time_to_first_token_ms then
    self.record.time_to_first_token_ms = (server.now() - self.started) * 1000
  end
end

--- It went wrong in a way that no answer tells.
---@param status integer  499: the client has left
---@param kind string
---@param message string?
function Call:fail(status, kind, message)
  self.record.status_code, self.record.error_type = status, kind
  self.record.error_message = clip(message, 1024)
end

-- By what the client's own telemetry knows the call: Claude Code's tells the request's id, Codex'
-- none, so session and counts stand for it; others' tell the answer's.
local function id_of_client(record, counts, now)
  local agent = record.user_agent or ""
  if agent:find "^claude%-cli/" then
    return record.provider_request_id
  elseif agent:find "^codex" then
    return shared_ids.codex(record.session_client_id, counts.input, counts.cache_read,
      counts.output, counts.reasoning) or record.provider_request_id
  end
  local id = record.response_id
  return id and ids.row(id, record.request_id, ids.CAPTURE, record, now)
end

function Call:tell(told, excludes_cache)
  local record = self.record
  local counts = tokens.told(tokens.flat(told.usage))
  self.counts = counts
  record.model = told.model or record.model
  record.response_id = told.id
  if told.error_type and record.status_code < 400 then
    record.status_code = failures.status(told.error_type, told.error_message)
      or failures.in_stream
  end
  record.error_type = record.error_type or told.error_type
  record.error_message = record.error_message or clip(told.error_message, 1024)
  if tokens.any(counts) then
    tokens.put(record, counts, excludes_cache)
    record.service_tier = record.service_tier or told.tier
    price_table.current():settle(record)
  end
end

--- It is over: the record is on its way to the store, and nobody waits for it.
---@param reader CaptureReader?
function Call:finish(reader)
  local record, now = self.record, server.now()
  record.timestamp, record.duration_ms = now, (now - self.started) * 1000
  if reader then
    reader:finish()
    self:tell(reader.told, reader.api.excludes_cache)
  end
  if self.is_told then
    record.other_id = id_of_client(record, self.counts, now)
    storage.post { record }
  end
end

return records
