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

-- A line of a text format: each name at the top, inside of a map and of a list, and spelt with an
-- escape; and a long text of another name.
local function with_content(row)
  local inside = {}
  row.query = "a=b" -- a column of ours
  for _, name in ipairs(names) do
    row[name], inside[name] = row[name] or SECRET, { SECRET .. " inside" }
  end
  row.app = { map = inside, list = { inside, { inside } }, long = { SECRET .. (" x"):rep(1024) } }
  row.notes = SECRET .. (" x"):rep(content.longest)
  row.kept = { "kept" }
  return json.encode(row):gsub('"prompt":', '"pr\\u006fmpt":')
end

local function native(id)
  return with_content { request_id = id, model = "gpt-5", tokens_input = 5,
    timestamp = 1795600001 }
end

-- As an exported row has them.
local function in_extra(id)
  return ('{"request_id":"%s","extra":%s}'):format(id, native(id))
end

local function litellm(id)
  return with_content { id = id, call_type = "acompletion", status = "success", model = "gpt-5",
    startTime = 1795600000, endTime = 1795600001, prompt_tokens = 5, completion_tokens = 5 }
end

local function ccproxy(id)
  return with_content { request_id = id, event = "access_log", level = "info", status_code = 200,
    timestamp = "2026-11-25 10:15:30.123", model = "gpt-5", tokens_input = 5 }
end

local function access_log(id)
  return with_content { request_id = id, request_uri = "/v1/messages", status = "200",
    time = "1795600001.5" }
end

local function transcript(id)
  return json.encode {
    sessionId = "s", timestamp = "2026-11-25T10:15:30Z", requestId = "of-" .. id,
    message = { id = id, model = "gpt-5", role = "assistant",
      content = { { type = "text", text = SECRET } },
      usage = { input_tokens = 5, output_tokens = 5 } },
  }
end

local NDJSON = { ["content-type"] = "application/x-ndjson" }

local ways = {
  ["logs as JSON"] = { "/v1/logs", JSON, function(id) return json.encode(logs(id)) end },
  ["logs as protobuf"] = { "/v1/logs", PROTOBUF, function(id)
    return protobuf.encode(messages, "ExportLogsServiceRequest", logs(id))
  end },
  ["spans as JSON"] = { "/v1/traces", JSON, function(id) return json.encode(spans(id)) end },
  ["spans as protobuf"] = { "/v1/traces", PROTOBUF, function(id)
    return protobuf.encode(messages, "ExportTraceServiceRequest", spans(id))
  end },
  ["native lines"] = { "/logs/ingest", NDJSON, native, kept = true },
  ["native JSON"] = { "/logs/ingest", JSON, function(id) return "[" .. native(id) .. "]" end,
    kept = true },
  ["native extra"] = { "/logs/ingest", NDJSON, in_extra, kept = true },
  ["LiteLLM's log"] = { "/ingest/litellm", JSON, litellm },
  ["ccproxy's log"] = { "/ingest/ccproxy", JSON, ccproxy, kept = true },
  ["an access log"] = { "/ingest/access_log", JSON, access_log },
}

local function files_of(database)
  local found = {}
  for _, suffix in ipairs { "", "-wal" } do
    found[#found + 1] = helpers.read_file(database .. suffix) or ""
  end
  return table.concat(found)
end

local function id_of(what)
  return "call-" .. what:gsub("%W", "-")
end

-- The row's text, once the server has told it and everything else that it tells.
local function row_of(s, what)
  local row = s:get("/logs/entries/" .. id_of(what))
  assert.equal(200, row.status, what)
  assert.falsy(row.body:find(SECRET, 1, true), what)
  return row
end

describe("content", function()
  it("is in no row, export, event or file, by whichever way it came in", function()
    local folder <close> = helpers.folder()
    local s = server.start { database = folder.path .. "/m.db",
      config = "config.events, config.storage.hot_days = { keep = true }, 0" }
    for what, way in pairs(ways) do
      local answer = s:post(way[1], way[3](id_of(what)), way[2])
      assert.equal(200, answer.status, what .. answer.body)
      local extra = row_of(s, what).json().extra
      if way.kept then
        assert.same({ "kept" }, extra.kept, what)
        assert.same({ map = {}, list = { {}, { {} } }, long = {} }, extra.app)
      elseif way[1]:find "^/v1/" then
        assert.equal("kept", extra.attributes["app.kept"])
      end
    end
    for _, path in ipairs { "/logs/export?format=ndjson", "/events/query", "/metrics" } do
      assert.falsy(s:get(path).body:find(SECRET, 1, true), path)
    end
    s:stop()
    local stored = files_of(folder.path .. "/m.db")
    assert.truthy(stored:find(id_of "native lines", 1, true), "the file was read too early")
    assert.falsy(stored:find(SECRET, 1, true))
  end)

  it("is in no file that an import has written to", function()
    local folder <close> = helpers.folder()
    local database = folder.path .. "/import.db"
    local formats = { ndjson = native, litellm = litellm, ccproxy = ccproxy,
      access_log = access_log, claude = transcript }
    for format, write in pairs(formats) do
      local path = folder.path .. "/" .. format .. ".jsonl"
      helpers.write_file(path, write(id_of(format)) .. "\n")
      local result = server.run { "--database", database, "import", "--format", format, path }
      assert.equal(0, result.code, result.stderr)
    end
    local stored = files_of(database)
    for format in pairs(formats) do
      assert.truthy(stored:find(id_of(format), 1, true), format)
    end
    assert.falsy(stored:find(SECRET, 1, true))
  end)

  it("is not what a column takes by its name, nor an error's own message", function()
    local s = server.start()
    local message = ("why "):rep(500)
    s:ingest { { request_id = "q", query = "a=" .. ("b"):rep(2000), status_code = 500,
      error_message = message, prompt = SECRET } }
    local row = s:get("/logs/entries/q").json()
    assert.equal(2002, #row.query)
    assert.same({ error_message = message }, row.extra)
    s:stop()
  end)
end)
