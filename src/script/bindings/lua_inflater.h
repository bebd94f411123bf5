#ifndef MOONLEDGER_SCRIPT_BINDINGS_LUA_INFLATER_H
#define MOONLEDGER_SCRIPT_BINDINGS_LUA_INFLATER_H

#include <lua.h>

/* What http.inflater makes: takes gzip or deflate off what was read with raw. */
void lua_inflaters_open(lua_State *L);
int l_http_inflater(lua_State *L);

#endif
