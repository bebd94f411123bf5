#ifndef MOONLEDGER_BASE_TABLE_H
#define MOONLEDGER_BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Open-addressing hash table of pointers.  All zeros is an empty one.  The caller hashes
 * and compares, owns the items and may walk slots[0..cap): a slot with a NULL item is
 * free. */
struct table {
  struct table_slot {
    uint64_t hash;
    void *item;
  } *slots;
  size_t cap;
  size_t len;
};

typedef bool (*table_equal)(const void *item, const void *key);

/* Before table_find, of some keys: first the slots, then what is in those. */
void table_touch(const struct table *t, uint64_t hash);
void table_touch_item(const struct table *t, uint64_t hash, size_t size);

void *table_find(const struct table *t, uint64_t hash, table_equal equal, const void *key);
void table_insert(struct table *t, uint64_t hash, void *item);  /* the key is not in t */
void table_remove(struct table *t, uint64_t hash, const void *item);  /* the item is in t */
void table_clear(struct table *t);  /* releases the slots, not the items */

#endif
