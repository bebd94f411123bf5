#ifndef MOONLEDGER_SCRIPT_ENGINE_HANDLER_H
#define MOONLEDGER_SCRIPT_ENGINE_HANDLER_H

#include <lua.h>

#include "script/engine/state.h"

/* The body of a request's coroutine: runs the handler and reads what it returns into
 * task->outcome. */
int handler_run(lua_State *L);

/* Responds to r, which is void afterwards. */
void handler_respond(struct request *r, struct outcome *outcome);

/* The same for a task that ended early. */
void handler_respond_failure(struct request *r, bool streaming, enum task_end why);
void outcome_clear(struct outcome *outcome);

/* A response that a binding sends in its own way: a userdata that begins with this and
 * whose metatable is marked. */
struct custom_response {
  /* r is void afterwards.  The loop's thread; raises nothing. */
  void (*send)(struct custom_response *self, struct request *r);
  bool claimed; /* by a request: what it holds goes with the first response */
};

void handler_mark_custom(lua_State *L); /* the metatable at the top of the stack */

#endif
