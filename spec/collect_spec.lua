--- moonledger collect: what agents keep in somebody's home, once.
local Process = require "spec.helpers.process"
local helpers = require "spec.helpers"
local server = require "spec.helpers.server"

local BINARY = os.getenv "MOONLEDGER" or "build/moonledger"

-- Where each agent would have written our bodies.
local places = {
  ["codex-rollout-0.58.jsonl"] = ".codex/sessions/2026/11/23/rollout-2026-11-23T09-26-58-a.jsonl",
  ["codex-rollout-fork-0.98.jsonl"] = ".codex/archived_sessions/rollout-b.jsonl.zst",
  ["gemini-chat-0.24.json"] = ".gemini/tmp/79b6/chats/session-1.json",
  ["gemini-chat-0.40.jsonl"] = ".gemini/tmp/79b6/chats/session-2.jsonl",
  ["claude-transcript-2.1.202.jsonl"] = ".claude/projects/repo/x.jsonl",
}

local function write(home, place, text)
  os.execute("mkdir -p " .. helpers.quote(home .. "/" .. place:match "^(.*)/"))
  helpers.write_file(home .. "/" .. place, place:find "%.zst$" and helpers.zstd(text) or text)
end

local function write_home(home)
  for name, place in pairs(places) do
    local text = helpers.read_file("spec/wire/" .. name)
    write(home, place, (text:gsub('{"type":"assistant","broken[^\n]*\n$', "")))
  end
  write(home, ".codex/history.jsonl", '{"text":"hi"}\n')
  write(home, ".gemini/tmp/79b6/logs.json", "[]")
end

describe("moonledger collect", function()
  local home, s

  local function environment()
    return { HOME = home.path, XDG_STATE_HOME = "", CODEX_HOME = "", CLAUDE_CONFIG_DIR = "",
      GEMINI_CLI_HOME = "", MOONLEDGER_INGEST_TOKEN = "" }
  end

  -- files, new, known already, rejected
  local function collect(...)
    local result = server.run({ "--database", home.path .. "/m.db", "collect", ... },
      { env = environment() })
    assert.same({ 0, "" }, { result.code, result.stderr })
    local counts = { result.stdout:match
      ": (%d+) files in %S+ s: (%d+) new, (%d+) known already, (%d+) rejected\n" }
    return table.concat(counts, " ")
  end

  before_each(function()
    home = helpers.folder()
    write_home(home.path)
  end)
  after_each(function()
    s = s and s:stop()
    helpers.remove_folder(home.path)
  end)

  it("finds them, and the second time only what has changed", function()
    assert.equal("5 9 3 0", collect())
    assert.equal("0 0 0 0", collect())
    assert.equal("5 0 12 0", collect "--again")
    local path = home.path .. "/" .. places["codex-rollout-0.58.jsonl"]
    local text = helpers.read_file(path)
    helpers.write_file(path, text .. text:match "([^\n]+)\n$":gsub("42000", "65000")
      :gsub("22000", "23000") .. '\n{"timestamp":"2026-11')
    assert.equal("1 1 2 0", collect("--agent", "codex"))
  end)

  it("says which agents it knows", function()
    local result = server.run({ "collect", "--agent", "c" }, { env = environment() })
    assert.same({ 2, "moonledger: collect: --agent: c: expected claude, codex, gemini or qwen\n" },
      { result.code, result.stderr })
  end)

  local function telemetry()
    for _, name in ipairs { "codex-0.46-logs.json", "gemini-cli-0.9-logs.json" } do
      s:post("/v1/logs", helpers.read_file("spec/wire/" .. name),
        { ["content-type"] = "application/json" })
    end
  end

  -- Successes of Codex and Gemini CLI: how many, and their cost.
  local function sums()
    local answer = s:get("/logs/breakdown?by=service_type&start_time=0&status_code=200").json()
    local found = {}
    for _, group in ipairs(answer.groups) do
      found[group.service_type] = { group.request_count,
        tonumber(("%.6f"):format(group.total_cost_usd)) }
    end
    return { found.codex, found.gemini_cli }
  end

  -- Codex 0.013125 + 0.007 + 0.005; Gemini CLI 0.0135 + 0.00035 + 0.000718.
  local expected = { { 3, 0.025125 }, { 3, 0.014568 } }

  for _, first in ipairs { "telemetry", "the files" } do
    it("counts no call twice that telemetry told of too: first " .. first, function()
      s = server.start()
      if first == "telemetry" then
        telemetry()
      end
      collect("--url", s.url)
      telemetry()
      assert.same(expected, sums())
      collect("--url", s.url, "--again")
      assert.same(expected, sums())
    end)
  end

  -- A session of Codex with two calls that count the same, the second told again; and a fork of it.
  local function alike(id, began, seconds)
    local parent = id == "s-fork" and ',"forked_from_id":"s-alike"' or ""
    local lines = { ('{"type":"session_meta","timestamp":"%s","payload":{"id":"%s"%s}}')
      :format(began, id, parent) }
    for i, second in ipairs(seconds) do
      local calls = math.min(i, 2)
      lines[#lines + 1] = ('{"timestamp":"2026-11-23T10:%s","type":"event_msg","payload":'
        .. '{"type":"token_count","info":{'
        .. '"last_token_usage":{"input_tokens":800,"output_tokens":9},'
        .. '"total_token_usage":{"input_tokens":%d,"output_tokens":%d}}}}')
        :format(second, 800 * calls, 9 * calls)
    end
    return table.concat(lines, "\n") .. "\n"
  end

  local function alike_telemetry()
    local records = {}
    for i, second in ipairs { "00:02.100Z", "00:07.100Z" } do
      local attributes = {}
      for name, value in pairs { ["event.name"] = "codex.sse_event",
        ["event.kind"] = "response.completed", ["conversation.id"] = "s-alike", model = "gpt-5",
        ["event.timestamp"] = "2026-11-23T10:" .. second, input_token_count = "800",
        output_token_count = "9" } do
        attributes[#attributes + 1] =
          ('{"key":"%s","value":{"stringValue":"%s"}}'):format(name, value)
      end
      records[i] = '{"attributes":[' .. table.concat(attributes, ",") .. "]}"
    end
    s:post("/v1/logs", '{"resourceLogs":[{"scopeLogs":[{"logRecords":['
      .. table.concat(records, ",") .. "]}]}]}", { ["content-type"] = "application/json" })
  end

  for _, first in ipairs { "telemetry", "the files" } do
    it("counts two calls that count the same as two: first " .. first, function()
      s = server.start()
      os.execute("rm -r " .. helpers.quote(home.path) .. "/.codex")
      write(home.path, ".codex/sessions/rollout-1.jsonl",
        alike("s-alike", "2026-11-23T10:00:00Z", { "00:02Z", "00:07Z", "00:08Z" }))
      write(home.path, ".codex/sessions/rollout-2.jsonl",
        alike("s-fork", "2026-11-23T10:30:00Z", { "30:01Z", "30:01Z" }))
      if first == "telemetry" then
        alike_telemetry()
      end
      collect("--url", s.url, "--agent", "codex")
      alike_telemetry()
      collect("--url", s.url, "--agent", "codex", "--again")
      local summary = s:get("/logs/analytics?start_time=0").json().summary
      assert.same({ 2, 1600, 18 },
        { summary.total_requests, summary.total_tokens_input, summary.total_tokens_output })
    end)
  end

  -- --follow into s, until it is killed.
  local function follow()
    local words = Process.environment(environment())
    for _, word in ipairs { BINARY, "--database", home.path .. "/m.db", "collect", "--follow",
      "--every", "0.1", "--url", s.url } do
      words[#words + 1] = word
    end
    local folder = helpers.temporary_folder()
    local process = Process.start(words, folder)
    return process, function()
      process:kill()
      helpers.remove_folder(folder)
    end
  end

  it("gives reasons with --follow, however many it has given before", function()
    s = server.start()
    local path = ".claude/projects/repo/broken.jsonl"
    write(home.path, path, ("broken\n"):rep(12))
    local process, stop = follow()
    local function tells(reason)
      server.eventually(function()
        return process:stderr():find(reason, 1, true) ~= nil
      end)
    end
    tells "broken.jsonl: line 10 is no JSON object"
    write(home.path, ".claude/projects/repo/later.jsonl", "broken\n")
    tells "later.jsonl: line 1 is no JSON object"
    stop()
  end)

  it("goes on with --follow, and waits for a server that is away", function()
    local database = home.path .. "/server.db"
    s = server.start { database = database }
    local process, stop = follow()
    local function has(count)
      server.eventually(function()
        return s:get("/logs/analytics?start_time=0").json().summary.total_requests == count
      end)
    end
    has(9)
    s:stop()
    local chat = home.path .. "/" .. places["gemini-chat-0.40.jsonl"]
    helpers.write_file(chat, helpers.read_file(chat) .. '{"id":"a3","type":"gemini",'
      .. '"timestamp":"2026-11-23T11:00:09.000Z","model":"gemini-2.5-flash",'
      .. '"tokens":{"input":1,"output":2,"cached":0,"thoughts":0,"tool":0,"total":3}}\n')
    server.eventually(function()
      return process:stderr():find("connection refused; trying again", 1, true) ~= nil
    end)
    s = server.start { database = database, listen = "127.0.0.1:" .. s.port }
    has(10)
    stop()
  end)
end)
