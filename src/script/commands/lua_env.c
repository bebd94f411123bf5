#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

/* env.sleep(ms), which is the global sleep of commands */
static int l_env_sleep(lua_State *L) {
  lua_Number ms = luaL_checknumber(L, 1);
  luaL_argcheck(L, ms >= 0 && ms <= 1e9, 1, "expected milliseconds");
  uint64_t ns = (uint64_t) (ms * 1e6);
  struct timespec rest = {.tv_sec = (time_t) (ns / 1000000000),
                          .tv_nsec = (long) (ns % 1000000000)};
  nanosleep(&rest, NULL);
  return 0;
}

/* env.become(words): the program itself, with other words, in place of this process. */
static int l_env_become(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  size_t count = lua_rawlen(L, 1);
  const char **words = lua_newuserdatauv(L, (count + 2) * sizeof *words, 0);
  words[0] = "moonledger";
  luaL_checkstack(L, (int) count + 2, NULL); /* which keeps the texts */
  for (size_t i = 1; i <= count; i++) {
    lua_rawgeti(L, 1, (lua_Integer) i);
    words[i] = luaL_checkstring(L, -1);
  }
  words[count + 1] = NULL;
  term_wipe();
  fflush(stdout);
  execv("/proc/self/exe", (char *const *) words);
  return push_fault(L, "/proc/self/exe", strerror(errno));
}

int luaopen_env(lua_State *L) {
  static const luaL_Reg functions[] = {{"become", l_env_become},
                                       {"get", l_env_get},
                                       {"now", l_env_now},
                                       {"seconds", l_env_seconds},
                                       {"sleep", l_env_sleep},
                                       {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
