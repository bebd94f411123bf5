#ifndef MOONLEDGER_SCRIPT_BINDINGS_LUA_CONTENT_H
#define MOONLEDGER_SCRIPT_BINDINGS_LUA_CONTENT_H

#include <lua.h>

#include "record/content.h"

/* content{names = {..}, prefixes = {..}, longest = 1024}: which members are content, as
 * lua/ingest/content.lua says. */
int luaopen_content(lua_State *L);

/* What stands at index, for as long as it stands there; raises when it is no such thing. */
const struct content *lua_content_check(lua_State *L, int index);

/* What lua/ingest/content.lua returns, for as long as the state lives. */
const struct content *lua_content_in_force(lua_State *L);

#endif
