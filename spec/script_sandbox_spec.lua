--- What a script cannot reach.  Each attempt runs inside a handler; its answer is what pcall said.
local helpers = require "spec.helpers"
local server = require "spec.helpers.server"

-- A Lua chunk that returns what it got hold of; nil, false or an error is the right end.
local ESCAPES = {
  "return io", "return debug", "return package", "return dofile", "return loadfile",
  "return loadstring", "return warn", "return os.execute", "return os.exit", "return os.getenv",
  "return os.remove", "return os.rename", "return os.tmpname",
  "return os.setlocale", "return string.dump", "return require('io')", "return require('os')",
  "return require('debug')",
  "return require('package')", "return require('ffi')", "return require('lfs')",
  "return require('socket')",
  "return require('cjson.safe')", "return require('cjson').encode",
  "return require('cjson').decode_max_depth",
  "return require('../config')", "return require('/etc/passwd')", "return require('..config')",
  "return require('lib/../../config')",
  "return load('\\27Lua')", "return load(function() return 'return io' end)",
  "return load('return io')()",
  "return load('return io', 'x', 'b')()", "return (load('return _ENV.io', 'x', 't'))()",
  "return getmetatable('')", "return getmetatable(_G)", "return getmetatable(string)",
  "return getmetatable(req)",
  "return setmetatable(_G, {})", "return rawset(_G, 'a', 1)", "return rawset(string, 'rep', 1)",
  "return rawget(_G, 'io')",
  "a_global = 1 return a_global", "_G.a_global = 1 return _G.a_global",
  "string.rep = nil return string.rep == nil or nil",
  "table.insert(string, 1) return string[1]", "pairs = nil return pairs == nil or nil",
  "require('config').listen.port = 1 return require('config').listen.port == 1 or nil",
  "require('config').routes[1] = nil return require('config').routes[1] == nil or nil",
  "return collectgarbage('stop')", "return collectgarbage('generational')",
  "return collectgarbage('setpause', 1)",
  "req.method = 'POST' return req.method == 'POST' or nil", "return every(1000, print)",
  "return select(2, pcall(setmetatable, {}, { __gc = print })).x",
  "local _, real = pairs(_G) real.made = 1 return made",
  "local _, real = pairs(string) return rawget(real, 'rep')",
  "return require('json').array(_G)", "return require('json').object(require('config'))",
  "for name, value in pairs(_G) do if name == 'io' or value == io and io then return name end end",
}

local function escape_file()
  local lines = { "local attempts = {}" }
  for i, code in ipairs(ESCAPES) do
    lines[#lines + 1] = ("attempts[%d] = function(req) %s end"):format(i, code)
  end
  lines[#lines + 1] = [[
    return { summary = "Tries.", handle = function(req)
      local ok, got = pcall(attempts[math.tointeger(tonumber(req.params.n))], req)
      return { json = { escaped = ok and got and true or false, got = tostring(got) } }
    end }]]
  return table.concat(lines, "\n")
end

describe("the sandbox", function()
  local s
  lazy_setup(function()
    s = server.start {
      config = [[
        table.insert(config.routes, { "GET", "/escape/{n}", "routes.escape" })
        table.insert(config.routes, { "GET", "/kept", "routes.kept" })
        table.insert(config.routes, { "GET", "/allowed", "routes.allowed" })]],
      files = {
        ["lua/routes/escape.lua"] = escape_file(),
        ["lua/routes/kept.lua"] = [[
          local kept
          return { summary = "Keeps req.", handle = function(req)
            local before = kept
            kept = kept or req
            local body = req.body
            local ok, message = pcall(function() return before and before.path end)
            return { json = { ok = ok, message = message, len = #body } }
          end }]],
        ["lua/routes/allowed.lua"] = [[
          local cjson = require "cjson"
          return { summary = "Allowed.", handle = function()
            local co = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) return a + b end)
            return { json = {
              co(1), co(2), os.time() > 0, #os.date "%Y", utf8.char(955), math.type(1),
              ("ab"):rep(2), load "return 1 + 1"(), select("#", table.unpack({ 1, 2 })),
              cjson.decode '{"a":[1]}'.a[1], collectgarbage "count" > 0,
              pcall(cjson.decode, '{"a":NaN}'), type(next(require("config").listen, nil)),
            } }
          end }]],
      },
    }
  end)
  lazy_teardown(function() s:stop() end)

  for i, code in ipairs(ESCAPES) do
    it("does not give: " .. code, function()
      local response = s:get("/escape/" .. i)
      assert.equal(200, response.status)
      assert.is_false(response.json().escaped, response.json().got)
    end)
  end

  it("leaves what scripts need", function()
    local got = s:get("/allowed").json()
    assert.same({ 2, 3, true, 4, "λ", "integer", "abab", 2, 2, 1, true, false },
      { table.unpack(got, 1, 12) })
  end)

  it("lets nobody touch a request that is finished", function()
    s:get "/kept"
    local answer = s:get("/kept").json()
    assert.is_false(answer.ok)
    assert.truthy(answer.message:find("the request is finished", 1, true))
  end)
end)

describe("files that others could have written", function()
  local function refuses(prepare, words)
    local folder = helpers.temporary_folder()
    os.execute("cp -R config.lua lua static " .. folder)
    os.execute(("cd %s && %s"):format(folder, prepare))
    local result = server.run { "--check", "--config", folder .. "/config.lua" }
    helpers.remove_folder(folder)
    assert.equal(1, result.code)
    assert.truthy((result.stdout .. result.stderr):find(words, 1, true),
      result.stdout .. result.stderr)
  end

  it("are refused: config.lua", function()
    refuses("chmod o+w config.lua",
      "config.lua:1: anyone on this machine may write to it: chmod o-w")
  end)

  it("are refused: a route", function()
    refuses("chmod o+w lua/routes/health.lua",
      "lua/routes/health.lua:1: anyone on this machine may write to it")
  end)

  it("are refused: a folder", function()
    refuses("chmod o+w lua/lib", "lua/lib:1: anyone on this machine may write to it")
  end)

  it("are refused: a link that leads outside", function()
    refuses("ln -s /etc/hostname lua/lib/host.lua",
      "lua/lib/host.lua:1: leads out of the folder of config.lua")
  end)
end)
