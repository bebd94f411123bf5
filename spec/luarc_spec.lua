--- What an editor that speaks LuaLS is told: where modules are, and which standard
--- libraries scripts do not have.
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"

describe(".luarc.json", function()
  local settings = json.decode(assert(helpers.read_file ".luarc.json"))

  local function finds(module)
    for _, pattern in ipairs(settings["runtime.path"]) do
      if helpers.read_file((pattern:gsub("?", (module:gsub("%.", "/"))))) then
        return true
      end
    end
    return false
  end

  it("finds every module that a script requires", function()
    local pipe = assert(io.popen "grep -rhoE 'require \"[a-z_.0-9]+\"' lua --include=*.lua")
    local found = 0
    for module in pipe:read("a"):gmatch 'require "([^"]+)"' do
      found = found + 1
      assert.is_true(finds(module), module)
    end
    pipe:close()
    assert.is_true(found > 100)
  end)

  it("disables the libraries that the sandbox does not have", function()
    local server <close> = require("spec.helpers.server").start {
      config = 'table.insert(config.routes, { "GET", "/libraries", "routes.libraries" })',
      files = { ["lua/routes/libraries.lua"] = [[
        return { handle = function()
          return { json = { io = io ~= nil, debug = debug ~= nil, package = package ~= nil,
            string = string ~= nil } }
        end }]] },
    }
    local has = server:get("/libraries").json()
    assert.same({ io = false, debug = false, package = false, string = true }, has)
    for library in pairs(settings["runtime.builtin"]) do
      assert.is_false(has[library], library)
    end
    server:stop()
  end)
end)
