#ifndef MOONLEDGER_SCRIPT_RELOAD_LOAD_H
#define MOONLEDGER_SCRIPT_RELOAD_LOAD_H

#include "script/engine/state.h"
#include "script/reload/snapshot.h"

/* Fills one generation's fresh state for one loop from the bytes of a snapshot; any
 * thread, as long as no loop has the state.  The first state of a generation also gives
 * it its settings and router.  false: every mistake that was found stands in errors, a
 * line "file:line: what, what to do" each. */
bool load_script(struct script *script, const struct snapshot *snapshot, struct buf *errors);

char *module_file(const char *name); /* "routes.x" -> "lua/routes/x.lua"; the caller frees it */

/* The `require` of scripts, with script->snapshot as the only place it looks at besides
 * the core's modules. */
void module_open(lua_State *L);

/* Pushes a file's function, or why there is none; LUA_OK or the error. */
int module_compile(lua_State *L, const struct snapshot_file *file);

/* Loads a file of the snapshot and pushes its function with the frozen globals as _ENV; raises. */
void module_push_chunk(lua_State *L, const struct snapshot_file *file);

bool module_is_loaded(lua_State *L, const struct snapshot_file *file); /* of one below lua/ */

/* Pushes what require returns for name; raises. */
void module_push(lua_State *L, const char *name);

/* The module "server", for scripts to require (lua_server.c); may raise. */
void server_module_open(lua_State *L);

/* Makes the value at the top the module name; pops it. */
void module_set(lua_State *L, const char *name);

#endif
