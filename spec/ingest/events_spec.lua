local helpers = require "spec.helpers"
local server = require "spec.helpers.server"

local JSON = { ["content-type"] = "application/json" }
local keep = "config.events = { keep = true, max = 5 }"

local function names(answer)
  local list = {}
  for i, event in ipairs(answer.json().events) do
    list[i] = event.kind
  end
  return list
end

local function send(s, file)
  s:post("/v1/logs", helpers.read_file("spec/wire/" .. file), JSON)
end

describe("events of senders #loops", function()
  it("are streamed as they come", function()
    local s = server.start()
    local stream = s:stream "/events/stream"
    assert.equal("connection", stream:event().json.type)
    send(s, "claude-code-2.1.202-logs.json")
    local event = stream:event().json
    assert.same({ "claude_code", "user_prompt", 1795426000.1, 42 },
      { event.sender, event.kind, event.time, event.attributes.prompt_length })
    s:stop()
  end)

  it("are not kept as shipped", function()
    local s = server.start()
    send(s, "claude-code-2.1.202-logs.json")
    assert.equal(503, s:get("/events/query").status)
    s:stop()
  end)

  it("are kept where config.lua says so, newest first, and found by what they are", function()
    local s = server.start { config = keep }
    assert.same({}, names(s:get "/events/query"))
    send(s, "claude-code-2.1.202-logs.json")
    assert.same({ "api_retries_exhausted", "tool_decision", "tool_result", "user_prompt" },
      names(s:get "/events/query"))
    assert.same({ "tool_result" }, names(s:get "/events/query?name=tool_result"))
    assert.same({}, names(s:get "/events/query?sender=codex"))
    assert.same({ "user_prompt" }, names(s:get "/events/query?end_time=1795426000.1"))
    assert.same({ "tool_decision" },
      names(s:get "/events/query?start_time=1795426006&end_time=1795426006"))
    assert.same({}, names(s:get "/events/query?session=nobody"))
    local page = s:get("/events/query?limit=3").json()
    assert.same({ "user_prompt" },
      names(s:get("/events/query?limit=3&before=" .. page.next_before)))
    s:stop()
  end)

  it("are kept up to the number that config.lua tells", function()
    local s = server.start { config = keep }
    send(s, "claude-code-2.1.202-logs.json")
    send(s, "codex-0.46-logs.json")
    assert.same({ "tool_decision", "sse_event", "api_request", "user_prompt",
      "conversation_starts" },
      names(s:get "/events/query"))
    s:stop()
  end)

  it("are gone after a reset", function()
    local s = server.start { config = keep }
    send(s, "claude-code-2.1.202-logs.json")
    s:post("/logs/reset", "")
    assert.same({}, names(s:get "/events/query"))
    s:stop()
  end)
end)
