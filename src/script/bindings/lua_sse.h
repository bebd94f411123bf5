#ifndef MOONLEDGER_SCRIPT_BINDINGS_LUA_SSE_H
#define MOONLEDGER_SCRIPT_BINDINGS_LUA_SSE_H

#include <lua.h>
#include <stdbool.h>

struct request;

/* Whether the value at index is what sse.stream made, for its first and only answer: raises at a second one. */
bool lua_sse_claim(lua_State *L, int index);

/* Sends the head of the stream at index and makes the connection of r a subscriber; r is void afterwards. The
 * loop's thread; never raises. */
void lua_sse_start(lua_State *L, int index, struct request *r);

#endif
