#include "script/bindings/lua_inflater.h"

#include <lauxlib.h>

#include "net/inflate.h"
#include "script/engine/lua_json.h"

enum { MAX_BYTES = 8 << 20 };

static const char inflater_type[] = "http.inflater";

static int l_inflater_gc(lua_State *L) {
  struct inflater **place = lua_touserdata(L, 1);
  inflater_free(*place);
  *place = NULL;
  return 0;
}

/* inflater:take(bytes) -> text, or nil where they are not what the coding makes, or too much. */
static int l_inflater_take(lua_State *L) {
  struct inflater **place = luaL_checkudata(L, 1, inflater_type);
  size_t len, used;
  const char *data = luaL_checklstring(L, 2, &len);
  struct buf *out = lua_json_push_fragment(L); /* so that raising leaks nothing */
  bool fine = true;
  for (; fine && len > 0 && out->len <= MAX_BYTES; data += used, len -= used)
    fine = inflater_take(*place, data, len, &used, out, MAX_BYTES) && used > 0;
  if (fine && len == 0)
    lua_pushlstring(L, out->len > 0 ? out->data : "", out->len);
  else
    luaL_pushfail(L);
  buf_clear(out);
  return 1;
}

/* nil where there is none for that coding. */
int l_http_inflater(lua_State *L) {
  const char *coding = luaL_checkstring(L, 1);
  struct inflater **place = lua_newuserdatauv(L, sizeof *place, 0);
  *place = NULL;
  luaL_setmetatable(L, inflater_type);
  *place = inflater_new(coding);
  if (*place == NULL)
    luaL_pushfail(L);
  return 1;
}

void lua_inflaters_open(lua_State *L) {
  static const luaL_Reg methods[] = {{"take", l_inflater_take}, {NULL, NULL}};
  luaL_newmetatable(L, inflater_type);
  lua_pushcfunction(L, l_inflater_gc);
  lua_setfield(L, -2, "__gc");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, false);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}
