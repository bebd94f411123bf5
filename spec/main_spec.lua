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

describe("the configuration", function()
  local folder
  before_each(function() folder = helpers.temporary_folder() end)
  after_each(function() helpers.remove_folder(folder) end)

  --- What --check says about a config.lua with this text beside the shipped scripts.
  local function check(text)
    os.execute("cp -R lua " .. folder)
    helpers.write_file(folder .. "/config.lua", text)
    return run("--check", folder .. "/config.lua")
  end

  it("is fine as it is shipped", function()
    local r = run "--check"
    assert.same({ 0, "" }, { r.code, r.stderr })
    assert.truthy(r.stdout:find("^config.lua: fine\n"), r.stdout)
  end)

  it("may leave everything out but the table", function()
    assert.equal(0, check("return {}").code)
  end)

  it("may set every rate that prices.lua tells of", function()
    local class = helpers.read_file("lua/lib/prices.lua"):match("@class Rates\n(.-)\n[^-]")
    local rates = {}
    for name, kind in class:gmatch("@field ([%w_]+)%? (%S+)") do
      rates[#rates + 1] = ("%s = %s"):format(name, kind == "number" and "1" or "{}")
    end
    assert.is_true(#rates > 15, class)
    local r = check(("return { pricing = { overrides = { a = { %s } } } }")
      :format(table.concat(rates, ", ")))
    assert.same({ 0, "" }, { r.code, r.stderr })
  end)

  it("is told of named files that cannot be read, and of prices that are none", function()
    local r = check [[return {
      pricing = { file = "nope.json" }, outside = { ca_file = "no.pem" },
    }]]
    assert.equal(1, r.code)
    for _, said in ipairs { 'pricing.file: /[^\n]+/nope.json: No such file',
        'outside.ca_file: /[^\n]+/no.pem: No such file' } do
      assert.matches("config.lua:%d+: " .. said, r.stderr)
    end
    r = check [[return { pricing = { overrides = {
      a = { input = 1, output = 2, above = { [200] = { input = 2 } }, tiers = { batch = 0.5 } },
      b = { inputt = 1 }, c = { output = "2" }, d = 3, e = { off_peak = 0.5 } } } }]]
    assert.equal(4, select(2, r.stderr:gsub("\n", "")), r.stderr)
    for _, said in ipairs {
      "pricing.overrides.b.inputt: unknown key; there are input, output, cache_read",
      "pricing.overrides.c.output: expected dollars, got a string",
      "pricing.overrides.d: expected a table such as { input = 1, output = 4 }, got a number",
      "pricing.overrides.e.off_peak: expected a table, got a number",
    } do
      assert.truthy(r.stderr:find(said, 1, true), r.stderr)
    end
  end)

  it("is told the line of a mistake, which is in no comment and no other word", function()
    local r = check [[-- loops, hops, ops and latency
      return { limits = { body_bytes = 1 << 20 }, -- ops
      outside = { allow = { "hooks.example.com" } },
      notify = {
        stops = { "webhook", url = "https://hooks.example.com/" },
        ops = { "nothing" },
      },
      alerts = {
        { "alerts.latency", critcal = 5 } } }]]
    assert.matches("config.lua:6: notify.ops: ", r.stderr)
    assert.matches('config.lua:9: alerts%[1%] "latency": critcal: unknown key', r.stderr)
  end)

  it("is told that outside.allow has names, not addresses of pages", function()
    local said = check('return { outside = { allow = { "https://hooks.slack.com" } } }').stderr
    assert.truthy(said:find("https://hooks.slack.com: expected a name such as", 1, true), said)
  end)

  it("may begin with a byte order mark, as any Lua file of the user's", function()
    os.execute("mkdir -p " .. folder .. "/lua/routes")
    helpers.write_file(folder .. "/lua/routes/mine.lua",
      "\u{FEFF}return { summary = 'Mine.', handle = function() end }")
    local r = check "\u{FEFF}return { routes = { { 'GET', '/mine', 'routes.mine' } } }"
    assert.same({ 0, "" }, { r.code, r.stderr })
  end)

  it("may name another file that is not there", function()
    local r = run("--config", folder .. "/none.lua")
    assert.equal(1, r.code)
    assert.equal(folder .. "/none.lua: No such file or directory; --config names another file\n",
      r.stderr)
  end)

  local mistakes = {
    { "return {", "config.lua:1: unexpected symbol near <eof>" },
    { "error 'no'", "config.lua:1: no" },
    { "return { ['for'] = 1, for = 1 }", "near 'for'; the key is written [\"for\"]" },
    { "return 1", "config.lua" },
    { 'return { listen = { port = "x" } }',
      'listen.port: expected an integer from 0 to 65535, got the text "x"' },
    { "return { bogus = 1 }", "config.lua:1: bogus: unknown key" },
    { "return { storage = { durability = 1 } }",
      "storage.durability: expected one of full|normal" },
    { "return { storage = { readers = 0 } }",
      "storage.readers: expected an integer from 1 to 64, got 0" },
    { "return { metrics = { namespace = '9 lives' } }",
      "metrics.namespace: expected letters, digits and _" },
    { "return { features = { dashboard_enabled = 'yes' } }",
      "features.dashboard_enabled: expected" },
    { "return { routes = { { 'GET' } } }",
      'routes[1]: expected { "GET", "/path", "routes.file" }' },
    { "return { routes = { { 'GET', '/x', 'routes.none' } } }", "routes.none" },
    { "return { routes = { { 'GET', '/x', 'routes.health' }, { 'GET', '/x', 'routes.health' } } }",
      "/x" },
    { "return { listen = { host = '0.0.0.0' } }",
      "0.0.0.0 is reachable from other machines and no token is set" },
    {
      "return { listen = { host = '0.0.0.0' }, tokens = { { token = '123456789012345', scopes = "
        .. "{ 'read' } } } }",
      "0.0.0.0 is reachable from other machines and a token has fewer than 16 characters" },
  }
  for _, case in ipairs(mistakes) do
    it("is refused when it says " .. case[1], function()
      local r = check(case[1])
      assert.equal(1, r.code)
      assert.equal("", r.stdout)
      assert.truthy(r.stderr:find(case[2], 1, true), r.stderr)
      assert.equal("\n", r.stderr:sub(-1))
    end)
  end

  it("is told where a wrong setting stands, and of a broken script beside it", function()
    os.execute("cp -R lua " .. folder)
    helpers.write_file(folder .. "/lua/routes/health.lua", "return {")
    helpers.write_file(folder .. "/config.lua", "return {\n  bogus = 1,\n}\n")
    local r = run("--check", folder .. "/config.lua")
    assert.equal(1, r.code)
    assert.truthy(r.stderr:find("config.lua:2: bogus: unknown key", 1, true), r.stderr)
    assert.truthy(r.stderr:find("lua/routes/health.lua:1: unexpected symbol", 1, true), r.stderr)
  end)

  it("is told of all its mistakes at once, and of each once", function()
    local r = check "return { bogus = 1, listen = { port = -1 }, storage = { readers = 'x' } }"
    assert.equal(3, select(2, r.stderr:gsub("\n", "")))
    for _, text in ipairs { "return {", "error 'no'", "return 1", "return { listen = 8787 }" } do
      local said = check(text).stderr
      assert.equal(1, select(2, said:gsub("\n", "")), said)
    end
  end)

  it("is told of lists without their inner braces, and of what is no table", function()
    local r = check [[return {
      hosts = { name = "a" },
      tokens = { token = "0123456789abcdef" },
      routes = { "GET", "/x", path = "routes.health" },
      alerts = { slow = { critical = 1 } },
      budgets = { mine = { limit_usd = 5 } },
      cors = { origins = { "https://a", x = 1 } },
      metrics = { labels = { [3] = "team" } },
      outside = { allow = "x" },
      notify = "ops", captures = 1, settings = 5,
      pricing = { overrides = true },
      storage = { retention = "90d" },
      listen = 8787, limits = 1,
      events = { keep = "yes", max = 0, kept = true },
    }]]
    local found = {}
    for key, said in r.stderr:gmatch "config.lua:%d+: ([%w_.]+): ([^\n]*)\n" do
      found[key] = (found[key] or "") .. said
    end
    local function list(example, why)
      return ("expected a list such as %s, %s"):format(example, why)
    end
    assert.same({
      hosts = list('{ "stats.example" }', "found the key name"),
      tokens = list('{ { token = "..", scopes = { "read" } } }', "found the key token"),
      routes = list('{ { "GET", "/path", "routes.file" } }', "found the key path"),
      alerts = list('{ "alerts.latency", { name = "..", .. } }', "found the key slow"),
      budgets = list('{ { name = "all", limit_usd = 100 } }', "found the key mine"),
      ["cors.origins"] = list('{ "https://dash.example.com" }', "found the key x"),
      ["metrics.labels"] = list('{ "team" }', "found the key 3"),
      ["outside.allow"] = list('{ "hooks.example.com" }', "got a string"),
      notify = "expected a table, got a string", captures = "expected a table, got a number",
      settings = "expected a table, got a number",
      ["pricing.overrides"] = "expected a table, got a boolean",
      ["storage.retention"] = "expected a table, got a string",
      listen = "expected a table, got a number", limits = "expected a table, got a number",
      ["events.keep"] = 'expected true or false, got the text "yes"',
      ["events.max"] = "expected an integer from 1 to 4611686018427387903, got 0",
      ["events.kept"] = found["events.kept"]:match "^unknown key; .*",
    }, found)
    local nested = check [[return {
      listen = { without_tokens = true },
      tokens = {
        { token = "0123456789abcdef", scope = { "read" }, scopes = { "read" } },
        { token = "0123456789abcdef", scopes = { "read", admin = true } },
      },
    }]].stderr
    for _, said in ipairs {
      "listen.without_tokens: expected the words", "tokens.scope: unknown key; there are token",
      "tokens: every entry needs scopes",
    } do
      assert.truthy(nested:find(said, 1, true), nested)
    end
    local rules = check [[return {
      notify = {},
      alerts = { { name = "a", measure = "requests", critical = 1, where = { model = "x" },
        by = { "model", x = "user" }, notify = { who = "ops" } } },
      budgets = { { name = "b", limit_usd = 1, thresholds = { 0.5, last = 1 } } },
    }]].stderr
    for _, key in ipairs { "where", "by", "notify", "thresholds" } do
      assert.truthy(rules:find(key .. ": expected ", 1, true), rules)
    end
  end)

  it("keeps a server from starting where --check would refuse it", function()
    helpers.write_file(folder .. "/config.lua", "return { bogus = 1 }")
    local r = run("--config", folder .. "/config.lua", "--listen", "127.0.0.1:0", "--database",
      folder .. "/x.db")
    assert.equal(1, r.code)
    assert.truthy(r.stderr:find("bogus: unknown key", 1, true))
    assert.is_nil(helpers.read_file(folder .. "/x.db"))
  end)
end)

describe("--check", function()
  local folder
  before_each(function()
    folder = helpers.temporary_folder()
    os.execute("cp -R config.lua lua " .. folder)
  end)
  after_each(function() helpers.remove_folder(folder) end)

  --- What it says of the shipped tree with these files, and of a route to routes.x
  --- if there is one: its lines.
  local function check(files)
    for path, text in pairs(files) do
      helpers.write_file(folder .. "/" .. path, text)
    end
    if files["lua/routes/x.lua"] then
      local config = helpers.read_file(folder .. "/config.lua")
      local line = '  routes = {\n    { "GET", "/x", "routes.x" },'
      helpers.write_file(folder .. "/config.lua",
        (config:gsub("  routes = {", (line:gsub("%%", "%%%%")), 1)))
    end
    local r = run("--check", folder .. "/config.lua")
    assert.equal(1, r.code, r.stdout)
    assert.equal("", r.stdout)
    return r.stderr
  end

  local FIX = "; fix the syntax there or just above\n"
  local param = '\nreturn { params = { a = require("lib.params").%s }, handle = function() end }'
  local route = {
    ["return {"] = "1: unexpected symbol near <eof>" .. FIX,
    ['\nlocal a = require "lib.nothere"'] =
      "2: module 'lib.nothere' not found: the core has none of that name; "
      .. "fix the name or make lua/lib/nothere.lua\n",
    ["local a = 1"] =
      "1: returns nothing: end it with return { summary = ..., handle = function(req) ... end }\n",
    ["return 5"] = "1: must return a table { summary, params, handle }, returned a number\n",
    ["return { summary = 'x' }"] =
      "1: handle must be a function(req) that returns the answer, is a nil\n",
    ["return { sumary = 'x', handle = function() end }"] =
      "1: unknown field sumary: known are answers, description, ",
    ["return { scope = 'reed', handle = function() end }"] =
      '1: scope must be "open", "read", "ingest" or "admin", '
      .. 'is "reed"\n',
    ["return { params = { a = 1 }, handle = function() end }"] =
      "1: params.a must be made by lib.params, for example params.integer { default = 1 }\n",
    [param:format "integer { min = 1 }"] =
      "2: params.integer: unknown option min: known are default, ge, le, finite, "
      .. "one_of, required, check and description\n",
    [param:format "number {}"] =
      "2: params.number is none: there are integer, float, time, boolean, string and ranges\n",
    ["\n\nx = 1"] =
      "3: 'x' cannot be assigned: globals, libraries and settings are read-only; use a local\n",
    ["while true do end"] = "1: loading takes too long: the files may run for script.load_cpu_ms; "
      .. "look for an endless loop here\n",
  }
  for text, expected in pairs(route) do
    it("tells what is wrong with a route file that says " .. text:gsub("\n", " "), function()
      local said = check { ["lua/routes/x.lua"] = text }
      assert.equal("lua/routes/x.lua:" .. expected, said:sub(1, #"lua/routes/x.lua:" + #expected))
      assert.equal(1, select(2, said:gsub("\n", "")), said)
    end)
  end

  it("tells of every broken file", function()
    assert.equal(2, select(2, check {
      ["lua/routes/health.lua"] = "return {", ["lua/lib/repeat_params.lua"] = "\nretrun {}",
    }:gsub("lua/%a+/[%a_]+%.lua:%d: [^\n]+\n", "")))
  end)

  it("names a broken schema by its line, and a hook that does nothing", function()
    local schema = helpers.read_file "lua/schema.lua"
    local broken = schema:gsub('"requests_total", "counter"', '"requests_total", "countr"')
    local _, line = schema:match '^(.-)"requests_total"':gsub("\n", "")
    assert.equal(('lua/schema.lua:%d: families[1] "requests_total": "countr" is no kind: '
      .. "counter or histogram\n"):format(line + 1), check { ["lua/schema.lua"] = broken })
    local said =
      check { ["lua/schema.lua"] = schema, ["lua/hooks.lua"] = "return { on_recrod = print }" }
    assert.equal("lua/hooks.lua:1: on_record must be a function, is a nil\n", said)
  end)

  it("names the line of a second route for the same thing", function()
    local config = helpers.read_file "config.lua"
    local _, line = config:match '^(.-){ "GET", "/logs/query"':gsub("\n", "")
    local doubled = config:gsub('{ "GET", "/logs/query"',
      '{ "GET", "/logs/status", "routes.logs_query" },\n    %0', 1)
    local said = check { ["config.lua"] = doubled }
    assert.equal(("config.lua:%d: GET /logs/status: there are two routes for it; "
      .. "take one of them away\n"):format(line + 1), said)
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
