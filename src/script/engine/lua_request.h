#ifndef MOONLEDGER_SCRIPT_ENGINE_LUA_REQUEST_H
#define MOONLEDGER_SCRIPT_ENGINE_LUA_REQUEST_H

#include <lua.h>

struct task;

void lua_request_open(lua_State *L);                    /* registers the metatables; may raise */
void lua_request_push(lua_State *L, struct task *task); /* req; may raise */

/* The task and its request know each other no more; what Lua still has of req raises
 * "request is finished". */
void lua_request_finish(struct task *task);

#endif
