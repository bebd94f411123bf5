--- Content stays out: whatever lua/ingest/content.lua names is in no row, no export and no file,
--- by whichever way it came in.
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local messages = require "spec.helpers.otlp_messages"
local protobuf = require "spec.helpers.protobuf"
local server = require "spec.helpers.server"

local JSON = { ["content-type"] = "application/json" }
local PROTOBUF = { ["content-type"] = "application/x-protobuf" }
local SECRET = "the secret word"

local function shipped()
  package.loaded.content = function(options) return options end
  local content = dofile "lua/ingest/content.lua"
  package.loaded.content = nil
  return content
end

local content = shipped()

local names = table.move(content.names, 1, #content.names, 1, {})
for _, prefix in ipairs(content.prefixes) do
  names[#names + 1] = prefix
  names[#names + 1] = prefix .. ".0.content"
end

local function pair(key, value)
  return { key = key, value = value }
end

local function text(key, value)
  return pair(key, { stringValue = value })
end

-- Each name by itself, inside of a map and of a list of maps; and a long text of another name.
local function attributes(told)
  local list, inner = json.array {}, json.array {}
  for i, name in ipairs(names) do
    inner[i] = text(name, SECRET .. " inside")
    list[i] = text(name, SECRET)
  end
  local map = { kvlistValue = { values = inner } }
  list[#list + 1] = pair("app.map", map)
  list[#list + 1] = pair("app.list", { arrayValue = { values = { map } } })
  list[#list + 1] = text("app.notes", SECRET .. (" x"):rep(content.longest))
  list[#list + 1] = text("app.kept", "kept")
  for key, value in pairs(told) do
    list[#list + 1] = text(key, value)
  end
  return list
end

local function logs(id)
  local function log(name, told)
    return { timeUnixNano = "1795600001000000000", body = { stringValue = SECRET },
      attributes = attributes(told), eventName = name }
  end
  return { resourceLogs = { {
    resource = { attributes = attributes { ["service.name"] = "claude-code" } },
    scopeLogs = { { logRecords = {
      log("claude_code.api_request", { request_id = id, model = "gpt-5", input_tokens = "5" }),
      log("claude_code.user_prompt", { ["session.id"] = "s" }),
      log(nil, { ["session.id"] = "s" }),
    } } },
  } } }
end

local function spans(id)
  return { resourceSpans = { {
    resource = { attributes = attributes { ["service.name"] = "shop" } },
    scopeSpans = { { scope = { name = "x" }, spans = { {
      traceId = ("a"):rep(32), spanId = ("%016x"):format(#id), name = "chat",
      startTimeUnixNano = "1795600000000000000", endTimeUnixNano = "1795600001000000000",
      attributes = attributes { ["gen_ai.operation.name"] = "chat", ["gen_ai.response.id"] = id,
        ["gen_ai.request.model"] = "gpt-5", ["gen_ai.usage.input_tokens"] = "5" },
    } } } },
  } } }
end

local function litellm(id)
  local row = { id = id, call_type = "acompletion", status = "success", model = "gpt-5",
    startTime = 1795600000, endTime = 1795600001, prompt_tokens = 5, completion_tokens = 5 }
  for _, name in ipairs(names) do
    row[name] = SECRET
  end
  return row
end

local ways = {
  ["logs as JSON"] = { "/v1/logs", JSON, function(id) return json.encode(logs(id)) end },
  ["logs as protobuf"] = { "/v1/logs", PROTOBUF, function(id)
    return protobuf.encode(messages, "ExportLogsServiceRequest", logs(id))
  end },
  ["spans as JSON"] = { "/v1/traces", JSON, function(id) return json.encode(spans(id)) end },
  ["spans as protobuf"] = { "/v1/traces", PROTOBUF, function(id)
    return protobuf.encode(messages, "ExportTraceServiceRequest", spans(id))
  end },
  ["LiteLLM's log"] = { "/ingest/litellm", JSON, function(id) return json.encode(litellm(id)) end },
}

local function files_of(database)
  local found = {}
  for _, suffix in ipairs { "", "-wal" } do
    found[#found + 1] = helpers.read_file(database .. suffix) or ""
  end
  return table.concat(found)
end

describe("content", function()
  for what, way in pairs(ways) do
    it("is in no row, export or file after " .. what, function()
      local folder = helpers.temporary_folder()
      local s = server.start { database = folder .. "/m.db",
        config = "config.events = { keep = true }" }
      local id = "call-" .. what:gsub("%W", "-")
      local answer = s:post(way[1], way[3](id), way[2])
      assert.equal(200, answer.status)
      local row = s:get("/logs/entries/" .. id)
      assert.equal(200, row.status, row.body)
      local seen = row.body .. s:get("/logs/export?format=ndjson").body
        .. s:get("/events/query").body .. s:get("/metrics").body
      s:stop()
      local stored = files_of(folder .. "/m.db")
      helpers.remove_folder(folder)
      assert.truthy(stored:find(id, 1, true), "the file is read before the row is in it")
      assert.falsy(seen:find(SECRET, 1, true))
      assert.falsy(stored:find(SECRET, 1, true))
      if way[1] ~= "/ingest/litellm" then
        assert.equal("kept", row.json().extra.attributes["app.kept"])
      end
    end)
  end
end)
