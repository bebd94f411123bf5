--- Qwen Code's log events.
local batches = require "ingest.batch"
local origins = require "ingest.origins"
local otlp = require "otlp"
local qwen_calls = require "ingest.qwen_calls"

local fields = otlp.fields(qwen_calls.names)

local qwen_code = {
  name = qwen_calls.service, fields = fields, prefix = qwen_calls.prefix,
  service = qwen_calls.service,
}

function qwen_code.request(event)
  local a, trace, span = event.fields, event.log:ids()
  local own = trace and span and trace .. ":" .. span
    or a.session and event.timestamp and ("%s:%s"):format(a.session, event.timestamp)
  local record = qwen_calls.record(event.name, a, own, batches.seconds(event))
  if record then
    record.timestamp, record.user_agent = event.timestamp, event.origin.user_agent
    record.attributes = event.log:rest(fields)
    origins.put(record, event.origin)
  end
  return record
end

return qwen_code
