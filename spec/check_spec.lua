--- What --check, and a server that starts, say of config.lua and of the scripts that it names.
local helpers = require "spec.helpers"
local server = require "spec.helpers.server"

describe("the configuration", function()
  local folder
  before_each(function() folder = helpers.temporary_folder() end)
  after_each(function() helpers.remove_folder(folder) end)

  --- What --check says about a config.lua with this text beside the shipped scripts.
  local function check(text)
    os.execute("cp -R lua " .. folder)
    helpers.write_file(folder .. "/config.lua", text)
    return server.run { "--check", folder .. "/config.lua" }
  end

  it("is fine as it is shipped", function()
    local r = server.run { "--check" }
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
    local r = server.run { "--config", folder .. "/none.lua" }
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
    local r = server.run { "--check", folder .. "/config.lua" }
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
    local r = server.run { "--config", folder .. "/config.lua", "--listen", "127.0.0.1:0",
      "--database", folder .. "/x.db" }
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
    local r = server.run { "--check", folder .. "/config.lua" }
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
