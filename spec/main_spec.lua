local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local server = require "spec.helpers.server"

local function run(...)
  return server.run { ... }
end

describe("the command line", function()
  it("tells the version", function()
    local r = run "--version"
    assert.same({ 0, "" }, { r.code, r.stderr })
    assert.matches("^moonledger 0%.1%.0 %([%w+ ]+%)\nlibuv 1%.%d+", r.stdout)
    local libraries = r.stdout:match "\n(.*)\n"
    assert.matches("llhttp %d+%.%d+%.%d+, Lua 5%.4%.%d, SQLite 3%.%d+", libraries)
  end)

  it("explains itself", function()
    local r = run "--help"
    assert.equal(0, r.code)
    for _, word in ipairs { "  --config FILE ", "  --listen HOST:PORT ", "  --database PATH ",
        "  --workers N ", "  --check ", "  --version ", "  serve ", "  init [FOLDER] ",
        "  check [FILE] ", "  routes ", "  import ", "\nExamples:\n", "\nExit codes:\n  0 ",
        "  /etc/moonledger/config.lua\n" } do
      assert.truthy(r.stdout:find(word, 1, true), word)
    end
  end)

  it("does so however it is asked", function()
    for asked, words in pairs { ["--help"] = { "-h", "help" }, ["--version"] = { "version" } } do
      for _, word in ipairs(words) do
        assert.same(run(asked), run(word))
      end
    end
    assert.same(run("usage", "--help"), run("usage", "-h"))
  end)

  it("has a man page of the same", function()
    local page = run("man").stdout
    assert.matches('^%.TH MOONLEDGER 1 "" "moonledger 0.1.0"\n', page)
    for _, line in ipairs { "\\-\\-config FILE", "init [FOLDER]", "import",
        "$MOONLEDGER_CONFIG" } do
      assert.truthy(page:find("\n.TP\n.B " .. line .. "\n", 1, true), line)
    end
  end)

  it("is completed by bash: words, then the options of a command", function()
    local function complete(line)
      local r = server.run({ "completion", "moonledger" }, { env = { COMP_LINE = line } })
      assert.same({ 0, "" }, { r.code, r.stderr })
      return r.stdout
    end
    assert.equal("import\ninit\n", complete "moonledger i")
    assert.equal("--format\n", complete "moonledger --config x import --f")
    assert.truthy(complete("moonledger "):find("serve\n", 1, true))
    local line = run("completion").stdout
    assert.equal('complete -o bashdefault -o default -C "moonledger completion" moonledger\n', line)
    local script = ('eval "$(%s completion)"; complete -p moonledger'):format(
      os.getenv "MOONLEDGER" or "build/moonledger")
    local said = helpers.lines_of("bash --norc -c " .. helpers.quote(script))
    assert.matches("^complete %-o bashdefault %-o default %-C 'moonledger completion'", said[1])
  end)

  it("takes options on both sides of a word of its own", function()
    local folder <close> = helpers.folder()
    helpers.write_file(folder.path .. "/config.lua", "return { lissen = 1 }")
    local file = folder.path .. "/config.lua"
    for _, words in ipairs { { "--config", file, "check" }, { "check", "--config", file },
        { "check", file }, { "--check", file } } do
      local r = server.run(words)
      assert.equal(1, r.code)
      assert.truthy(r.stderr:find("lissen", 1, true), r.stderr)
    end
  end)

  local mistakes = {
    { { "--no-such-thing" }, "unrecognized option '--no-such-thing'" },
    { { "surprise" }, "moonledger: surprise: unexpected argument; --help shows what there is\n" },
    { { "routes", "surprise" }, "moonledger: surprise: unexpected argument; --help" },
    { { "--listen", "127.0.0.1:99999" },
      "moonledger: --listen: expected HOST:PORT, such as 127.0.0.1:8787 or [::1]:0, got 127.0" },
    { { "--listen", "8787", "check" }, "moonledger: --listen: expected HOST:PORT" },
    { { "--workers", "0" }, "moonledger: --workers: expected a number from 1 to 64, got 0\n" },
    { { "--workers", "many" },
      "moonledger: --workers: expected a number from 1 to 64, got many\n" },
  }
  for _, case in ipairs(mistakes) do
    it("refuses " .. table.concat(case[1], " "), function()
      local r = server.run(case[1])
      assert.equal(2, r.code)
      assert.equal("", r.stdout)
      assert.truthy(r.stderr:find(case[2], 1, true), r.stderr)
    end)
  end

  it("lists every route that is on, with its file and summary", function()
    local r = run "routes"
    assert.equal(0, r.code)
    for _, route in ipairs(assert(loadfile "config.lua")().routes) do
      local line = ("%s %s lua/%s.lua %%u")
        :format(route[1], route[2]:gsub("%p", "%%%0"), route[3]:gsub("%.", "/"))
      local listed = r.stdout:find((line:gsub(" ", " +")))
      assert.equal(route[2] ~= "/-/reload", listed ~= nil, line)
    end
  end)
end)

describe("the server #loops", function()
  local folder
  before_each(function() folder = helpers.temporary_folder() end)
  after_each(function() helpers.remove_folder(folder) end)

  --- Starts it where it cannot start.
  local function refused(database, listen)
    local r = run("--config", "config.lua", "--listen", listen or "127.0.0.1:0",
      "--database", database)
    assert.equal(1, r.code)
    assert.equal("", r.stdout)
    assert.equal("\n", r.stderr:sub(-1))
    return r.stderr
  end

  it("says on standard output where it listens, and nothing else", function()
    local s <close> = server.start()
    assert.equal(("listening on http://127.0.0.1:%d\n"):format(s.port), s.process:stdout())
    s:stop()
  end)

  it("takes flags over the configuration", function()
    local s <close> = server.start {
      config = 'config.listen.port = 1; config.storage.path = "elsewhere.db"; config.workers = 3',
      workers = 2,
    }
    s:ingest { { request_id = "a" } }
    assert.not_equal(1, s.port)
    assert.truthy(helpers.read_file(s.database))
    assert.is_nil(helpers.read_file(s.root .. "/elsewhere.db"))
    assert.truthy(s:log():find "workers=2")
    s:stop()
  end)

  it("stops in order however often it is told to", function()
    local s <close> = server.start()
    local stream = s:stream "/logs/stream"
    for _, name in ipairs { "TERM", "TERM", "INT", "HUP", "TERM" } do
      s:signal(name)
    end
    s:wait()
    stream:close()
  end)

  it("makes the folder of its database", function()
    local s <close> = server.start { database = folder .. "/new/deep.db" }
    s:stop()
    assert.truthy(helpers.read_file(folder .. "/new/deep.db"))
  end)

  it("listens on IPv6", function()
    local s <close> = server.start { listen = "[::1]:0" }
    assert.equal(("http://[::1]:%d"):format(s.port), s.url)
    s:stop()
  end)

  it("refuses a listening address that is none", function()
    for _, address in ipairs { "127.0.0.1", "127.0.0.1:x", "127.0.0.1:65536", ":", "" } do
      local r = server.run { "--listen", address }
      assert.equal(2, r.code)
      assert.truthy(r.stderr:find("got " .. address .. "\n", 1, true), r.stderr)
    end
  end)

  it("refuses an address that somebody else listens on", function()
    local s <close> = server.start()
    local message = refused(folder .. "/x.db", "127.0.0.1:" .. s.port)
    assert.truthy(message:find("cannot listen on 127.0.0.1:" .. s.port, 1, true), message)
    s:stop()
  end)

  it("refuses to listen to the network without tokens, unless told so in words", function()
    assert.truthy(refused(folder .. "/x.db", "0.0.0.0:0"):find "no token is set")
    local s <close> = server.start {
      listen = "0.0.0.0:0",
      config = 'config.listen.without_tokens = "anyone on this network may read, write and reset"',
    }
    s:stop()
  end)

  it("listens to the network when a token is set", function()
    local s <close> = server.start {
      listen = "0.0.0.0:0", env = { MOONLEDGER_ADMIN_TOKEN = ("s"):rep(16) },
    }
    assert.equal(401, s:get("/logs/query").status)
    s:stop()
  end)

  it("refuses a database that another server has open", function()
    local s <close> = server.start()
    local message = refused(s.database)
    assert.truthy(message:find(s.database, 1, true), message)
    assert.truthy(message:find "another", message)
    s:stop()
  end)

  it("refuses a file that is no database, and leaves it alone", function()
    local text = ("not a database "):rep(1000)
    helpers.write_file(folder .. "/x.db", text)
    assert.truthy(refused(folder .. "/x.db"):find("x.db", 1, true))
    assert.equal(text, helpers.read_file(folder .. "/x.db"))
  end)

  it("refuses a place where nothing can be written", function()
    assert.truthy(refused("/proc/moonledger.db"):find("/proc/moonledger.db", 1, true))
    assert.truthy(refused(folder):find(folder, 1, true))
  end)

  for _, name in ipairs { "TERM", "INT" } do
    it("ends with 0 on SIG" .. name .. ", after a goodbye to its streams", function()
      local s <close> = server.start()
      local stream = s:stream "/logs/stream"
      assert.equal("connection", stream:event().json.type)
      s:signal(name)
      local goodbye = stream:event()
      assert.equal("disconnect", goodbye.json.type)
      local _, err = stream:event()
      assert.equal("closed", err)
      assert.equal(0, s:wait())
    end)
  end

  it("answers what it had begun when it was told to end", function()
    local slow = [[return { handle = function()
      require("log").info "begun"
      sleep(300)
      return { json = { done = true } }
    end }]]
    local s <close> = server.start {
      config = 'table.insert(config.routes, { "GET", "/slow", "routes.slow" })',
      files = { ["lua/routes/slow.lua"] = slow },
    }
    local connection = s:raw("GET /slow HTTP/1.1\r\nHost: 127.0.0.1:" .. s.port .. "\r\n\r\n")
    local other = s:stream "/logs/stream"
    other:event()
    helpers.eventually(function() return s:log():find "msg=begun" end)
    s:signal "TERM"
    assert.equal("disconnect", other:event().json.type)
    assert.same({ done = true }, connection:response().json())
    assert.equal(0, s:wait())
  end)

  it("is not held by clients that have ended their side and are owed nothing", function()
    local s <close> = server.start { config = "config.limits.shutdown_ms = 600000" }
    local head, connections = " HTTP/1.1\r\nHost: localhost\r\n", {}
    for i, sent in ipairs { "", "GET /he", "GET /health/live" .. head .. "\r\n",
      "GET /health/live" .. head .. "Connection: close\r\n\r\n",
      "GET /logs/stream" .. head .. "\r\n",
      "POST /logs/ingest" .. head .. "Content-Length: 100\r\n\r\n{",
      "POST /logs/ingest" .. head .. "Expect: 100-continue\r\nContent-Length: 9\r\n\r\n",
      "POST /nowhere" .. head .. "Content-Length: 10000000\r\n\r\n" } do
      connections[i] = s:raw(sent)
      if sent:find "\r\n\r\n" and not sent:find "{$" then
        assert(connections[i]:line())
      end
      connections[i]:shutdown()
    end
    s:stop() -- which waits for less
    for _, connection in ipairs(connections) do
      connection:close()
    end
  end)

  it("takes more connections than a shell's limit of open files", function()
    local s <close> = server.start { wrap = { "sh", "-c", 'ulimit -Sn 32; exec "$@"', "sh" } }
    local connections = {}
    for i = 1, 64 do
      connections[i] =
        s:raw("GET /logs/status HTTP/1.1\r\nHost: 127.0.0.1:" .. s.port .. "\r\n\r\n")
    end
    for _, connection in ipairs(connections) do
      assert.equal(200, connection:response().status)
    end
    s:stop()
  end)

  it("writes its log as lines of key=value, or JSON where the configuration wants that", function()
    local s <close> = server.start()
    s:stop()
    assert.truthy(s:log()
      :find "^time=%d+%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d+Z level=info msg=listening ")

    local t <close> = server.start { config = 'config.log.format = "json"' }
    t:stop()
    local first = json.decode(t:log():match "[^\n]+")
    assert.same({ "info", "listening" }, { first.level, first.msg })
  end)
end)
