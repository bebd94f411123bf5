#ifndef MOONLEDGER_SCRIPT_ENGINE_LIMITS_H
#define MOONLEDGER_SCRIPT_ENGINE_LIMITS_H

#include <lua.h>
#include <stdbool.h>

struct task;

enum { LIMITS_SLICE_NS = 1000000 }; /* CPU time after which a task gives way to the loop */

/* Makes co answer for its CPU time: a hook looks at the thread's clock at each knock, or every
 * 10,000 instructions where nobody knocks.  A task that has had its slice yields; one that has
 * used up its budget yields for ever, or gets an error where it cannot yield.  Coroutines made by
 * co inherit the hook. */
void limits_apply(lua_State *co);

/* What the hook does, for C functions that take long.  true: the caller has to yield now,
 * its turn is over (or its life).  Raises where it would have to and cannot. */
bool limits_check(lua_State *L);

/* For C functions that cannot yield, after each piece of work; a step takes a few
 * nanoseconds.  limits_work raises when the script's time is up; limits_spend returns
 * false then, for those that must free something before they raise. */
void limits_work(lua_State *L, size_t steps);
bool limits_spend(lua_State *L, size_t steps);

/* Whether the time is up: nothing of the script may run any more. */
bool limits_are_over(lua_State *L);

/* At the end of a burst: adds its CPU time to the task's account. */
void limits_charge(struct task *task);

/* A signal to the calling thread at each millisecond in which scripts run, that makes the running
 * coroutine look at the clock before its next instruction.  NULL: there can be none.  Stopped by
 * the thread that started it. */
struct knock;
struct knock *knock_start(void);
void knock_stop(struct knock *knock);
/* The coroutine that runs on this thread from now on; NULL: none.  Returns the one before. */
lua_State *knock_watch(lua_State *L);

#endif
