#ifndef MOONLEDGER_SPEC_SCHEMA_FIXTURE_H
#define MOONLEDGER_SPEC_SCHEMA_FIXTURE_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

#include "script/engine/schema_load.h"

/* The schema that the server starts with; tests run in the root of the source tree. */
static inline struct schema *load_schema(void) {
  struct buf error = {0};
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  struct schema *schema = luaL_dofile(L, "lua/schema.lua") == LUA_OK
                              ? schema_load(L, &error)
                              : NULL;
  if (schema == NULL) {
    fprintf(stderr, "%.*s\n", (int) error.len, error.len > 0 ? error.data : lua_tostring(L, -1));
    exit(2);
  }
  lua_close(L);
  return schema;
}

#endif
