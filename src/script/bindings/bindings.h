#ifndef MOONLEDGER_SCRIPT_BINDINGS_BINDINGS_H
#define MOONLEDGER_SCRIPT_BINDINGS_BINDINGS_H

#include <lua.h>

#include "script/engine/lua_json.h" /* luaopen_json, one of them */
#include "script/engine/sandbox.h"

/* The native modules that a script may require. */
extern const struct binding bindings[];  /* ended by a NULL name */

int luaopen_crypto(lua_State *L);   /* lua_crypto.c */
int luaopen_http(lua_State *L);     /* lua_http.c */
int luaopen_log(lua_State *L);      /* lua_log.c */
int luaopen_kv(lua_State *L);       /* lua_kv.c */
int luaopen_metrics(lua_State *L);  /* lua_metrics.c */
int luaopen_otlp(lua_State *L);     /* lua_otlp.c */
int luaopen_price_file(lua_State *L); /* lua_price_file.c */
int luaopen_protobuf(lua_State *L); /* lua_protobuf.c */
int luaopen_sse(lua_State *L);      /* lua_sse.c */
int luaopen_storage(lua_State *L);  /* lua_storage.c */
int luaopen_upkeep(lua_State *L);   /* lua_upkeep.c */
int luaopen_zone(lua_State *L);     /* lua_zone.c */

/* price_file.read() of a path: pushes the file's text; nil where path is empty; nil and why where
 * it cannot be read.  For a function of Lua's to return. */
int lua_price_file_push(lua_State *L, const char *path); /* lua_price_file.c */

struct upkeep;

/* Pushes the module upkeep of a database, which outlives the state; NULL: there is none. */
void lua_upkeep_push(lua_State *L, struct upkeep *upkeep); /* lua_upkeep.c */

#endif
