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

void content_add_prefix(struct content *content, const char *prefix, size_t len) {
  size_t n = content->nprefixes++;
  content->prefixes = xrealloc(content->prefixes, content->nprefixes * sizeof *content->prefixes);
  content->prefixes[n] = (struct prefix) {.text = xmalloc(len + 1), .len = len};
  memcpy(content->prefixes[n].text, prefix, len);
  if (len > 0)
    content->begins[(unsigned char) *prefix] = true;
}

bool content_has(const struct content *content, const char *name, size_t len) {
  if (content == NULL || len == 0)
    return false;
  if (names_find(&content->names, name, len) >= 0)
    return true;
  if (!content->begins[(unsigned char) *name])
    return false;
  for (size_t i = 0; i < content->nprefixes; i++) {
    const struct prefix *p = &content->prefixes[i];
    if (len >= p->len && memcmp(name, p->text, p->len) == 0)
      return true;
  }
  return false;
}

void content_clear(struct content *content) {
  for (size_t i = 0; i < content->nprefixes; i++)
    free(content->prefixes[i].text);
  free(content->prefixes);
  names_clear(&content->names);
  *content = (struct content) {0};
}
