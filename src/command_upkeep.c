#include <lauxlib.h>
#include <stdlib.h>

#include "base/mem.h"
#include "command.h"
#include "record/schema.h"
#include "script/bindings/bindings.h"
#include "store/upkeep.h"

/* The module upkeep, as lua_upkeep.c has it, of the database that config.lua names; and what its
 * work takes. */

/* Lives as long as the state. */
struct own_upkeep {
  struct schema *schema;
  struct upkeep *upkeep;
};

static int l_upkeep_gc(lua_State *L) {
  struct own_upkeep *own = lua_touserdata(L, 1);
  upkeep_free(own->upkeep);
  if (own->schema != NULL)
    schema_free(own->schema);
  *own = (struct own_upkeep){0};
  return 0;
}

static struct own_upkeep *push_own(lua_State *L) {
  struct own_upkeep *own = lua_newuserdatauv(L, sizeof *own, 0);
  *own = (struct own_upkeep){0};
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, l_upkeep_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  return own;
}

static int push_words(lua_State *L, struct buf *words) {
  lua_pushlstring(L, words->data, words->len);
  buf_clear(words);
  return 1;
}

/* upkeep.upgrade_cost() */
static int l_upgrade_cost(lua_State *L) {
  const char *path = command_config(L)->storage.path;
  struct upgrade_cost cost;
  struct buf error = {0};
  if (upgrade_cost(path, &cost, &error) < 0) {
    luaL_pushfail(L);
    return 1 + push_words(L, &error);
  }
  buf_clear(&error);
  lua_createtable(L, 0, 6);
  lua_pushstring(L, path);
  lua_setfield(L, -2, "path");
  lua_pushboolean(L, cost.needed);
  lua_setfield(L, -2, "needed");
  lua_pushinteger(L, cost.file_bytes);
  lua_setfield(L, -2, "file_bytes");
  lua_pushinteger(L, cost.disk_bytes);
  lua_setfield(L, -2, "disk_bytes");
  lua_pushinteger(L, cost.free_bytes);
  lua_setfield(L, -2, "free_bytes");
  lua_pushnumber(L, cost.seconds);
  lua_setfield(L, -2, "seconds");
  return 1;
}

/* upkeep.path() */
static int l_upkeep_path(lua_State *L) {
  lua_pushstring(L, command_config(L)->storage.path);
  return 1;
}

int luaopen_command_upkeep(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"path", l_upkeep_path}, {"upgrade_cost", l_upgrade_cost}, {NULL, NULL}};
  const struct config *config = command_config(L);
  struct buf error = {0};
  if (!config->has_storage)
    return luaL_error(L, "storage.backend is \"none\": there is no database to work on");
  struct own_upkeep *own = push_own(L);
  luaL_ref(L, LUA_REGISTRYINDEX);
  own->schema = config_load_schema(config, &error);
  if (own->schema == NULL) {
    push_words(L, &error);
    return lua_error(L);
  }
  buf_clear(&error);
  own->upkeep = upkeep_new(config->storage.path, config->storage.backups, own->schema);
  lua_upkeep_push(L, own->upkeep);
  luaL_setfuncs(L, functions, 0);
  return 1;
}
