--- Where config.lua is looked for, where its data is then, and that both are told.
local helpers = require "spec.helpers"
local Process = require "spec.helpers.process"
local server = require "spec.helpers.server"

local BINARY = os.getenv "MOONLEDGER" or "build/moonledger"

describe("settings", function()
  local folder, here, home

  before_each(function()
    folder = helpers.temporary_folder()
    here, home = folder .. "/here", folder .. "/home"
    os.execute(("mkdir -p %s %s"):format(here, home))
  end)
  after_each(function()
    helpers.remove_folder(folder)
  end)

  local function write(path, text)
    os.execute("mkdir -p " .. folder .. "/" .. path:match "^(.*)/")
    helpers.write_file(folder .. "/" .. path, text)
  end

  -- Starts it in here with nothing but these variables set.
  local function start(words, env)
    local binary = BINARY:sub(1, 1) == "/" and BINARY or "$OLDPWD/" .. BINARY
    local line = { "-i", "HOME=" .. home }
    for name, value in pairs(env or {}) do
      line[#line + 1] = name .. "=" .. value
    end
    table.move({ "sh", "-c", 'cd "$0" && exec ' .. binary .. ' "$@"', here }, 1, 4, #line + 1, line)
    table.move(words, 1, #words, #line + 1, line)
    return Process.start(line, folder)
  end

  local function run(words, env)
    local process = start(words, env)
    local code = process:wait(helpers.SECONDS)
    return { code = code, stdout = process:stdout(), stderr = process:stderr() }
  end

  -- Which config.lua is in force, how it was found, and where the data is; in short.
  local function place(env, ...)
    local said = run({ "config", ... }, env)
    assert.equal(0, said.code, said.stderr)
    local file, how = said.stdout:match "^%-%- (%S+) %((.-)%)\n"
    local data = assert(load(said.stdout))().storage.path
    return (("%s|%s|%s"):format(file, how, data):gsub(helpers.quote(folder):sub(2, -2), ""))
  end

  it("are those named, then those here, then the user's, then the machine's, then built in",
      function()
    local built_in = "/here/config.lua|built in|/home/.local/share/moonledger/data/moonledger.db"
    assert.equal(built_in, place())
    write("home/.config/moonledger/config.lua", "return {}")
    assert.equal("/home/.config/moonledger/config.lua|looked for|"
      .. "/home/.local/share/moonledger/data/moonledger.db", place())
    write("here/config.lua", "return {}")
    assert.equal("/here/config.lua|looked for|/here/data/moonledger.db", place())
    write("named/config.lua", "return {}")
    local named = { MOONLEDGER_CONFIG = folder .. "/named/config.lua" }
    assert.equal("/named/config.lua|$MOONLEDGER_CONFIG|/named/data/moonledger.db", place(named))
    local said = run({ "--config", folder .. "/here/config.lua", "config" }, named)
    assert.truthy(said.stdout:find("/here/config.lua (--config)", 1, true), said.stdout)
  end)

  it("are the user's by the variables of XDG too, where those are absolute", function()
    local env = { XDG_CONFIG_HOME = folder .. "/c", XDG_DATA_HOME = folder .. "/d" }
    assert.equal("/here/config.lua|built in|/d/moonledger/data/moonledger.db", place(env))
    write("c/moonledger/config.lua", "return {}")
    assert.equal("/c/moonledger/config.lua|looked for|/d/moonledger/data/moonledger.db", place(env))
    env.XDG_DATA_HOME = "d"
    assert.equal("/c/moonledger/config.lua|looked for|"
      .. "/home/.local/share/moonledger/data/moonledger.db", place(env))
  end)

  it("go on with the data that is here", function()
    write("here/data/moonledger.db", "")
    assert.equal("/here/config.lua|built in|/here/data/moonledger.db", place())
  end)

  it("keep their data here where nobody has a home", function()
    assert.equal("/here/config.lua|built in|/here/data/moonledger.db", place { HOME = "" })
  end)

  it("have to be there when they are named", function()
    local said = run({ "routes" }, { MOONLEDGER_CONFIG = "/nowhere.lua" })
    assert.equal(1, said.code)
    assert.equal("/nowhere.lua: No such file or directory; $MOONLEDGER_CONFIG names another file\n",
      said.stderr)
  end)

  it("are told at the start, and a database that a new one would hide", function()
    write("home/.local/share/moonledger/data/moonledger.db", "")
    write("here/config.lua", "return { listen = { port = 0, } }")
    local process = start {}
    helpers.eventually(function() return process:stderr():find("other=", 1, true) end)
    process:signal "TERM"
    assert.equal(0, process:wait(helpers.SECONDS))
    local log = process:stderr()
    assert.truthy(log:find(("config=%s/config.lua found=\"looked for\" database=%s/data/m")
      :format(here, here), 1, true), log)
    assert.truthy(log:find("other=" .. home .. "/.local/share/moonledger/data/moonledger.db", 1,
      true), log)
  end)
end)

describe("moonledger config", function()
  it("has the routes of a config.lua that adds to the shipped ones", function()
    local folder <close> = helpers.folder()
    helpers.write_file(folder.path .. "/config.lua",
      'return { routes = defaults { { "GET", "/mine", "routes.mine" } } }')
    local said = server.run { "--config", folder.path .. "/config.lua", "config" }
    assert.same({ 0, "" }, { said.code, said.stderr })
    local routes = assert(load(said.stdout))().routes
    assert.same({ "GET", "/mine", "routes.mine" }, routes[1])
    assert.is_true(#routes > 40)
  end)

  it("prints what config.lua could say, and hides what is secret", function()
    local folder <close> = helpers.folder()
    helpers.write_file(folder.path .. "/config.lua", [[return {
      tokens = { { token = "a-secret-of-32-letters-and-digits", scopes = { "read" } } },
      settings = { hook = "https://user:a-secret@hooks.example/services/a-secret",
        headers = { Authorization = "a-secret" }, api_key = "a-secret", limit = 2.5, ["a b"] = true,
        tokens_input = "no secret" },
    }]])
    local pipe = assert(io.popen(("%s --config %s/config.lua --listen '[::1]:99' config"):format(
      helpers.quote(BINARY), folder.path)))
    local text = pipe:read "a"
    pipe:close()
    assert.is_nil(text:find("a-secret", 1, true))
    local settings = assert(load(text))()
    assert.same({ host = "::1", port = 99 }, settings.listen)
    assert.same({ hook = "https://(hidden)@hooks.example/(hidden)",
      headers = { Authorization = "(hidden)" }, api_key = "(hidden)", limit = 2.5, ["a b"] = true,
      tokens_input = "no secret" }, settings.settings)
    helpers.write_file(folder.path .. "/config.lua", text:gsub('"%(hidden%)"',
      '"a-secret-of-32-letters-and-digits"'))
    local check = assert(io.popen(("%s check %s/config.lua"):format(helpers.quote(BINARY),
      folder.path)))
    assert.matches(": fine\n", check:read "a")
    check:close()
  end)
end)
