#include "script/engine/sandbox.h"

#include <lauxlib.h>
#include <lua-cjson.h>
#include <lualib.h>
#include <string.h>

#include "base/log.h"
#include "script/engine/lua_request.h"
#include "script/engine/lua_timer.h"

enum { LOAD_MAX = 256 * 1024 }; /* bytes of a text for load(): compiling cannot be interrupted */

static const char env_key;

static int l_frozen(lua_State *L) {
  const char *key = luaL_tolstring(L, 2, NULL);
  return luaL_error(L,
                    "'%s' cannot be assigned: globals, libraries and settings are "
                    "read-only; use a local",
                    key);
}

/* Of the real table, which nobody gets to hold. */
static int l_frozen_next(lua_State *L) {
  lua_settop(L, 2);
  return lua_next(L, lua_upvalueindex(1)) ? 2 : (lua_pushnil(L), 1);
}

static int l_frozen_pairs(lua_State *L) {
  lua_settop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushcclosure(L, l_frozen_next, 1);
  lua_insert(L, 1);
  lua_pushnil(L);
  return 3;
}

static int l_frozen_len(lua_State *L) {
  lua_pushinteger(L, (lua_Integer) lua_rawlen(L, lua_upvalueindex(1)));
  return 1;
}

static void set_closure(lua_State *L, const char *name, lua_CFunction f) {
  lua_pushvalue(L, -3);
  lua_pushcclosure(L, f, 1);
  lua_setfield(L, -2, name);
}

static void freeze(lua_State *L) {
  lua_newtable(L);
  lua_createtable(L, 0, 5);
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, l_frozen);
  lua_setfield(L, -2, "__newindex");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  set_closure(L, "__pairs", l_frozen_pairs);
  set_closure(L, "__len", l_frozen_len);
  lua_setmetatable(L, -2);
  lua_remove(L, -2);
}

void sandbox_freeze_deep(lua_State *L) {
  luaL_checkstack(L, 8, "settings are nested too deep");
  for (lua_pushnil(L); lua_next(L, -2);) {
    if (lua_istable(L, -1)) {
      sandbox_freeze_deep(L);
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_rawset(L, -4); /* of a key that is there: next goes on */
    } else {
      lua_pop(L, 1);
    }
  }
  freeze(L);
}

static int l_setmetatable(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_argexpected(L, lua_isnil(L, 2) || lua_istable(L, 2), 2, "nil or table");
  if (lua_istable(L, 2)) {
    lua_pushliteral(L, "__gc");
    if (lua_rawget(L, 2) != LUA_TNIL)
      return luaL_error(
          L, "__gc is not available, for no limit can stop it: use a <close> variable");
    lua_pop(L, 1);
  }
  lua_settop(L, 2);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 2, 1);
  return 1;
}

/* Metatables of texts and of the core's objects are nobody's business. */
static int l_getmetatable(lua_State *L) {
  luaL_checkany(L, 1);
  if (!lua_istable(L, 1) || !lua_getmetatable(L, 1))
    return 0;
  lua_getfield(L, -1, "__metatable");
  if (lua_isnil(L, -1))
    lua_pop(L, 1);
  return 1;
}

static int l_rawset(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checkany(L, 2);
  luaL_checkany(L, 3);
  if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
    return luaL_error(L, "the table is read-only");
  lua_settop(L, 3);
  lua_rawset(L, 1);
  return 1;
}

static int l_load(lua_State *L) {
  size_t len;
  if (lua_type(L, 1) != LUA_TSTRING)
    return luaL_argerror(L, 1, "load takes a text");
  const char *text = lua_tolstring(L, 1, &len);
  const char *name = luaL_optstring(L, 2, text);
  luaL_argcheck(L, len <= LOAD_MAX, 1, "the text is too long");
  if (luaL_loadbufferx(L, text, len, name, "t") != LUA_OK) {
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
  }
  if (lua_isnoneornil(L, 4))
    sandbox_push_env(L);
  else
    lua_pushvalue(L, 4);
  lua_setupvalue(L, -2, 1);
  return 1;
}

static int l_collectgarbage(lua_State *L) {
  if (strcmp(luaL_optstring(L, 1, "count"), "count") != 0)
    return luaL_error(L, "collectgarbage knows only \"count\" here");
  lua_pushnumber(L, (lua_Number) lua_gc(L, LUA_GCCOUNT) +
                        (lua_Number) lua_gc(L, LUA_GCCOUNTB) / 1024);
  return 1;
}

static int l_print(lua_State *L) {
  int n = lua_gettop(L);
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (int i = 1; i <= n; i++) {
    if (i > 1)
      luaL_addchar(&b, '\t');
    luaL_tolstring(L, i, NULL);
    luaL_addvalue(&b);
  }
  luaL_pushresult(&b);
  log_info("print", log_str("text", lua_tostring(L, -1)));
  return 0;
}

/* Keeps only these fields of the table at the top; words ends with a NULL. */
static void keep_only(lua_State *L, const char *const *words) {
  lua_newtable(L);
  for (; *words != NULL; words++) {
    lua_getfield(L, -2, *words);
    lua_setfield(L, -2, *words);
  }
  lua_remove(L, -2);
}

static void open_library(lua_State *L, const char *name, lua_CFunction open,
                         const char *const *words) {
  lua_pushcfunction(L, open);
  lua_pushstring(L, name);
  lua_call(L, 1, 1);
  if (words != NULL)
    keep_only(L, words);
}

static void open_base(lua_State *L) {
  static const char *const words[] = {
      "assert", "error",  "ipairs",   "next",     "pairs", "pcall",  "rawequal", "rawget",
      "rawlen", "select", "tonumber", "tostring", "type",  "xpcall", "_VERSION", NULL};
  static const luaL_Reg own[] = {{"getmetatable", l_getmetatable},
                                 {"rawset", l_rawset},
                                 {"load", l_load},
                                 {"collectgarbage", l_collectgarbage},
                                 {"print", l_print},
                                 {"sleep", l_sleep},
                                 {"every", l_every},
                                 {NULL, NULL}};
  open_library(L, LUA_GNAME, luaopen_base, NULL);
  lua_getfield(L, -1, "setmetatable");
  lua_insert(L, -2);
  keep_only(L, words);
  luaL_setfuncs(L, own, 0);
  bounded_open_base(L);
  lua_insert(L, -2);
  lua_pushcclosure(L, l_setmetatable, 1);
  lua_setfield(L, -2, "setmetatable");
}

static void open_string(lua_State *L) {
  open_library(L, LUA_STRLIBNAME, luaopen_string, NULL);
  lua_pushnil(L);
  lua_setfield(L, -2, "dump");
  lua_pattern_open(L);
  bounded_open_string(L);
}

static int open_table(lua_State *L) {
  luaopen_table(L);
  bounded_open_table(L);
  return 1;
}

/* Only what reads: encode has no bound on what it writes, and the settings are shared. */
static int open_cjson(lua_State *L) {
  static const char *const words[] = {"decode", "null", NULL};
  open_library(L, "cjson", luaopen_cjson, NULL);
  lua_getfield(L, -1, "decode_invalid_numbers");
  lua_pushboolean(L, 0);
  lua_call(L, 1, 0);
  keep_only(L, words);
  freeze(L);
  return 1;
}

static void add_frozen(lua_State *L, const char *name) {
  freeze(L);
  lua_setfield(L, -2, name);
}

static void preload(lua_State *L, const struct binding *bindings) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, open_cjson);
  lua_setfield(L, -2, "cjson");
  for (const struct binding *b = bindings; b->name != NULL; b++) {
    lua_pushcfunction(L, b->open);
    lua_setfield(L, -2, b->name);
  }
  lua_pop(L, 1);
}

void sandbox_push_env(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &env_key);
}

void sandbox_open(lua_State *L, const struct binding *bindings) {
  static const char *const os_words[] = {"clock", "date", "difftime", "time", NULL};
  static const struct {
    const char *name;
    lua_CFunction open;
    const char *const *words;
  } libraries[] = {{LUA_TABLIBNAME, open_table, NULL},
                   {LUA_MATHLIBNAME, luaopen_math, NULL},
                   {LUA_UTF8LIBNAME, luaopen_utf8, NULL},
                   {LUA_OSLIBNAME, luaopen_os, os_words}};
  open_base(L);
  for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
    open_library(L, libraries[i].name, libraries[i].open, libraries[i].words);
    add_frozen(L, libraries[i].name);
  }
  open_string(L);
  add_frozen(L, LUA_STRLIBNAME);
  lua_coroutine_open(L);
  add_frozen(L, LUA_COLIBNAME);
  lua_request_open(L);
  preload(L, bindings);

  freeze(L);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &env_key);
  lua_getmetatable(L, -1);
  lua_getfield(L, -1, "__index");
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "_G");
  lua_pop(L, 3);
}
