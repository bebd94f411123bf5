--- Every Lua file as luacheck reads it, with the rules of .luacheckrc.
local has_luacheck = os.execute "command -v luacheck >/dev/null"

describe("luacheck", function()
  (has_luacheck and it or pending)("has nothing to say", function()
    local pipe = assert(io.popen "luacheck --no-color --quiet --codes lua spec config.lua 2>&1")
    local said = pipe:read "a"
    assert.is_true(pipe:close(), said)
  end)
end)
