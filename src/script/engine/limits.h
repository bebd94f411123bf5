#ifndef MOONLEDGER_SCRIPT_ENGINE_LIMITS_H
#define MOONLEDGER_SCRIPT_ENGINE_LIMITS_H

#include <lua.h>
#include <stdbool.h>

struct task;

enum { LIMITS_SLICE_NS = 1000000 }; /* CPU time after which a task gives way to the loop */

/* Makes co answer for its CPU time: every 10,000 instructions a hook looks at the thread's clock.  A task
 * that has had its slice yields; one that has used up its budget yields for ever, or gets an error where it
 * cannot yield.  Coroutines made by co inherit the hook. */
void limits_apply(lua_State *co);

/* What the hook does, for C functions that take long.  true: the caller has to yield now, its turn is over
 * (or its life).  Raises where it would have to and cannot. */
bool limits_look(lua_State *L);

/* At the end of a burst: adds its CPU time to the task's account. */
void limits_charge(struct task *task);

/* Makes the hook look at the next instruction of co instead of the 10,000th. */
void limits_look_soon(lua_State *co);

/* A signal to the calling thread after each 10 ms of its CPU time that makes the running coroutine look at
 * the clock, for loops of few instructions and long C calls. */
struct knock;
struct knock *knock_start(void);
void knock_stop(struct knock *knock);
/* The coroutine that runs on this thread from now on; NULL: none.  Answers the one before. */
lua_State *knock_watch(lua_State *L);

#endif
