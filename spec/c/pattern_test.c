#include "test.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdbool.h>

#include "script/engine/sandbox.h"

/* Random patterns on random texts: ours must answer what Lua's own library answers,
 * errors included. */
static const char program[] =
    "math.randomseed(42)\n"
    "local atoms = { 'a', 'b', '.', '%a', '%d', '%s', '[ab]', '[^a]', '[a-c]', '[%w_]', "
    "'[]]', '[^]]', '%%', '(', ')', '()',\n"
    "  '%1', '%2', '$', '^', '%b()', '%f[%w]', '%f[^a]', 'x', '[a-]', '[-a]', '%A', '%', "
    "'[', ']', '-', '[%]]', '\\0', '%z' }\n"
    "local suffixes = { '', '', '', '*', '+', '-', '?' }\n"
    "local bytes = { 'a', 'b', 'c', '(', ')', '1', ' ', ']', '-', '%', 'x', '_', '\\0', "
    "'A' }\n"
    "local inits = { 1, 1, 3, -2, 20 }\n"
    "local function any(t) return t[math.random(#t)] end\n"
    "local function repeated(n, f) local t = {} for i = 1, n do t[i] = f() end return "
    "table.concat(t) end\n"
    "local function show(t)\n"
    "  for i = 1, t.n do t[i] = type(t[i]) == 'string' and ('%q'):format(t[i]) or "
    "tostring(t[i]) end\n"
    "  return table.concat(t, ',')\n"
    "end\n"
    "local replacements = { '<%0>', function(a, b) return b or #tostring(a) > 1 and 'F' "
    "end, { a = 'T', b = false } }\n"
    "local calls = {\n"
    "  find = function(lib, s, p, r) return lib.find(s, p, r) end,\n"
    "  match = function(lib, s, p, r) return lib.match(s, p, r) end,\n"
    "  gsub = function(lib, s, p, r) return lib.gsub(s, p, replacements[r % 3 + 1]) "
    "end,\n"
    "  gmatch = function(lib, s, p, r)\n"
    "    local out = {}\n"
    "    for a, b in lib.gmatch(s, p, r) do out[#out + 1] = show(table.pack(a, b)) end\n"
    "    return table.concat(out, ';')\n"
    "  end,\n"
    "}\n"
    "local names = { 'find', 'match', 'gsub', 'gmatch' }\n"
    "for _ = 1, 40000 do\n"
    "  local s = repeated(math.random(0, 14), function() return any(bytes) end)\n"
    "  local p = repeated(math.random(1, 7), function() return any(atoms) .. "
    "any(suffixes) end)\n"
    "  local name, r = any(names), any(inits)\n"
    "  local want = table.pack(pcall(calls[name], string, s, p, r))\n"
    "  local got = table.pack(pcall(calls[name], ours, s, p, r))\n"
    "  if want[1] ~= got[1] or want[1] and show(want) ~= show(got) then\n"
    "    error(('%s(%q, %q, %d): %s, not %s'):format(name, s, p, r, show(got), "
    "show(want)), 0)\n"
    "  end\n"
    "end\n";

int main(void) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  lua_newtable(L);
  lua_pattern_open(L);
  lua_setglobal(L, "ours");
  bool same = luaL_dostring(L, program) == LUA_OK;
  if (!same)
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  CHECK(same);
  lua_close(L);
  return TEST_END;
}
