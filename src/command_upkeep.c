#include <lauxlib.h>

#include "command.h"
#include "script/bindings/bindings.h"
#include "store/upkeep.h"

/* The module upkeep, as lua_upkeep.c has it, of the database that config.lua names; and what its
 * work takes. */

static int l_upkeep_gc(lua_State *L) {
  struct upkeep **upkeep = lua_touserdata(L, 1);
  upkeep_free(*upkeep);
  *upkeep = NULL;
  return 0;
}

/* Lives as long as the state. */
static struct upkeep *own_upkeep(lua_State *L, const char *path) {
  struct upkeep **upkeep = lua_newuserdatauv(L, sizeof *upkeep, 0);
  *upkeep = NULL;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, l_upkeep_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  luaL_ref(L, LUA_REGISTRYINDEX);
  *upkeep = upkeep_new(path);
  return *upkeep;
}

/* upkeep.upgrade_cost() */
static int l_upgrade_cost(lua_State *L) {
  const char *path = command_config(L)->storage.path;
  struct upgrade_cost cost;
  struct buf error = {0};
  if (upgrade_cost(path, &cost, &error) < 0) {
    luaL_pushfail(L);
    lua_pushlstring(L, error.data, error.len);
    buf_clear(&error);
    return 2;
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

int luaopen_command_upkeep(lua_State *L) {
  const struct config *config = command_config(L);
  if (!config->has_storage)
    return luaL_error(L, "storage.backend is \"none\": there is no database to work on");
  lua_upkeep_push(L, own_upkeep(L, config->storage.path));
  lua_pushcfunction(L, l_upgrade_cost);
  lua_setfield(L, -2, "upgrade_cost");
  return 1;
}
