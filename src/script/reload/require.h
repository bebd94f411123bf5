#ifndef MOONLEDGER_SCRIPT_RELOAD_REQUIRE_H
#define MOONLEDGER_SCRIPT_RELOAD_REQUIRE_H

#include <lua.h>

#include "script/reload/snapshot.h"

char *require_file(const char *name); /* "routes.x" -> "lua/routes/x.lua"; the caller frees it */

/* The `require` of scripts, with script->snapshot as the only place it looks at besides
 * the core's modules. */
void require_open(lua_State *L);

/* Pushes a file's function, or why there is none; LUA_OK or the error. */
int require_compile(lua_State *L, const struct snapshot_file *file);

/* Loads a file of the snapshot and pushes its function with the frozen globals as _ENV; raises. */
void require_push_chunk(lua_State *L, const struct snapshot_file *file);

bool require_is_loaded(lua_State *L, const struct snapshot_file *file); /* of one below lua/ */

/* Pushes what require returns for name; raises. */
void require_push(lua_State *L, const char *name);

/* The module "server", for scripts to require (lua_server.c); may raise. */
void lua_server_open(lua_State *L);

/* Makes the value at the top the module name; pops it. */
void require_set(lua_State *L, const char *name);

#endif
