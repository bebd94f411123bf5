#include "script/engine/lua_list.h"

#include <lauxlib.h>

bool lua_list_push_key(lua_State *L, int index) {
  lua_Unsigned count = lua_rawlen(L, index);
  index = lua_absindex(L, index);
  for (lua_pushnil(L); lua_next(L, index) != 0;) {
    lua_pop(L, 1);
    if (!lua_isinteger(L, -1) || (lua_Unsigned) lua_tointeger(L, -1) - 1 >= count)
      return true;
  }
  return false;
}

void lua_list_check(lua_State *L, int arg, const char *what) {
  luaL_checktype(L, arg, LUA_TTABLE);
  if (lua_list_push_key(L, arg))
    luaL_argerror(L, arg, lua_pushfstring(L, "a list of %s expected, found the key %s", what,
                                          luaL_tolstring(L, -1, NULL)));
}
