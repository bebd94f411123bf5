#include "base/table.h"

#include <stdlib.h>

#include "base/mem.h"

void table_touch(const struct table *t, uint64_t hash) {
  if (t->len > 0)
    mem_touch(&t->slots[hash & (t->cap - 1)], sizeof *t->slots);
}

void table_touch_item(const struct table *t, uint64_t hash, size_t size) {
  const void *item = t->len > 0 ? t->slots[hash & (t->cap - 1)].item : NULL;
  if (item != NULL)
    mem_touch(item, size);
}

void *table_find(const struct table *t, uint64_t hash, table_equal equal, const void *key) {
  if (t->len == 0)
    return NULL;
  for (size_t i = hash & (t->cap - 1); t->slots[i].item != NULL; i = (i + 1) & (t->cap - 1))
    if (t->slots[i].hash == hash && equal(t->slots[i].item, key))
      return t->slots[i].item;
  return NULL;
}

static void place_item(struct table *t, uint64_t hash, void *item) {
  size_t i = hash & (t->cap - 1);
  while (t->slots[i].item != NULL)
    i = (i + 1) & (t->cap - 1);
  t->slots[i] = (struct table_slot){hash, item};
}

static void grow_table(struct table *t) {
  struct table old = *t;
  t->cap = old.cap > 0 ? old.cap * 2 : 16;
  t->slots = xcalloc(t->cap, sizeof *t->slots);
  for (size_t i = 0; i < old.cap; i++)
    if (old.slots[i].item != NULL)
      place_item(t, old.slots[i].hash, old.slots[i].item);
  free(old.slots);
}

void table_insert(struct table *t, uint64_t hash, void *item) {
  if ((t->len + 1) * 4 > t->cap * 3)
    grow_table(t);
  place_item(t, hash, item);
  t->len++;
}

/* Closes the gap by moving later members of the run back (Knuth, TAOCP 6.4, algorithm R),
 * so that no tombstones remain. */
void table_remove(struct table *t, uint64_t hash, const void *item) {
  size_t mask = t->cap - 1, gap = hash & mask;
  while (t->slots[gap].item != item)
    gap = (gap + 1) & mask;
  t->len--;
  for (size_t i = (gap + 1) & mask; t->slots[i].item != NULL; i = (i + 1) & mask) {
    size_t home = t->slots[i].hash & mask;
    if (((i - home) & mask) < ((i - gap) & mask))
      continue;
    t->slots[gap] = t->slots[i];
    gap = i;
  }
  t->slots[gap] = (struct table_slot){0};
}

void table_clear(struct table *t) {
  free(t->slots);
  *t = (struct table){0};
}
