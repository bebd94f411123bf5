#include "script/commands.h"

#include <lauxlib.h>
#include <string.h>

bool is_command_module(const char *name) {
  static const char *const names[] = {"client", "database", "env", "file", "term"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i], name) == 0)
      return true;
  return false;
}

int push_fault(lua_State *L, const char *subject, const char *why) {
  luaL_pushfail(L);
  lua_pushfstring(L, "%s: %s", subject, why);
  return 2;
}
