#include <lauxlib.h>

#include "base/log.h"
#include "script/bindings/bindings.h"

enum { MAX_FIELDS = 16 };

/* Texts of the fields stay anchored in the table at index 2, or on the stack where they
 * had to be made. */
static void read_fields(lua_State *L, struct log_field fields[MAX_FIELDS + 1]) {
  size_t n = 0;
  if (lua_isnoneornil(L, 2))
    return;
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checkstack(L, 3 * MAX_FIELDS, NULL);
  lua_pushnil(L);
  while (n < MAX_FIELDS && lua_next(L, 2)) {
    luaL_argcheck(L, lua_type(L, -2) == LUA_TSTRING, 2, "fields have names");
    const char *key = lua_tostring(L, -2);
    if (lua_isinteger(L, -1)) {
      fields[n] = log_int(key, lua_tointeger(L, -1));
    } else if (lua_type(L, -1) == LUA_TNUMBER) {
      fields[n] = log_real(key, lua_tonumber(L, -1));
    } else {
      size_t len;
      const char *text = luaL_tolstring(L, -1, &len);
      fields[n] = log_bytes(key, text, len);
      lua_replace(L, -2);
    }
    lua_pushvalue(L, -2);
    n++;
  }
}

static int write_line(lua_State *L, enum log_level level) {
  struct log_field fields[MAX_FIELDS + 1] = {0};
  const char *message = luaL_checkstring(L, 1);
  lua_settop(L, 2);
  read_fields(L, fields);
  log_write(level, message, fields);
  return 0;
}

static int l_log_debug(lua_State *L) {
  return write_line(L, LOG_DEBUG);
}

static int l_log_info(lua_State *L) {
  return write_line(L, LOG_INFO);
}

static int l_log_warn(lua_State *L) {
  return write_line(L, LOG_WARN);
}

static int l_log_error(lua_State *L) {
  return write_line(L, LOG_ERROR);
}

int luaopen_log(lua_State *L) {
  static const luaL_Reg functions[] = {
    {"debug", l_log_debug},
    {"info", l_log_info},
    {"warn", l_log_warn},
    {"error", l_log_error},
    {NULL, NULL},
  };
  luaL_newlib(L, functions);
  return 1;
}
