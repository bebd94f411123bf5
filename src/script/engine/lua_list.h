#ifndef MOONLEDGER_SCRIPT_ENGINE_LUA_LIST_H
#define MOONLEDGER_SCRIPT_ENGINE_LUA_LIST_H

#include <lua.h>
#include <stdbool.h>

/* A table that has keys is no list: { model = "x" } is one record, and taken as a list of records
 * it would be none, without a word. */

/* Pushes a key of the table at index that is no position in a list; false, and pushes nothing,
 * where there is none. */
bool lua_list_push_key(lua_State *L, int index);

/* Raises, as luaL_checktype does, where argument arg is no list; what: of what. */
void lua_list_check(lua_State *L, int arg, const char *what);

#endif
