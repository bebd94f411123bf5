#include "script/bindings/lua_fields.h"

#include <lauxlib.h>
#include <string.h>

#include "base/string_list.h"
#include "script/engine/condition_read.h"
#include "script/engine/lua_json.h"
#include "script/engine/lua_list.h"
#include "script/engine/script.h"
#include "script/services.h"

void lua_field_error(lua_State *L, const char *name, const char *message) {
  luaL_error(L, "bad field %s (%s)", name, message);
  __builtin_unreachable(); /* it raises */
}

static void raise_unknown(lua_State *L, const char *key, const char *const *known) {
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (size_t i = 0; known[i] != NULL; i++) {
    luaL_addstring(&b, i == 0 ? "" : ", ");
    luaL_addstring(&b, known[i]);
  }
  luaL_pushresult(&b);
  luaL_error(L, "unknown option %s: known are %s", key, lua_tostring(L, -1));
}

void lua_fields_check(lua_State *L, int index, const char *const *known) {
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (lua_isinteger(L, -2))
      continue;
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2)
                                                     : luaL_tolstring(L, -2, NULL);
    if (!strings_have(known, key))
      raise_unknown(L, key, known);
  }
}

int lua_column_error(lua_State *L, const char *field, int index) {
  const char *given = luaL_tolstring(L, index, NULL);
  return luaL_error(L,
                    "bad field %s (there is no column \"%s\"; lua/schema.lua lists them)",
                    field, given);
}

int64_t lua_field_integer(lua_State *L, int index, const char *name, int64_t absent, int64_t least,
                          int64_t most) {
  int is_integer = true;
  int64_t n = absent;
  if (lua_getfield(L, index, name) != LUA_TNIL)
    n = lua_tointegerx(L, -1, &is_integer);
  if (!is_integer || n < least || n > most) {
    lua_pushfstring(L, "an integer from %I to %I expected", (LUAI_UACINT) least,
                    (LUAI_UACINT) most);
    lua_field_error(L, name, lua_tostring(L, -1));
  }
  lua_pop(L, 1);
  return n;
}

bool lua_field_boolean(lua_State *L, int index, const char *name) {
  lua_getfield(L, index, name);
  bool value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

int lua_field_column(lua_State *L, int index, const char *name) {
  int column = -1;
  if (lua_getfield(L, index, name) != LUA_TNIL) {
    size_t len = 0;
    const char *s = lua_tolstring(L, -1, &len);
    column = s != NULL ? schema_column(script_services(L)->schema, s, len) : -1;
    if (column < 0)
      lua_column_error(L, name, lua_gettop(L));
  }
  lua_pop(L, 1);
  return column;
}

size_t lua_field_list(lua_State *L, int index, const char *name, size_t least, size_t most,
                      const char *what) {
  int type = lua_getfield(L, index, name);
  size_t count = type == LUA_TTABLE ? lua_rawlen(L, -1) : 0;
  if (type == LUA_TTABLE && lua_list_push_key(L, -1))
    lua_field_error(L, name, lua_pushfstring(L, "a list of %s expected, found the key %s", what,
                                             luaL_tolstring(L, -1, NULL)));
  if (type != LUA_TNIL && (type != LUA_TTABLE || count < least || count > most))
    lua_field_error(L, name, lua_pushfstring(L, "a list of %s expected, at most %I", what,
                                             (LUAI_UACINT) most));
  return count;
}

struct conditions *lua_field_conditions(lua_State *L, int index, const char *name) {
  struct conditions *where = NULL;
  struct buf *error = lua_json_push_fragment(L);
  if (lua_getfield(L, index, name) != LUA_TNIL) {
    where = conditions_read(L, -1, script_services(L)->schema, error);
    if (where == NULL) {
      lua_pushlstring(L, error->data, error->len);
      lua_field_error(L, name, lua_tostring(L, -1));
    }
  }
  lua_pop(L, 2);
  return where;
}
