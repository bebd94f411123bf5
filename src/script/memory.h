#ifndef MOONLEDGER_SCRIPT_MEMORY_H
#define MOONLEDGER_SCRIPT_MEMORY_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct script;
struct scripts;
struct task;

enum { SPARE_SIZES = 8, SPARE_STEP = 16 };

/* A state's memory is shared by its tasks, and each has an account: what was allocated less what was freed while it
 * ran.  When three quarters of cap are in use, tasks that have grown wait until a full collection has told what is
 * garbage; if that was not enough, the one that grew most is ended.  The last eighth is refused to them, so that the
 * others go on meanwhile.  A refused block makes Lua collect all at once and then raise LUA_ERRMEM.
 *
 * A request leaves a handful of small blocks behind, the next one needs the same again: some of each size are kept. */
struct memory {
  size_t used, cap;
  size_t others; /* used, less the account of the task that runs; SIZE_MAX / 2: none runs */
  size_t held;   /* see memory_hold */
  struct spare {
    void *first; /* each begins with the address of the next */
    unsigned count;
  } spare[SPARE_SIZES]; /* of 16, 32, .. 128 bytes */
};

void memory_init(struct memory *m, size_t cap);
void *memory_alloc(void *memory, void *block, size_t old_size, size_t size); /* a lua_Alloc */
void memory_free_spare(struct memory *m);

/* Around each burst of the task. */
void memory_enter(struct task *task);
void memory_leave(struct task *task);

bool memory_must_wait(const struct memory *m); /* the running task, for the collection */
bool memory_is_short(const struct memory *m);

/* The memory of the state; NULL: it is no script's and has no bound. */
struct memory *memory_of(lua_State *L);

/* Whether a script may have so many bytes more outside of Lua, if need be after a collection.  Never raises. */
bool memory_make_room(lua_State *L, size_t bytes);

/* Bytes outside of Lua that count as the state's own.  charge raises when there is no room for them. */
void memory_charge(lua_State *L, size_t bytes);
void memory_discharge(lua_State *L, size_t bytes);

/* Bytes of ours that live until the collector finds their userdata, and that it does not see: each few MiB of them
 * begin a collection.  Answers of queries would pile up to 60 times their size. */
void memory_hold(struct script *script, size_t bytes);

/* A full collection of the state, in slices from on_turn. */
void memory_collect(struct script *script);
bool memory_collect_until(struct scripts *scripts, int64_t until_ns); /* a slice; false: there was nothing to do */

#endif
