#include "script/engine/memory.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

enum { EXTERNAL_BYTES = 4 << 20 };
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

static void keep_or_free(struct memory *m, void *block, size_t size) {
  struct spare *spare = spare_of(m, size);
  if (spare == NULL || spare->count == SPARE_MAX) {
    free(block);
    return;
  }
  *(void **) block = spare->first;
  spare->first = block;
  spare->count++;
}

static void *take_block(struct memory *m, size_t size) {
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

static void *resize_block(struct memory *m, void *block, size_t old_size, size_t size) {
  if (spare_of(m, old_size) == NULL && spare_of(m, size) == NULL)
    return realloc(block, size);
  void *moved = take_block(m, size);
  if (moved == NULL)
    return size <= old_size ? block : NULL; /* Lua counts on shrinking */
  memcpy(moved, block, old_size < size ? old_size : size);
  keep_or_free(m, block, old_size);
  return moved;
}

void *memory_alloc(void *memory, void *block, size_t old_size, size_t size) {
  struct memory *m = memory;
  if (block == NULL)
    old_size = 0; /* Lua passes a type tag */
  if (size == 0) {
    m->used -= old_size;
    if (block != NULL)
      keep_or_free(m, block, old_size);
    return NULL;
  }
  if (size > old_size && is_refused(m, m->used - old_size + size))
    return NULL;
  void *moved = block != NULL ? resize_block(m, block, old_size, size) : take_block(m, size);
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
    luaL_error(L, "not enough memory: script.memory_bytes is the bound of one loop's "
                  "scripts together");
  struct memory *m = memory_of(L);
  if (m != NULL)
    m->used += bytes;
}

void memory_discharge(lua_State *L, size_t bytes) {
  struct memory *m = memory_of(L);
  if (m != NULL)
    m->used -= bytes;
}

void memory_append(lua_State *L, struct buf *out, const char *text, size_t len) {
  char *end = buf_try_reserve(out, len);
  if (end == NULL)
    luaL_error(L, "not enough memory: the system has none");
  if (len > 0)
    memcpy(end, text, len);
  out->len += len;
}

void memory_free_spare(struct memory *m) {
  for (int i = 0; i < SPARE_SIZES; i++)
    for (void *block = m->spare[i].first, *next; block != NULL; block = next) {
      next = *(void **) block;
      free(block);
    }
  memset(m->spare, 0, sizeof m->spare);
}

void memory_enter(struct memory *m, size_t account) {
  m->others = m->used > account ? m->used - account : 0;
}

size_t memory_leave(struct memory *m) {
  size_t account = m->used > m->others ? m->used - m->others : 0;
  m->others = SIZE_MAX / 2;
  return account;
}

bool memory_is_short(const struct memory *m) {
  return m->used > m->cap / 4 * 3;
}

bool memory_must_wait(const struct memory *m) {
  return memory_is_short(m) && has_grown(m, m->used);
}

bool memory_note_external(struct memory *m, size_t bytes) {
  m->external += bytes;
  if (m->external < EXTERNAL_BYTES)
    return false;
  m->external = 0;
  return true;
}
