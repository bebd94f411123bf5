--- What senders' own formats are decoded to: OTLP of three signals and two encodings, and text.
package.preload.config = function()
  return { features = { logs_collection_enabled = true }, storage = { backend = "sqlite" } }
end
-- Its figures stand in kv, which only a server has.
package.preload["ingest.senders"] = function()
  return { of_request = function() end, refused = function() end }
end
local detect = require "ingest.detect"
local json = require "json"
local otlp_http = require "ingest.otlp_http"
local otlp_logs = require "ingest.otlp_logs"
local otlp_metrics = require "ingest.otlp_metrics"
local otlp_traces = require "ingest.otlp_traces"
local pricing = require "lib.pricing"

local prices = pricing.new(require "lib.prices")

local records

local function keep(batch)
  table.move(batch.records, 1, #batch.records, #records + 1, records)
  json.encode(json.array(batch.events))
  json.encode(json.array(batch.points))
  return true
end

local function otlp(name, decode)
  return function(req)
    return otlp_http.take(req, name, decode, keep)
  end
end

local handlers = {
  otlp("logs", function(source, hand_on) return otlp_logs.decode(source, prices, hand_on) end),
  otlp("traces", function(source, hand_on) return otlp_traces.decode(source, prices, hand_on) end),
  otlp("metrics", otlp_metrics.decode),
}

-- What is posted comes value by value, what is imported as one text.
local function text(module, as_text)
  local decode = require(module).decode
  return function(body)
    local batch = decode(as_text and body or json.values(body), prices, keep)
    assert(batch.fault or batch:flush())
  end
end

local function access_log(as_text)
  local decode = require("ingest.access_log").decode
  return function(body)
    local batch = decode(as_text and body or json.values(body), keep)
    assert(batch.fault or batch:flush())
  end
end

local function transcript(body)
  local batch = require("ingest.claude_transcript").decode(body, prices)
  keep(batch)
end

local function detect_format(body)
  local first = json.decode(body)
  if type(first) == "table" then
    detect.format(first)
  end
end

local texts = {
  text "ingest.litellm", text "ingest.ccproxy", transcript, access_log(), detect_format,
  text("ingest.litellm", true), text("ingest.ccproxy", true), access_log(true),
}

local types = { "application/json", "application/x-protobuf" }

--- choice: 0 to 5 are OTLP's signals and encodings, the others texts.  The records that came of it.
return function(body, choice)
  records = {}
  if choice >= 6 then
    texts[(choice - 6) % #texts + 1](body)
    return records
  end
  local headers = { ["content-type"] = types[choice // 3 + 1] }
  local answer = handlers[choice % 3 + 1] { headers = headers, body = body }
  assert(answer.status == 200 or answer.status == 400)
  return records
end
