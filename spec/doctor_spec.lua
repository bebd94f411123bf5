--- moonledger doctor: what it calls wrong, and the repair that it names.
local helpers = require "spec.helpers"
local server = require "spec.helpers.server"

-- A home of somebody who uses all three agents and reports to url.
local function write_home(home, url, changed)
  local files = {
    [".claude/settings.json"] = ([[{"env": {"CLAUDE_CODE_ENABLE_TELEMETRY": "1",
      "OTEL_LOGS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
      "OTEL_EXPORTER_OTLP_ENDPOINT": "%s"}}]]):format(url),
    [".codex/config.toml"] = ([[
model = "gpt-5"
[otel]
# exporter = "none"
exporter = { otlp-http = { endpoint = "%s/v1/logs", protocol = "binary" } }
]]):format(url),
    [".gemini/settings.json"] = ([[{"telemetry": {"enabled": true, "target": "local",
      "otlpProtocol": "http", "otlpEndpoint": "%s"}}]]):format(url),
  }
  for path, text in pairs(changed or {}) do
    files[path] = text:gsub("URL", url)
  end
  for path, text in pairs(files) do
    os.execute("mkdir -p " .. helpers.quote(home .. "/" .. path:match "^(.*)/"))
    helpers.write_file(home .. "/" .. path, text)
  end
end

describe("moonledger doctor", function()
  local s, home

  -- What it says of a server, by default ours, and its exit code.
  local function doctor(options)
    options = options or {}
    local env = options.env or {}
    env.HOME = options.home or home.path
    for _, name in ipairs { "CLAUDE_CODE_ENABLE_TELEMETRY", "CODEX_HOME", "CLAUDE_CONFIG_DIR",
      "GEMINI_TELEMETRY_ENABLED", "MOONLEDGER_READ_TOKEN", "OTEL_EXPORTER_OTLP_HEADERS" } do
      env[name] = env[name] or ""
    end
    local result = server.run({ "--config", options.config or s.root .. "/config.lua",
      "--database", options.database or s.database, "--listen",
      (options.url or s.url):match "//(.*)", "doctor" }, { env = env })
    assert.equal("", result.stderr)
    return result.stdout, result.code
  end

  lazy_setup(function()
    s = server.start { config = "" }
    home = helpers.folder()
    write_home(home.path, s.url)
  end)
  lazy_teardown(function()
    s:stop()
    helpers.remove_folder(home.path)
  end)

  it("finds nothing where all is well", function()
    s:ingest { { request_id = "a", service_type = "proxy", user_agent = "cli/1.0" } }
    local said, code = doctor()
    assert.equal(0, code)
    assert.is_nil(said:find "WRONG" or said:find "note ")
    for _, line in ipairs {
      "configuration  " .. s.root .. "/config.lua (--config)",
      "server         " .. s.url .. " answers, version ",
      "permissions    " .. s.database .. " can be written",
      "tokens         none are wanted", "sender         proxy, cli/1.0: 1 records, 0 events",
      "clock          the server's and this machine's agree",
      "Claude Code    reports to " .. s.url, "Codex          reports to " .. s.url .. "/v1/logs",
      "Gemini CLI     reports to " .. s.url, "11 fine, 0 to note, 0 wrong",
    } do
      assert.is_truthy(said:find("fine   " .. line, 1, true) or said:find("\n" .. line, 1, true),
        line .. "\n" .. said)
    end
  end)

  -- What is changed, the lines that follow.
  local cases = {
    ["an endpoint that leads elsewhere"] = {
      env = { OTEL_EXPORTER_OTLP_LOGS_ENDPOINT = "http://localhost:4318/v1/logs" },
      says = "Claude Code    the endpoint is http://localhost:4318/v1/logs, not URL",
      repair = "export OTEL_EXPORTER_OTLP_ENDPOINT=URL",
    },
    ["a variable that is missing"] = {
      files = { [".claude/settings.json"] = '{"env": {"OTEL_LOGS_EXPORTER": "console"}}' },
      env = { CLAUDE_CODE_ENABLE_TELEMETRY = "1", OTEL_EXPORTER_OTLP_ENDPOINT = "URL" },
      says = "Claude Code    OTEL_LOGS_EXPORTER is not otlp, and calls are told by logs; "
        .. "OTEL_EXPORTER_OTLP_PROTOCOL is not set, not http/protobuf or http/json",
      repair = "export OTEL_LOGS_EXPORTER=otlp OTEL_METRICS_EXPORTER=otlp",
    },
    ["an exporter of Codex that is another"] = {
      files = { [".codex/config.toml"] = "[otel]\n"
        .. 'exporter = { otlp-grpc = { endpoint = "URL" } }\n' },
      says = "Codex          its exporter is not otlp-http; no endpoint is set",
      repair = 'exporter = { otlp-http = { endpoint = "URL/v1/logs", protocol = "binary" } }',
    },
    ["an endpoint of Codex without its path"] = {
      files = { [".codex/config.toml"] = '[otel.exporter."otlp-http"]\nendpoint = "URL"\n' },
      says = "Codex          the endpoint's path is /, not /v1/logs",
      repair = "[otel]",
    },
    ["an endpoint with a path that the agent adds again"] = {
      env = { GEMINI_TELEMETRY_OTLP_ENDPOINT = "URL/v1/logs/" },
      says = "Gemini CLI     the endpoint's path is /v1/logs, not /",
      repair = "export GEMINI_TELEMETRY_OTLP_ENDPOINT=URL",
    },
    ["Gemini CLI's variables over its file"] = {
      env = { GEMINI_TELEMETRY_TARGET = "gcp", GEMINI_TELEMETRY_OTLP_PROTOCOL = "grpc" },
      says = "Gemini CLI     the target is gcp, not local; "
        .. "the protocol is not http (grpc where none is set)",
      repair = "export GEMINI_TELEMETRY_OTLP_PROTOCOL=http",
    },
  }
  for what, case in pairs(cases) do
    it("tells of " .. what, function()
      local folder = helpers.folder()
      write_home(folder.path, s.url, case.files)
      local env = {}
      for name, value in pairs(case.env or {}) do
        env[name] = value:gsub("URL", s.url)
      end
      local said, code = doctor { home = folder.path, env = env }
      helpers.remove_folder(folder.path)
      assert.is_truthy(said:find("WRONG  " .. case.says:gsub("URL", s.url), 1, true), said)
      assert.is_truthy(said:find("  " .. case.repair:gsub("URL", s.url) .. "\n", 1, true), said)
      assert.equal(1, code)
    end)
  end

  it("does not blame an agent that nobody has set up, and is silent of one that is not there",
      function()
    local folder = helpers.folder()
    os.execute("mkdir -p " .. folder.path .. "/.gemini")
    local said, code = doctor { home = folder.path }
    helpers.remove_folder(folder.path)
    assert.is_truthy(said:find("note   Gemini CLI     does not tell this server", 1, true), said)
    assert.is_nil(said:find "Claude Code" or said:find "Codex")
    assert.equal(0, code)
  end)

  it("tells of a configuration that is wrong, of tokens that all can read, of files from the "
      .. "future and of a server that is not there", function()
    local folder = helpers.folder()
    local path, database = folder.path .. "/config.lua", folder.path .. "/m.db"
    helpers.write_file(path, "return { storage = { pth = 1 } }")
    local said, code = doctor { config = path }
    assert.is_truthy(said:find("WRONG  configuration  .*pth"), said)
    assert.equal(1, code)

    helpers.write_file(path,
      'return { tokens = { { token = "secret-words", scopes = { "read" } } } }')
    helpers.write_file(database, "")
    os.execute(("chmod 644 %s; touch -d '1 hour' %s"):format(path, database))
    said, code = doctor { config = path, database = database, url = "http://127.0.0.1:1" }
    helpers.remove_folder(folder.path)
    for _, words in ipairs {
      "WRONG  port           127.0.0.1:1: connection refused",
      "WRONG  permissions    " .. path .. " has tokens in it that every user can read",
      "  chmod o-r '" .. path .. "'\n",
      "WRONG  clock          " .. database .. " was written 60 min",
    } do
      assert.is_truthy(said:find(words, 1, true), said)
    end
    assert.equal(1, code)
  end)
end)

describe("moonledger doctor and a server", function()
  local function doctor(s, env)
    local home = helpers.folder()
    write_home(home.path, s.url)
    env = env or {}
    env.HOME, env.MOONLEDGER_READ_TOKEN = home.path, env.MOONLEDGER_READ_TOKEN or ""
    local result = server.run({ "--config", s.root .. "/config.lua", "--database", s.database,
      "--listen", s.url:match "//(.*)", "doctor" }, { env = env })
    helpers.remove_folder(home.path)
    return result.stdout, result.code
  end

  it("that wants tokens: whether it knows ours and the agents'", function()
    local s = server.start { env = { MOONLEDGER_ADMIN_TOKEN = "right" } }
    local said = doctor(s)
    assert.is_truthy(said:find("note   tokens         the server wants one", 1, true), said)
    assert.is_truthy(said:find("WRONG  Claude Code    the server wants a token and none is sent",
      1, true), said)
    assert.is_truthy(said:find('  export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer TOKEN"\n',
      1, true), said)
    said = doctor(s, { MOONLEDGER_READ_TOKEN = "wrong",
      OTEL_EXPORTER_OTLP_HEADERS = "x=1,Authorization=Bearer%20wrong" })
    assert.is_truthy(said:find("WRONG  tokens         the server does not know this token",
      1, true), said)
    assert.is_truthy(said:find("WRONG  Claude Code    the server does not know the token that is "
      .. "sent", 1, true), said)
    said = doctor(s, { MOONLEDGER_READ_TOKEN = "right",
      OTEL_EXPORTER_OTLP_HEADERS = "Authorization=Bearer right" })
    assert.is_truthy(said:find("fine   Claude Code", 1, true), said)
    assert.is_truthy(said:find("note   sender         nobody has sent anything yet", 1, true), said)
    s:stop()
  end)

  -- A sender of an earlier run, heard a day and an hour ago.
  local OLD = [[
    local storage = require "storage"
    return {
      summary = "Notes a sender that is silent.",
      handle = function(req)
        local heard = req.now - 25 * 3600
        storage.append("senders", { { senders = { { service_type = "codex", version = "1",
          api_key = "", first_seen = heard, last_seen = heard, records = 7, events = 0,
          rejected = 0, why = {} } } } }, { keep = 1 })
        return { status = 204 }
      end,
    }
  ]]

  it("that is another version, has a silent sender, rows of the future, refused a record, has "
      .. "broken scripts", function()
    local s = server.start {
      config = 'table.insert(config.routes, { "POST", "/old", "routes.old" })',
      files = { ["lua/routes/old.lua"] = OLD },
    }
    s:post("/old", "")
    s:ingest { { request_id = "late", timestamp = 4102444800, model = "m", cost_usd = 1,
      user_agent = "ua\27[2J" }, { request_id = "long", service_type = ("s"):rep(100) } }
    s:post("/logs/ingest", '{"request_id":"a","tokens_input":"many","service_type":"proxy"}',
      { ["content-type"] = "application/json", ["user-agent"] = "cli/2" })
    helpers.write_file(s.root .. "/lua/lib/health.lua",
      helpers.read_file(s.root .. "/lua/lib/health.lua")
        :gsub("body.status = failure", 'body.version = "0.1"\n  %0'))
    server.eventually(function()
      return s:get("/health").json().version == "0.1"
    end)
    helpers.write_file(s.root .. "/lua/routes/logs_errors.lua", "return {")
    server.eventually(function()
      return #s:get("/logs/system").json().reload_errors > 0
    end)
    local said, code = doctor(s)
    for _, words in ipairs {
      "WRONG  version        " .. s.url .. " runs 0.1, this is ",
      "note   sender         codex, 1: silent for 25.0 h",
      "note   rows           1 are of the future, up to 2100-01-01T00:00:00",
      "fine   sender         (no service type), ua?[2J: 1 records",
      "fine   sender         " .. ("s"):rep(40) .. "…",
      "WRONG  sender         (no service type), cli/2: 1 were not taken: tokens_input",
      "WRONG  scripts        the server goes on with the old ones: ",
    } do
      assert.is_truthy(said:find(words, 1, true), said)
    end
    assert.equal(1, code)
    assert.is_nil(said:find "\27")
    s:stop()
  end)

  it("that runs elsewhere, and has rows of senders that it has not heard", function()
    local folder <close> = helpers.folder()
    local path = folder.path .. "/m.db"
    helpers.write_file(folder.path .. "/records.ndjson", '{"request_id":"a","model":"m"}')
    server.run { "--config", "config.lua", "--database", path, "import",
      folder.path .. "/records.ndjson" }
    local s <close> = server.start { database = path }
    local said = doctor(s)
    assert.is_truthy(said:find("note   sender         nobody has been heard since the start; of "
      .. "before there are 1 rows", 1, true), said)
    local other = folder.path .. "/other.db"
    local function notes_other(name)
      said = doctor({ root = s.root, database = other, url = s.url })
      assert.matches(("note   database       %s serves another one: %s (%s), here it is %s (%s)")
        :format(s.url, path, s:get("/logs/system").json().database.name, other, name)
        :gsub("[%-.()]", "%%%0"):gsub("HEX", "%%x+"), said)
    end
    assert.is_nil(said:find("database       ", 1, true), said)
    notes_other "not there, or not for you to read"
    server.run { "--config", "config.lua", "--database", other, "import",
      folder.path .. "/records.ndjson" }
    notes_other "HEX"
    said = doctor({ root = s.root, database = path, url = "http://127.0.0.1:1" })
    assert.is_truthy(said:find("Nobody serves there, and a server has " .. path, 1, true), said)
    for _, words in ipairs { { "collect" }, { "import", folder.path .. "/records.ndjson" } } do
      local result = server.run({ "--config", "config.lua", "--database", path, "--listen",
        "127.0.0.1:1", table.unpack(words) }, { env = { HOME = folder.path } })
      assert.same({ 1, "", "moonledger: 127.0.0.1:1: connection refused, and a server has the "
        .. "database elsewhere: name it by --url\n" },
        { result.code, result.stdout, result.stderr })
    end
    s:stop()
  end)

  it("that is another program", function()
    local s = server.start { config = "config.routes = {}" }
    local said, code = doctor(s)
    assert.is_truthy(said:find("WRONG  port           " .. s.url .. " is another program's",
      1, true), said)
    assert.equal(1, code)
    s:stop()
  end)
end)
