#include "script/memory.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "script/report.h"
#include "script/state.h"
#include "script/task.h"

enum { FULL_COLLECTION = 2 }; /* cycles: the first may have begun before the garbage was garbage */
enum { STEP_KIB = 16, HELD_BYTES = 4 << 20 };
#ifdef __SANITIZE_ADDRESS__
enum { SPARE_MAX = 0 }; /* a kept block would be a use after free unseen */
#else
enum { SPARE_MAX = 4096 };
#endif

void memory_init(struct memory *m, size_t cap) {
  *m = (struct memory){.cap = cap, .others = SIZE_MAX / 2};
}

static bool has_grown(const struct memory *m, size_t used) {
  return used > m->others + m->cap / 16;
}

static bool is_refused(const struct memory *m, size_t used) {
  return used > m->cap || (used > m->cap / 8 * 7 && has_grown(m, used));
}

/* NULL for the large. */
static struct spare *spare_of(struct memory *m, size_t size) {
  size_t i = (size - 1) / SPARE_STEP;
  return i < SPARE_SIZES ? &m->spare[i] : NULL;
}

static void put_back(struct memory *m, void *block, size_t size) {
  struct spare *spare = spare_of(m, size);
  if (spare == NULL || spare->count == SPARE_MAX) {
    free(block);
    return;
  }
  *(void **) block = spare->first;
  spare->first = block;
  spare->count++;
}

static void *take(struct memory *m, size_t size) {
  struct spare *spare = spare_of(m, size);
  if (spare == NULL)
    return malloc(size);
  void *block = spare->first;
  if (block == NULL)
    return malloc((size + SPARE_STEP - 1) / SPARE_STEP * SPARE_STEP);
  spare->first = *(void **) block;
  spare->count--;
  return block;
}

static void *resize(struct memory *m, void *block, size_t old_size, size_t size) {
  if (spare_of(m, old_size) == NULL && spare_of(m, size) == NULL)
    return realloc(block, size);
  void *moved = take(m, size);
  if (moved == NULL)
    return size <= old_size ? block : NULL; /* Lua counts on shrinking */
  memcpy(moved, block, old_size < size ? old_size : size);
  put_back(m, block, old_size);
  return moved;
}

void *memory_alloc(void *memory, void *block, size_t old_size, size_t size) {
  struct memory *m = memory;
  if (block == NULL)
    old_size = 0; /* Lua passes a type tag */
  if (size == 0) {
    m->used -= old_size;
    if (block != NULL)
      put_back(m, block, old_size);
    return NULL;
  }
  if (size > old_size && is_refused(m, m->used - old_size + size))
    return NULL;
  void *moved = block != NULL ? resize(m, block, old_size, size) : take(m, size);
  if (moved != NULL)
    m->used = m->used - old_size + size;
  return moved;
}

struct memory *memory_of(lua_State *L) {
  void *memory;
  return lua_getallocf(L, &memory) == memory_alloc ? memory : NULL;
}

bool memory_make_room(lua_State *L, size_t bytes) {
  const struct memory *m = memory_of(L);
  if (m == NULL || !is_refused(m, m->used + bytes))
    return true;
  lua_gc(L, LUA_GCCOLLECT);
  return !is_refused(m, m->used + bytes);
}

void memory_charge(lua_State *L, size_t bytes) {
  if (!memory_make_room(L, bytes))
    luaL_error(L, "not enough memory: script.memory_bytes is the bound of one loop's scripts together");
  if (memory_of(L) != NULL)
    memory_of(L)->used += bytes;
}

void memory_discharge(lua_State *L, size_t bytes) {
  if (memory_of(L) != NULL)
    memory_of(L)->used -= bytes;
}

void memory_free_spare(struct memory *m) {
  for (int i = 0; i < SPARE_SIZES; i++)
    for (void *block = m->spare[i].first, *next; block != NULL; block = next) {
      next = *(void **) block;
      free(block);
    }
  memset(m->spare, 0, sizeof m->spare);
}

void memory_enter(struct task *task) {
  struct memory *m = &task->script->memory;
  m->others = m->used > task->bytes ? m->used - task->bytes : 0;
}

void memory_leave(struct task *task) {
  struct memory *m = &task->script->memory;
  task->bytes = m->used > m->others ? m->used - m->others : 0;
  m->others = SIZE_MAX / 2;
}

bool memory_is_short(const struct memory *m) {
  return m->used > m->cap / 4 * 3;
}

bool memory_must_wait(const struct memory *m) {
  return memory_is_short(m) && has_grown(m, m->used);
}

void memory_collect(struct script *script) {
  if (script->cycles > 0)
    return;
  script->cycles = FULL_COLLECTION;
  script->collected_from = script->memory.used;
  scripts_turn_on(script->loop->scripts);
}

void memory_hold(struct script *script, size_t bytes) {
  struct memory *m = &script->memory;
  m->held += bytes;
  if (m->held < HELD_BYTES)
    return;
  m->held = 0;
  memory_collect(script);
}

/* Whose garbage it was is not known: the accounts go down in proportion. */
static void settle_accounts(struct script *script) {
  double kept = (double) script->memory.used / (double) script->collected_from;
  for (struct task *task = script->tasks; task != NULL && kept < 1; task = task->next)
    task->bytes = (size_t) (kept * (double) task->bytes);
}

static struct task *largest(struct script *script) {
  struct task *found = script->tasks;
  for (struct task *task = found; task != NULL; task = task->next)
    if (task->bytes > found->bytes)
      found = task;
  return found;
}

static bool end_wait(struct script *script) {
  bool waited = false;
  for (struct task *task = script->tasks; task != NULL; task = task->next)
    if (task->wait == WAIT_MEMORY) {
      waited = true;
      task_ready(task);
    }
  return waited;
}

static void on_collected(struct script *script) {
  settle_accounts(script);
  if (end_wait(script) && memory_is_short(&script->memory))
    task_end(largest(script), TASK_MEMORY);
  else
    report_memory(script);
}

bool memory_collect_until(struct scripts *scripts, int64_t until_ns) {
  struct script *script = scripts->list;
  while (script != NULL && script->cycles == 0)
    script = script->next;
  if (script == NULL)
    return false;
  while (script->cycles > 0 && clock_monotonic_ns() < until_ns)
    script->cycles -= (unsigned) lua_gc(script->L, LUA_GCSTEP, STEP_KIB);
  if (script->cycles == 0)
    on_collected(script);
  return true;
}
