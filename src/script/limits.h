#ifndef MOONLEDGER_SCRIPT_LIMITS_H
#define MOONLEDGER_SCRIPT_LIMITS_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

struct task;

enum { LIMITS_SLICE_NS = 1000000 }; /* CPU time after which a task gives way to the loop */

enum { SPARE_SIZES = 8, SPARE_STEP = 16 };

/* What a state has allocated.  Blocks beyond cap are refused, so that Lua collects and then raises
 * LUA_ERRMEM.  A request leaves a handful of small blocks behind, the next one needs the same again: some of
 * each size are kept. */
struct memory {
  size_t used, cap;
  struct spare {
    void *first; /* each begins with the address of the next */
    unsigned count;
  } spare[SPARE_SIZES]; /* of 16, 32, .. 128 bytes */
};

void *limits_alloc(void *memory, void *block, size_t old_size, size_t size); /* a lua_Alloc */
void limits_free_spare(struct memory *memory);

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
