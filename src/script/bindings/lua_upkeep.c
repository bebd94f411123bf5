#include <lauxlib.h>
#include <uv.h>

#include "script/bindings/bindings.h"
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

/* upkeep.start(name) */
static int l_upkeep_start(lua_State *L) {
  struct upkeep_order order = {
      .kind = (enum upkeep_kind) luaL_checkoption(L, 1, NULL, upkeep_names)};
  int rc = upkeep_start(upkeep_of(L), &order);
  if (rc == 0) {
    lua_pushboolean(L, true);
    return 1;
  }
  luaL_pushfail(L);
  lua_pushstring(L, rc == UV_EBUSY ? "other work on the database is under way" : uv_strerror(rc));
  lua_pushstring(L, rc == UV_EBUSY ? "busy" : "failed");
  return 3;
}

/* upkeep.state(): nil where nothing was ever started. */
static int l_upkeep_state(lua_State *L) {
  struct upkeep_state state;
  upkeep_look(upkeep_of(L), &state);
  if (!state.started) {
    luaL_pushfail(L);
    return 1;
  }
  lua_createtable(L, 0, 8);
  set_text(L, "what", upkeep_names[state.kind]);
  set_text(L, "step", state.step);
  set_integer(L, "done", state.done);
  set_integer(L, "total", state.total);
  set_time(L, "began", state.began_us);
  set_time(L, "ended", state.ended_us);
  lua_pushboolean(L, state.running);
  lua_setfield(L, -2, "running");
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
