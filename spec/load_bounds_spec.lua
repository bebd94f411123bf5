--- Files that run for ever end the start, --check and nothing else.
local helpers = require "spec.helpers"
local server = require "spec.helpers.server"

-- What the file does, whether --check is asked instead of a start, and the text put before its own.
local ENDLESS = {
  { "config.lua", "an endless loop", false, "while true do end" },
  { "config.lua", "a loop that catches", true,
    "while true do pcall(function() while true do end end) end" },
  { "config.lua", "a function of C", true, "local s = (''):rep(1 << 60)" },
  { "config.lua", "a handler", true,
    "local function loop() while true do end end xpcall(loop, loop)" },
  { "config.lua", "an endless setting", true,
    "do return { listen = setmetatable({}, { __index = function() while true do end end }) } end" },
  { "config.lua", "a text that has no place", true, "local s = ('x'):rep(1 << 34)" },
  { "lua/schema.lua", "an endless loop", true, "while true do end" },
  { "lua/schema.lua", "a function of C", false, "table.move({}, 1, 1 << 60, 2)" },
  { "lua/hooks.lua", "a function of C", true, "table.move({}, 1, 1 << 60, 2)" },
  { "lua/hooks.lua", "a handler", false,
    "local function loop() while true do end end xpcall(loop, loop)" },
}

describe("a file that is loaded #signals", function()
  for _, case in ipairs(ENDLESS) do
    local file, name, checks, text = table.unpack(case)
    it(("ends %s with %s in %s"):format(checks and "--check" or "the start", name, file), function()
      local folder = helpers.temporary_folder()
      os.execute("cp -R config.lua lua " .. folder)
      helpers.write_file(folder .. "/" .. file, text .. "\n" .. (helpers.read_file(file) or ""))
      local words = { "--config", folder .. "/config.lua", "--listen", "127.0.0.1:0", "--database",
        folder .. "/x.db" }
      if checks then
        words[#words + 1] = "--check"
      end
      local result = server.run(words)
      assert.equal(1, result.code)
      assert.truthy(result.stderr:find(file, 1, true), result.stderr)
      helpers.remove_folder(folder)
    end)
  end
end)

describe("a reload", function()
  it("ends with a function of C that runs for ever, and so does the server", function()
    local s <close> = server.start {
      files = { ["lua/hooks.lua"] = "return { on_record = function(r) return r end }" },
    }
    helpers.write_file(s.root .. "/lua/hooks.lua", "table.move({}, 1, 1 << 60, 2)")
    server.eventually(function() return s:log():find "loading takes too long" end)
    assert.equal(200, s:get("/health/live").status)
    s:stop()
  end)
end)
