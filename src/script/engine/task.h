#ifndef MOONLEDGER_SCRIPT_ENGINE_TASK_H
#define MOONLEDGER_SCRIPT_ENGINE_TASK_H

#include "script/engine/state.h"

/* Starts a coroutine that runs body, a C function that finds its task in
 * script_of(L)->running.  One of r and every is NULL. */
void task_start(struct script *script, struct request *r, struct every *every, lua_CFunction body);

/* Ends it at its next yield; one that waits ends from the ready queue. */
void task_end(struct task *task, enum task_end why);

void task_ready(struct task *task); /* runs at a next turn of the loop */

/* Yields; k goes on when the wait is over. */
int task_wait(lua_State *L, struct task *task, enum task_wait wait, lua_KFunction k);

void tasks_clear(struct script *script); /* drops the coroutines at rest */
void tasks_stop(struct script *script);  /* ends all live ones at once: the loop stops */

void scripts_turn_on(struct scripts *scripts);
void on_turn(uv_idle_t *turn);
void on_tick(uv_timer_t *tick);

#endif
