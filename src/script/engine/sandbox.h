#ifndef MOONLEDGER_SCRIPT_ENGINE_SANDBOX_H
#define MOONLEDGER_SCRIPT_ENGINE_SANDBOX_H

#include <lua.h>

struct binding;

/* Opens what scripts may use in a fresh state: base, coroutine, string, table, math,
 * utf8, parts of os, cjson and the core's own modules (bindings; ended by a NULL name).
 * No file, process, C module or bytecode is in reach, and the globals are frozen.  May
 * raise. */
void sandbox_open(lua_State *L, const struct binding *bindings);

/* A native module that a script may require. */
struct binding {
  const char *name;
  lua_CFunction open;
};

/* Pushes the frozen globals, the _ENV of every file. */
void sandbox_push_env(lua_State *L);

/* Replaces the table at the top, and those in it, by proxies that can be read only. */
void sandbox_freeze_deep(lua_State *L);

void lua_coroutine_open(lua_State *L); /* pushes the coroutine library (lua_coroutine.c) */
void lua_pattern_open(lua_State *L);   /* replaces find, match, gmatch and gsub of the
                                          string library at the top   (lua_pattern.c) */

/* Replace functions of the library at the top that could not be interrupted (lua_bounded.c). */
void bounded_open_base(lua_State *L);
void bounded_open_string(lua_State *L);
void bounded_open_table(lua_State *L);

#endif
