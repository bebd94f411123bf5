#include "record/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

struct name {
  int number;
  size_t len;
  char text[];
};

struct key {
  const char *text;
  size_t len;
};

static bool is_name(const void *item, const void *key) {
  const struct name *name = item;
  const struct key *k = key;
  return name->len == k->len && memcmp(name->text, k->text, k->len) == 0;
}

static const struct name *find(const struct names *set, const char *text, size_t len) {
  struct key key = {text, len};
  return table_find(&set->table, hash_quickly(text, len), is_name, &key);
}

void names_add(struct names *set, const char *text, size_t len, int number) {
  if (find(set, text, len) != NULL)
    return;
  struct name *name = xmalloc(sizeof *name + len);
  name->number = number;
  name->len = len;
  memcpy(name->text, text, len);
  table_insert(&set->table, hash_quickly(text, len), name);
}

int names_find(const struct names *set, const char *text, size_t len) {
  const struct name *name = set->table.len > 0 ? find(set, text, len) : NULL;
  return name != NULL ? name->number : -1;
}

void names_clear(struct names *set) {
  for (size_t i = 0; i < set->table.cap; i++)
    free(set->table.slots[i].item);
  table_clear(&set->table);
}
