#ifndef MOONLEDGER_SCRIPT_ENGINE_REPORT_H
#define MOONLEDGER_SCRIPT_ENGINE_REPORT_H

#include <lua.h>

#include "script/engine/state.h"

/* What scripts do wrong, to the log, where one place has a few lines a minute, and to
 * moonledger_script_failures_total. */

/* A task whose function raised: status is lua_resume's, the stack is as it was.  body
 * gets the text for the client, ended by a NUL. */
void report_error(struct task *task, int status, struct buf *body);

void report_end(struct task *task); /* one that was ended: task->end */
/* Not even a coroutine could be made; responds to r. */
void report_no_task(struct script *script, struct request *r, const struct every *every);
void report_memory(
    struct script *script); /* after a full collection: a state that stays full gets a successor */

/* The error at the top of the stack as text, which is appended to out; pops it. */
void report_take_message(lua_State *L, struct buf *out);

#endif
