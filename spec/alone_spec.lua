--- The program alone: its files travel in it, and files of the user's win over them.
local helpers = require "spec.helpers"
local Process = require "spec.helpers.process"
local json = require "spec.helpers.json"
local Connection = require "spec.helpers.connection"

local BINARY = os.getenv "MOONLEDGER" or "build/moonledger"

local function working_folder()
  local pipe <close> = assert(io.popen "pwd")
  return pipe:read "l"
end

--- The program in a folder of its own; what runs there, runs with that as its working folder and
--- $HOME, and no settings from elsewhere.
local function alone()
  local folder = helpers.temporary_folder()
  local binary = BINARY:sub(1, 1) == "/" and BINARY or working_folder() .. "/" .. BINARY
  os.execute("cp " .. helpers.quote(binary) .. " " .. folder .. "/moonledger")
  return setmetatable({ folder = folder },
    { __close = function() helpers.remove_folder(folder) end })
end

local function words(here, ...)
  return { "-u", "MOONLEDGER_CONFIG", "-u", "XDG_DATA_HOME", "-u", "XDG_CONFIG_HOME",
    "HOME=" .. here.folder, "sh", "-c", 'cd "$0" && exec ./moonledger "$@"', here.folder, ... }
end

local function run(here, ...)
  local output = helpers.temporary_folder()
  local process = Process.start(words(here, ...), output)
  local code = process:wait(20)
  local result = { code = code, stdout = process:stdout(), stderr = process:stderr() }
  helpers.remove_folder(output)
  return result
end

local function write(here, path, text)
  os.execute("mkdir -p " .. here.folder .. "/" .. (path:match "^(.*)/" or "."))
  helpers.write_file(here.folder .. "/" .. path .. ".tmp", text)
  assert(os.rename(here.folder .. "/" .. path .. ".tmp", here.folder .. "/" .. path))
end

local function remove(here, path)
  assert(os.remove(here.folder .. "/" .. path))
end

--- Serves there; what it answers has get(path), log() and closes itself.
local function serve(here, ...)
  local output = helpers.temporary_folder()
  local process = Process.start(words(here, "--listen", "127.0.0.1:0", ...), output)
  local port = helpers.eventually(function()
    return tonumber(process:stdout():match "listening on http://127.0.0.1:(%d+)\n")
  end, 20)
  local s = {}
  function s.request(method, path, body, headers)
    local connection = Connection.open(port)
    connection:send(Connection.request_text {
      method = method, path = path, body = body, headers = headers, host = "127.0.0.1:" .. port,
    })
    local response = assert(connection:response(method))
    connection:close()
    return response
  end
  function s.get(path, headers) return s.request("GET", path, nil, headers) end
  function s.log() return process:stderr() end
  return setmetatable(s, { __close = function()
    process:signal "TERM"
    local code, log = process:wait(20), process:stderr()
    helpers.remove_folder(output)
    assert(code == 0, log)
  end })
end

local function route(text)
  return ([[return { summary = "Says a word.",
    handle = function() return { json = { word = %q } } end }]]):format(text)
end

local function says(s, path, text)
  helpers.eventually(function()
    local response = s.get(path)
    return response.status == 200 and response.body:find(text, 1, true)
  end)
end

describe("the program, alone in a folder", function()
  it("serves everything, and keeps its data with its user's", function()
    local here <close> = alone()
    do
      local s <close> = serve(here)
      local root = s.get "/"
      assert.same({ 307, "/dashboard" }, { root.status, root.headers.location })
      assert.equal(307, s.request("HEAD", "/").status)
      for path, text in pairs {
        ["/dashboard"] = "<!doctype html>", ["/dashboard/app.js"] = "import",
        ["/docs"] = "<!doctype html>", ["/openapi.json"] = "/logs/query", ["/health"] = "status",
        ["/metrics"] = "# TYPE",
      } do
        local response = s.get(path)
        assert.equal(200, response.status, path)
        assert.truthy(response.body:find(text, 1, true), path)
      end
      local stored =
        s.request("POST", "/logs/ingest", json.lines { { request_id = "a", model = "m" } },
        { ["content-type"] = "application/x-ndjson" })
      assert.equal(200, stored.status)
      assert.equal(1, s.get("/logs/query?start_time=0").json().count)
    end
    local data = here.folder .. "/.local/share/moonledger/data/moonledger.db"
    assert.truthy(helpers.read_file(data))
  end)

  it("tells with an ETag of its own that a file is as it was", function()
    local here <close> = alone()
    local s <close> = serve(here)
    local first = s.get "/dashboard/app.css"
    assert.is_nil(first.headers["last-modified"])
    assert.equal(304,
      s.get("/dashboard/app.css", { ["if-none-match"] = first.headers.etag }).status)
    local part = s.get("/dashboard/app.css", { range = "bytes=3-9" })
    assert.same({ 206, first.body:sub(4, 10) }, { part.status, part.body })
    for _, path in ipairs { "/dashboard/../config.lua", "/dashboard/..%2fdocs/index.html",
        "/dashboard/lib" } do
      assert.not_equal(200, s.get(path).status, path)
    end
  end)

  it("lets a file of the user's win, in folders that appear, and takes its own when that goes",
      function()
    local here <close> = alone()
    local s <close> = serve(here)
    local was = s.get("/health").body
    write(here, "lua/routes/health.lua", route "mine")
    says(s, "/health", "mine")
    write(here, "static/dashboard/app.css", "/* mine */")
    assert.equal("/* mine */", s.get("/dashboard/app.css").body)
    remove(here, "static/dashboard/app.css")
    assert.truthy(s.get("/dashboard/app.css").body ~= "/* mine */"
      and s.get("/dashboard/app.css").status == 200)
    remove(here, "lua/routes/health.lua")
    helpers.eventually(function() return #s.get("/health").body == #was end)
    write(here, "config.lua",
      'return { routes = defaults { { "GET", "/deep", "routes.mine.deep" } } }')
    write(here, "lua/routes/mine/deep.lua", route "deep")
    says(s, "/deep", "deep")
    assert.equal(200, s.get("/logs/status").status)
    remove(here, "config.lua")
    helpers.eventually(function() return s.get("/deep").status == 404 end)
    assert.equal(200, s.get("/logs/status").status)
    helpers.eventually(function() return s.log():find("config.lua is gone: routes,", 1, true) end)
  end)

  it("writes its files out, overwrites none, and serves what is edited of them", function()
    local here <close> = alone()
    write(here, "lua/routes/health.lua", route "before")
    local s <close> = serve(here)
    local said = run(here, "init")
    assert.equal(0, said.code, said.stderr)
    assert.truthy(said.stdout:find("wrote config.lua\n", 1, true))
    assert.truthy(said.stdout:find("left lua/routes/health.lua as it is\n", 1, true))
    assert.equal(route "before", helpers.read_file(here.folder .. "/lua/routes/health.lua"))
    assert.equal(helpers.read_file "config.lua", helpers.read_file(here.folder .. "/config.lua"))
    assert.equal(helpers.read_file "static/docs/docs.js",
      helpers.read_file(here.folder .. "/static/docs/docs.js"))
    write(here, "lua/routes/health.lua", route "after")
    says(s, "/health", "after")
    local again = run(here, "init")
    assert.matches(": 0 files written, %d+ there already as shipped, 1 that differ left alone\n$",
      again.stdout)
  end)

  it("says where init cannot write", function()
    local here <close> = alone()
    write(here, "lua", "a file")
    local said = run(here, "init")
    assert.equal(1, said.code)
    assert.truthy(said.stderr:find("./lua/", 1, true), said.stderr)
    assert.equal("a file", helpers.read_file(here.folder .. "/lua"))
  end)
end)

describe("defaults in config.lua", function()
  local function routes(text)
    local here <close> = alone()
    write(here, "config.lua", text)
    write(here, "lua/routes/mine.lua", route "mine")
    return run(here, "routes")
  end

  it("adds to the shipped routes, and an own one wins", function()
    local shipped = assert(loadfile "config.lua")().routes
    local said = routes [[return { routes = defaults {
      { "GET", "/mine", "routes.mine" }, { "GET", "/health", "routes.mine" } } }]]
    assert.equal(0, said.code, said.stderr)
    assert.truthy(said.stdout:find "GET +/mine +lua/routes/mine.lua")
    assert.truthy(said.stdout:find "GET +/health +lua/routes/mine.lua")
    local listed = select(2, said.stdout:gsub("\n", "\n"))
    assert.equal(#shipped, listed) -- one more, and POST /-/reload is off
  end)

  it("is what a config.lua without routes has", function()
    local all = routes "return {}"
    assert.equal(all.stdout, routes("return { routes = defaults {} }").stdout)
    assert.truthy(all.stdout:find "/logs/query")
  end)

  it("wants a list", function()
    local said = routes "return { routes = defaults() }"
    assert.equal(1, said.code)
    assert.truthy(said.stderr:find("config.lua:1: bad argument #1 to 'defaults'", 1, true),
      said.stderr)
  end)
end)

describe("--check", function()
  it("tells which files are in force", function()
    local here <close> = alone()
    local said = run(here, "--check")
    assert.truthy(said.stdout:find "^config.lua: fine\n  in %S+: your own: none; as shipped: 0\n"
      and said.stdout:find "\n  in the program: %d%d%d others\n$", said.stdout)
    write(here, "lua/routes/health.lua", route "mine")
    write(here, "static/docs/docs.css", "mine")
    write(here, "lua/schema.lua", helpers.read_file "lua/schema.lua")
    assert.truthy(run(here, "--check").stdout:find(
      "your own: lua/routes/health.lua, static/docs/docs.css; as shipped: 1\n", 1, true))
  end)

  it("reads files that begin with a byte order mark", function()
    local here <close> = alone()
    local mark = "\u{FEFF}"
    write(here, "config.lua", mark .. "return {}")
    write(here, "lua/routes/health.lua", mark .. route "marked")
    write(here, "lua/schema.lua", mark .. helpers.read_file "lua/schema.lua")
    write(here, "lua/commands/hello.lua",
      mark .. "return { summary = 'x', run = function() print 'hello' end }")
    assert.equal("hello\n", run(here, "hello").stdout)
    local s <close> = serve(here)
    says(s, "/health", "marked")
  end)

  it("tells which shipped routes a config.lua is without", function()
    local here <close> = alone()
    local config = helpers.read_file "config.lua"
    write(here, "config.lua", (config:gsub('[^\n]+"/docs[^\n]+\n', "")))
    local text =
      "config.lua is without these shipped routes: GET /docs, GET /docs/*; routes = defaults { "
        .. "... } has all"
    assert.truthy(run(here, "--check").stdout:find(text, 1, true))
    local s <close> = serve(here)
    helpers.eventually(
      function() return s.log():find('routes="GET /docs, GET /docs/*"', 1, true) end)
    assert.truthy(s.log():find "own=config.lua as_shipped=0 built_in=%d+\n")
  end)

  it("tells which files are older than the shipped text", function()
    local here <close> = alone()
    run(here, "init")
    assert.truthy(run(here, "--check").stdout:find "in the program: 0 others\n")
    write(here, "lua/routes/health.lua", route "an earlier program's")
    assert.is_nil(run(here, "--check").stdout:find "older")
    local record = helpers.read_file(here.folder .. "/.moonledger-init")
    write(here, ".moonledger-init",
      (record:gsub("%x+( lua/routes/health.lua)", "0123456789abcdef%1")))
    local said = run(here, "--check").stdout
    assert.truthy(said:find("older than the shipped text that they replace: lua/routes/health.lua;",
      1, true), said)
    run(here, "init")
    assert.equal(said, run(here, "--check").stdout)
    local s <close> = serve(here)
    helpers.eventually(function() return s.log():find("files=lua/routes/health.lua", 1, true) end)
  end)

  it("finds what a start finds: what files that are being loaded cannot ask", function()
    local here <close> = alone()
    local asked = {
      status = 'require("storage").count {}', query = 'require("storage").stats()',
      system = 'require("sse").stats()',
      entries = 'require("sse").publish("mine", {})', entry = 'require("server").status()',
    }
    for name, call in pairs(asked) do
      write(here, "lua/routes/logs_" .. name .. ".lua", call .. "\n" .. route "mine")
    end
    local checked, started = run(here, "--check"), run(here, "--listen", "127.0.0.1:0")
    assert.same({ 1, 1 }, { checked.code, started.code })
    assert.equal(checked.stderr, started.stderr)
    local lines =
      "lua/routes/logs_%l+.lua:1: %g+ [^\n]*cannot be called while files are loaded[^\n]*\n"
    assert.equal(5, select(2, checked.stderr:gsub(lines, "")), checked.stderr)
  end)

  it("finds a metric that schema.lua has already", function()
    local here <close> = alone()
    write(here, "lua/routes/health.lua",
      'require("metrics").gauge { name = "ccproxy_requests_total", help = "x" }\n' .. route "mine")
    local checked, started = run(here, "--check"), run(here, "--listen", "127.0.0.1:0")
    assert.same({ 1, 1 }, { checked.code, started.code })
    assert.equal(checked.stderr, started.stderr)
  end)
end)

describe("a server with tokens", function()
  it("keeps them when config.lua goes, and when it has none any more", function()
    local here <close> = alone()
    local tokens = '{ { token = "a-secret-of-32-letters-and-digits", scopes = { "read" } } }'
    local text = "return { tokens = %s }"
    write(here, "config.lua", text:format(tokens))
    local s <close> = serve(here)
    local function is_refused_since(said)
      helpers.eventually(function() return s.log():find(said, 1, true) end)
      assert.equal(401, s.get("/logs/query").status)
    end
    remove(here, "config.lua")
    is_refused_since "tokens: the file is gone, there would be none any more"
    write(here, "config.lua", text:format "{}")
    is_refused_since "tokens: with this file, there would be none any more"
    write(here, "config.lua", text:format(tokens))
    is_refused_since "are as they are in force again"
  end)
end)
