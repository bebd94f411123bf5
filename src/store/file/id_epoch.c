#include "store/file/id_epoch.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"

enum { MAPPED_BYTES = 16 << 10 };

/* By the bits after the shard's, which are as good as any: sorted entries are added
 * from front to back. */
static size_t home(const struct id_shard *s, int64_t fingerprint) {
  return ((uint64_t) fingerprint >> 24 & UINT32_MAX) * s->cap >> 32;
}

static size_t after(const struct id_shard *s, size_t i) {
  return i + 1 < s->cap ? i + 1 : 0;
}

static void place(struct id_shard *s, struct id_entry entry) {
  size_t i = home(s, entry.fingerprint);
  while (s->slots[i].row != 0)
    i = after(s, i);
  s->slots[i] = entry;
}

/* Long tables stand outside the heap: there they would leave holes that no longer
 * table fits in. */
static bool is_mapped(size_t cap) {
  return cap * sizeof(struct id_entry) >= MAPPED_BYTES;
}

static struct id_entry *slots_new(size_t cap) {
  size_t size = cap * sizeof(struct id_entry);
  return is_mapped(cap) ? xmap(size) : xcalloc(1, size);
}

static void slots_free(const struct id_shard *s) {
  if (is_mapped(s->cap))
    munmap(s->slots, s->cap * sizeof *s->slots);
  else
    free(s->slots);
}

static void resize(struct id_shard *s, size_t cap) {
  struct id_shard old = *s;
  s->cap = cap;
  s->slots = slots_new(cap);
  for (size_t i = 0; i < old.cap; i++)
    if (old.slots[i].row != 0)
      place(s, old.slots[i]);
  slots_free(&old);
}

void id_shard_add(struct id_shard *s, struct id_entry entry) {
  if ((s->len + 1) * 4 > s->cap * 3)
    resize(s, s->cap > 0 ? s->cap + s->cap / 2 : 8);
  place(s, entry);
  s->len++;
}

size_t id_shard_find(const struct id_shard *s, int64_t fingerprint, int64_t *rows, size_t max) {
  size_t n = 0;
  if (s->len == 0)
    return 0;
  for (size_t i = home(s, fingerprint); s->slots[i].row != 0; i = after(s, i))
    if (s->slots[i].fingerprint == fingerprint && n < max)
      rows[n++] = s->slots[i].row;
  return n;
}

void id_shard_empty(struct id_shard *s) {
  if (s->len * 8 < s->cap) {
    id_shard_clear(s);
    return;
  }
  if (s->len > 0)
    memset(s->slots, 0, s->cap * sizeof *s->slots);
  s->len = 0;
}

void id_shard_clear(struct id_shard *s) {
  slots_free(s);
  *s = (struct id_shard){0};
}

/* In small shards the first of sorted entries would all collide. */
void id_epoch_reserve(struct id_epoch *e, size_t n) {
  for (size_t i = 0; i < ID_SHARDS; i++)
    resize(&e->shards[i], n / ID_SHARDS * 3 / 2 + 8);
}

void id_epoch_add(struct id_epoch *e, struct id_entry entry) {
  id_shard_add(&e->shards[id_shard_number(entry.fingerprint)], entry);
  e->len++;
  if (entry.row > e->last_row)
    e->last_row = entry.row;
}

size_t id_epoch_find(const struct id_epoch *e, int64_t fingerprint, int64_t *rows, size_t max) {
  return id_shard_find(&e->shards[id_shard_number(fingerprint)], fingerprint, rows, max);
}

/* Real loads, which the processor does side by side: a prefetch it drops when the
 * page is not in its TLB. */
void id_epoch_touch(const struct id_epoch *e, int64_t fingerprint) {
  const struct id_shard *s = &e->shards[id_shard_number(fingerprint)];
  if (s->len > 0)
    *(volatile int64_t *) &s->slots[home(s, fingerprint)].row;
}

void id_epoch_clear(struct id_epoch *e) {
  for (size_t i = 0; i < ID_SHARDS; i++)
    id_shard_clear(&e->shards[i]);
  *e = (struct id_epoch){0};
}
