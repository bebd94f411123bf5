#include <lauxlib.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "script/commands.h"

/* The module env: where a command runs. */

/* env.get(name) */
static int l_env_get(lua_State *L) {
  lua_pushstring(L, getenv(luaL_checkstring(L, 1)));
  return 1;
}

/* env.now(): unix seconds. */
static int l_env_now(lua_State *L) {
  lua_pushnumber(L, (lua_Number) clock_now_us() / 1e6);
  return 1;
}

/* env.seconds(): on a clock that nobody sets. */
static int l_env_seconds(lua_State *L) {
  lua_pushnumber(L, (lua_Number) clock_monotonic_ns() / 1e9);
  return 1;
}

/* env.sleep(seconds), which is the global sleep */
static int l_env_sleep(lua_State *L) {
  lua_Number seconds = luaL_checknumber(L, 1);
  luaL_argcheck(L, seconds >= 0 && seconds <= 1e6, 1, "expected seconds");
  struct timespec rest = {.tv_sec = (time_t) seconds,
                          .tv_nsec = (long) ((seconds - (lua_Number) (time_t) seconds) * 1e9)};
  nanosleep(&rest, NULL);
  return 0;
}

int luaopen_env(lua_State *L) {
  static const luaL_Reg functions[] = {{"get", l_env_get},
                                       {"now", l_env_now},
                                       {"seconds", l_env_seconds},
                                       {"sleep", l_env_sleep},
                                       {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
