#include <lauxlib.h>
#include <uv.h>

#include "script/bindings/bindings.h"
#include "script/bindings/lua_fields.h"
#include "script/engine/script.h"
#include "script/services.h"
#include "store/upkeep.h"

/* The module upkeep: long work on the whole database, started and watched. */

static struct upkeep *upkeep_of(lua_State *L) {
  return lua_touserdata(L, lua_upvalueindex(1));
}

static void set_integer(lua_State *L, const char *name, int64_t n) {
  lua_pushinteger(L, n);
  lua_setfield(L, -2, name);
}

static void set_time(lua_State *L, const char *name, int64_t us) {
  if (us == 0)
    return;
  lua_pushnumber(L, (lua_Number) us / 1e6);
  lua_setfield(L, -2, name);
}

static void set_text(lua_State *L, const char *name, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

/* upkeep.start(name, options) */
static int l_upkeep_start(lua_State *L) {
  static const char *const known[] = {"folder", "full", "repair", NULL};
  struct upkeep_order order = {
      .kind = (enum upkeep_kind) luaL_checkoption(L, 1, NULL, upkeep_names)};
  lua_settop(L, 2);
  if (!lua_isnil(L, 2)) {
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_fields_check(L, 2, known);
    order.full = lua_field_boolean(L, 2, "full");
    order.repair = lua_field_boolean(L, 2, "repair");
    if (lua_getfield(L, 2, "folder") != LUA_TNIL && lua_type(L, -1) != LUA_TSTRING)
      lua_field_error(L, "folder", "a path expected");
    order.folder = lua_tostring(L, -1);
  }
  luaL_argcheck(L, order.kind != UPKEEP_RESTORE || order.folder != NULL, 2, "folder expected");
  int rc = upkeep_of(L) != NULL ? upkeep_start(upkeep_of(L), &order) : UV_ENODEV;
  if (rc == 0) {
    lua_pushboolean(L, true);
    return 1;
  }
  luaL_pushfail(L);
  switch (rc) {
  case UV_EBUSY: lua_pushliteral(L, "other work on the database is under way"); break;
  case UV_ENODEV: lua_pushliteral(L, "there is no storage: storage.backend is \"none\""); break;
  case UV_ENOENT: lua_pushliteral(L, "storage.backup_folder in config.lua names no folder"); break;
  default: lua_pushstring(L, uv_strerror(rc));
  }
  lua_pushstring(L, rc == UV_EBUSY    ? "busy"
                    : rc == UV_ENODEV ? "unavailable"
                    : rc == UV_ENOENT ? "no_folder"
                                      : "failed");
  return 3;
}

/* A list: { name, seen, faults, detail? } of each. */
static void push_checks(lua_State *L, const struct upkeep_report *report) {
  lua_createtable(L, (int) report->nchecks, 0);
  for (size_t i = 0; i < report->nchecks; i++) {
    const struct upkeep_check *check = &report->checks[i];
    lua_createtable(L, 0, 4);
    set_text(L, "name", check->name);
    set_integer(L, "seen", check->seen);
    set_integer(L, "faults", check->faults);
    if (check->faults > 0) {
      set_text(L, "detail", check->detail);
      lua_pushboolean(L, check->repaired);
      lua_setfield(L, -2, "repaired");
    }
    lua_rawseti(L, -2, (lua_Integer) i + 1);
  }
}

/* upkeep.state(): nil where nothing was ever started. */
static int l_upkeep_state(lua_State *L) {
  struct upkeep_state state = {0};
  if (upkeep_of(L) != NULL)
    upkeep_look(upkeep_of(L), &state);
  if (!state.started) {
    luaL_pushfail(L);
    return 1;
  }
  lua_createtable(L, 0, 8);
  set_text(L, "what", upkeep_names[state.kind]);
  set_text(L, "step", state.step);
  if (state.folder[0] != '\0')
    set_text(L, "folder", state.folder);
  set_integer(L, "done", state.done);
  set_integer(L, "total", state.total);
  set_time(L, "began", state.began_us);
  set_time(L, "ended", state.ended_us);
  lua_pushboolean(L, state.running);
  lua_setfield(L, -2, "running");
  if (!state.running) {
    push_checks(L, &state.report);
    lua_setfield(L, -2, "checks");
  }
  if (!state.running && state.status < 0)
    set_text(L, "error", state.error[0] != '\0' ? state.error : uv_strerror(state.status));
  return 1;
}

void lua_upkeep_push(lua_State *L, struct upkeep *upkeep) {
  static const luaL_Reg functions[] = {
      {"start", l_upkeep_start}, {"state", l_upkeep_state}, {NULL, NULL}};
  luaL_newlibtable(L, functions);
  lua_pushlightuserdata(L, upkeep);
  luaL_setfuncs(L, functions, 1);
}

int luaopen_upkeep(lua_State *L) {
  lua_upkeep_push(L, script_services(L)->upkeep);
  return 1;
}
