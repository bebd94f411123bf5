#ifndef MOONLEDGER_SCRIPT_ENGINE_MEMORY_H
#define MOONLEDGER_SCRIPT_ENGINE_MEMORY_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { SPARE_SIZES = 8, SPARE_STEP = 16 };

/* A state's memory is shared by its tasks, and each has an account: what was allocated
 * less what was freed while it ran.  When three quarters of cap are in use, tasks that
 * have grown have to wait for a full collection (collect.h). The last eighth is refused
 * to them, so that the others go on meanwhile.  A refused block makes Lua collect all at
 * once and then raise LUA_ERRMEM.
 *
 * A request leaves a handful of small blocks behind, the next one needs the same again:
 * some of each size are kept. */
struct memory {
  size_t used, cap;
  size_t others; /* used, less the account of the task that runs; SIZE_MAX / 2: none runs */
  size_t external; /* see memory_note_external */
  struct spare {
    void *first; /* each begins with the address of the next */
    unsigned count;
  } spare[SPARE_SIZES]; /* of 16, 32, .. 128 bytes */
};

void memory_init(struct memory *m, size_t cap);
void *memory_alloc(void *memory, void *block, size_t old_size, size_t size); /* a lua_Alloc */
void memory_free_spare(struct memory *m);

/* Around each burst of a task: takes its account, and returns it as it is afterwards. */
void memory_enter(struct memory *m, size_t account);
size_t memory_leave(struct memory *m);

bool memory_must_wait(const struct memory *m); /* the running task, for the collection */
bool memory_is_short(const struct memory *m);

/* Bytes that the state keeps alive outside its memory.  true: so many have come that it
 * is time to collect. */
bool memory_note_external(struct memory *m, size_t bytes);

/* The memory of the state; NULL: it is no script's and has no bound. */
struct memory *memory_of(lua_State *L);

/* Whether a script may have so many bytes more outside of Lua, if need be after a
 * collection.  Never raises. */
bool memory_make_room(lua_State *L, size_t bytes);

/* Bytes outside of Lua that count as the state's own.  charge raises when there is no
 * room for them. */
void memory_charge(lua_State *L, size_t bytes);
void memory_discharge(lua_State *L, size_t bytes);

/* buf_append of what a script sizes: raises where the system has no memory for it. */
void memory_append(lua_State *L, struct buf *out, const char *text, size_t len);

#endif
