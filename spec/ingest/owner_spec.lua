--- Who spent it, as far as the resource of an OTLP sender tells.
local json = require "spec.helpers.json"
local server = require "spec.helpers.server"

local JSON = { ["content-type"] = "application/json" }

local function attributes(told)
  local list = json.array {}
  for key, value in pairs(told) do
    list[#list + 1] = { key = key, value = { stringValue = value } }
  end
  return list
end

local function resource(service)
  return { attributes = attributes { ["service.name"] = service, ["team.id"] = "red",
    ["host.name"] = "h1", project = "shop", billing = "notional", ["user.email"] = "ann@x" } }
end

local function log(service, name, told)
  return { resourceLogs = { { resource = resource(service), scopeLogs = { { logRecords = { {
    eventName = name, timeUnixNano = "1795600001000000000", attributes = attributes(told),
  } } } } } } }
end

local spans = { resourceSpans = { { resource = resource "bot", scopeSpans = { { spans = { {
  traceId = ("a"):rep(32), spanId = ("b"):rep(16), name = "chat",
  startTimeUnixNano = "1795600000000000000", endTimeUnixNano = "1795600001000000000",
  attributes = attributes { ["gen_ai.operation.name"] = "chat", ["gen_ai.request.model"] = "m" },
} } } } } } }

local bodies = {
  ["Claude Code"] = { "/v1/logs", log("claude-code", "claude_code.api_request",
    { request_id = "r", model = "m", input_tokens = "1" }) },
  Codex = { "/v1/logs", log("codex_cli_rs", "codex.sse_event",
    { ["event.kind"] = "response.completed", ["conversation.id"] = "c", model = "m",
      input_token_count = "1", output_token_count = "1" }) },
  ["Gemini CLI"] = { "/v1/logs", log("gemini-cli", "gemini_cli.api_response",
    { prompt_id = "p", model = "m", input_token_count = "1" }) },
  ["a span"] = { "/v1/traces", spans },
}

describe("the resource", function()
  it("tells team, host, project, billing and user of every sender", function()
    local s = server.start()
    for who, body in pairs(bodies) do
      assert.equal(200, s:post(body[1], json.encode(body[2]), JSON).status, who)
    end
    local rows = s:get("/logs/entries?fields=service_type,team,host,project,billing,user").json()
    assert.equal(4, #rows.entries)
    for _, row in ipairs(rows.entries) do
      local service_type = row.service_type
      row.service_type = nil
      assert.same({ team = "red", host = "h1", project = "shop", billing = "notional",
        user = "ann@x" }, row, service_type)
    end
    s:stop()
  end)
end)
