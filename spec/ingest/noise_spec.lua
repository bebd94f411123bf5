--- Whatever stands where a value should stand, a decoder rejects it or does
--- without: it never raises.
package.loaded.json = package.loaded.json or require "spec.helpers.server_json"
local access_log = require "ingest.access_log"
local ccproxy = require "ingest.ccproxy"
local codex_rollout = require "ingest.codex_rollout"
local decoders = require "spec.helpers.decode"
local gemini_chat = require "ingest.gemini_chat"
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local litellm = require "ingest.litellm"
local metric_items = require "spec.helpers.metric_items"
local otlp_metrics = require "ingest.otlp_metrics"
local pricing = require "lib.pricing"
local qwen_chat = require "ingest.qwen_chat"
local transcript = require "ingest.claude_transcript"

local prices = pricing.new(require "lib.prices")

local junk = {
  0, -1, 1.5, 2 ^ 63, -2 ^ 63, 1e300, "", "None", "NaN", "x", "-", "[1m]", "\xff\xfe",
  ("9"):rep(400), true, false,
  json.null, {}, { 1 }, { a = { b = {} } }, json.array {},
}

-- A copy of the value with about one in rarity of its parts replaced, gone or under another name.
local function spoil(value, rarity)
  if math.random(rarity) == 1 then
    return junk[math.random(#junk)]
  elseif type(value) ~= "table" or value == json.null then
    return value
  end
  local copy = setmetatable({}, getmetatable(value))
  for key, item in pairs(value) do
    copy[key] = spoil(item, rarity)
  end
  return copy
end

local function lines(decode)
  return function(text)
    local out = {}
    for line in text:gmatch "[^\n]+" do
      local ok, value = pcall(json.decode, line)
      out[#out + 1] = ok and json.encode(spoil(value, 8)) or line
    end
    return decode(table.concat(out, "\n"))
  end
end

local function message(decode)
  return function(text)
    return decode(spoil(json.decode(text), 25))
  end
end

local function session(reader)
  return lines(function(text)
    local read = reader.new("name", prices)
    read:add(text)
    return read:finish()
  end)
end

local decoder = decoders.new()
teardown(function() decoder:stop() end)

local function is_list(value)
  return type(value) == "table" and (json.is_array(value) or #value > 0)
end

-- What is no object at all is refused as a whole, and so is what has no list of resources.
local function of_object(signal, resources)
  return function(m)
    local is_object = type(m) == "table" and m ~= json.null and not is_list(m)
    local list = is_object and m[resources]
    local is_read = is_object and (list == nil or list == json.null or is_list(list))
    return decoder:json(signal, is_read and m or {})
  end
end

local logs, traces = of_object("logs", "resourceLogs"), of_object("traces", "resourceSpans")

local function metrics(m)
  return otlp_metrics.decode(metric_items(m))
end

local cases = {
  ["claude-code-2.1.202-logs.json"] = message(logs),
  ["claude-code-2.1.70-logs.json"] = message(logs),
  ["codex-0.46-logs.json"] = message(logs),
  ["gemini-cli-0.9-logs.json"] = message(logs),
  ["qwen-code-0.24-logs.json"] = message(logs),
  ["claude-code-2.1.202-traces.json"] = message(traces),
  ["genai-1.41-traces.json"] = message(traces),
  ["genai-1.36-traces.json"] = message(traces),
  ["openinference-0.1-traces.json"] = message(traces),
  ["openllmetry-0.47-traces.json"] = message(traces),
  ["claude-code-2.1.202-metrics.json"] = message(metrics),
  ["otel-js-0.203-metrics.json"] = message(metrics),
  ["litellm-1.77.ndjson"] = lines(function(text) return litellm.decode(text, prices) end),
  ["ccproxy-0.1.7.ndjson"] = lines(function(text) return ccproxy.decode(text, prices) end),
  ["ccproxy-0.2.9.ndjson"] = lines(function(text) return ccproxy.decode(text, prices) end),
  ["nginx-1.26.ndjson"] = lines(access_log.decode),
  ["caddy-2.10.ndjson"] = lines(access_log.decode),
  ["claude-transcript-2.1.202.jsonl"] =
    lines(function(text) return transcript.decode(text, prices) end),
  ["codex-rollout-0.58.jsonl"] = session(codex_rollout),
  ["gemini-chat-0.40.jsonl"] = session(gemini_chat),
  ["qwen-chat-0.24.jsonl"] = session(qwen_chat),
}

describe("noise", function()
  for name, decode in pairs(cases) do
    it("in " .. name .. " costs no more than the records it stands in", function()
      local text = helpers.read_file("spec/wire/" .. name)
      math.randomseed(42)
      for _ = 1, 80 do
        local batch = decode(text)
        assert.is_table(batch.records)
        for _, record in ipairs(batch.records) do
          local cost = record.cost_usd
          assert.is_true(cost == nil or type(cost) ~= "number" or cost == cost)
        end
      end
    end)
  end
end)
