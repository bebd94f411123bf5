--- ccproxy's own logs: the JSON log file of v0.1.7 (structlog, event "access_log") and
--- the access_log plugin of v0.2, whose client and provider lines share a request_id
--- and are merged into one row by it.
local batches = require "ingest.batch"
local json = require "json"
local lines = require "ingest.lines"
local values = require "lib.values"

local ccproxy = {}

local text = values.text

local structlogs_own =
  values.set("event", "level", "logger", "event_type", "headers", "timestamp")

local function copy(row)
  local record = {}
  for name, value in pairs(row) do
    if not structlogs_own[name] and value ~= json.null then
      record[name] = type(value) == "number" and values.number(value) or value
    end
  end
  return record
end

-- v0.1.7 writes UTC without a zone, and at its debug level the time alone, which tells no day.
local function time_of(row)
  local stamp = row.timestamp
  if type(stamp) ~= "string" then
    return stamp
  end
  if #stamp > 40 or not stamp:find("^%d%d%d%d%-") then
    return nil, "its timestamp has no date (ccproxy logs at debug level)"
  end
  return (stamp:gsub(" ", "T", 1)) .. (stamp:find("[Zz]$") and "" or "Z")
end

local tokens = { "tokens_input", "tokens_output", "cache_read_tokens", "cache_write_tokens" }

local function settle(record, prices)
  for _, name in ipairs(tokens) do
    record[name] = values.count(record[name])
  end
  record.model = text(record.model)
  prices:settle(record, values.number(record.cost_usd))
end

-- The provider's line tells tokens and cost; method, path, status and duration are the
-- client line's to tell.
local function provider_record(row)
  return {
    request_id = text(row.request_id),
    timestamp = row.timestamp,
    model = text(row.model),
    provider = text(row.provider),
    upstream_url = text(row.url),
    upstream_status_code = values.count(row.status_code),
    upstream_duration_ms = values.number(row.duration_ms),
    tokens_input = values.count(row.tokens_input),
    tokens_output = values.count(row.tokens_output),
    cache_read_tokens = values.count(row.cache_read_tokens),
    cache_write_tokens = values.count(row.cache_write_tokens),
    cost_usd = row.cost_usd,
  }
end

-- A client line has no cache tokens: a cost computed from it would be wrong, and the
-- provider's line brings the right one.
local function client_record(row)
  local record = copy(row)
  record.timestamp = row.timestamp
  if values.number(row.cost_usd) then
    record.cost_source = "reported"
  end
  return record
end

local events = {}

function events.access_log(row, batch, prices, timestamp)
  local record = copy(row)
  record.timestamp = timestamp
  settle(record, prices)
  batch:add(record)
end

function events.access_log_error(row, batch, _, timestamp)
  local record = copy(row)
  record.timestamp = timestamp
  record.type = "request_error"
  batch:add(record)
end

local function take(row, batch, prices, line)
  local event = text(row.event)
  if event then
    if not events[event] then
      return -- other lines of the log file tell of no finished request
    end
    local timestamp, fault = time_of(row)
    if fault then
      batch:reject(("line %d: %s"):format(line, fault))
    else
      events[event](row, batch, prices, timestamp)
    end
    return
  end
  if not text(row.request_id) then
    batch:reject(
      ("line %d is no ccproxy log line: it has neither event nor request_id"):format(line))
  elseif text(row.provider) and text(row.url) then
    local record = provider_record(row)
    settle(record, prices)
    batch:add(record)
  else
    batch:add(client_record(row))
  end
end

--- Records of log lines.
---@param body Text
---@param prices Prices
---@param hand_on (fun(batch: Batch): any?, string?)?
---@return Batch
function ccproxy.decode(body, prices, hand_on)
  local batch = batches.new(hand_on)
  lines.each(body, batch, function(row, line)
    take(row, batch, prices, line)
  end)
  return batch
end

return ccproxy
