#ifndef MOONLEDGER_SCRIPT_BINDINGS_LUA_RESPONSE_H
#define MOONLEDGER_SCRIPT_BINDINGS_LUA_RESPONSE_H

#include <lua.h>

#include "script/engine/state.h"

/* The body of a request's coroutine: runs the handler and reads what it answers into task->answer. */
int lua_response_run(lua_State *L);

/* Answers r, which is void afterwards. */
void answer_send(struct request *r, struct answer *answer);

/* Answers r for a task that ended early. */
void answer_failure(struct request *r, bool streaming, enum task_end why);
void answer_clear(struct answer *answer);

#endif
