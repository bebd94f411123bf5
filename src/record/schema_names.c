#include "record/schema_names.h"

/* Cheap, and nobody outside chooses what is in the table: its runs stay short
 * whatever is looked up. */
static size_t name_hash(const char *name, size_t len) {
  uint64_t head = 0, tail = 0;
  if (len >= 8) {
    memcpy(&head, name, 8);
    memcpy(&tail, name + len - 8, 8);
  } else {
    memcpy(&head, name, len);
  }
  return (size_t) (((head ^ len) * 0x9e3779b97f4a7c15 ^ tail * 0xc2b2ae3d27d4eb4f) >> 40);
}

void schema_index_names(struct schema *s) {
  for (size_t i = 0; i < s->nnames; i++) {
    size_t slot = name_hash(s->names[i].name, s->names[i].len) & (s->nslots - 1);
    while (s->slots[slot] != 0)
      slot = (slot + 1) & (s->nslots - 1);
    s->slots[slot] = (uint16_t) (i + 1);
  }
}

static bool is_named(const char *have, const char *name, size_t len) {
  return strlen(have) == len && memcmp(have, name, len) == 0;
}

int schema_column(const struct schema *s, const char *name, size_t len) {
  for (size_t i = 0; i < s->ncolumns; i++)
    if (is_named(s->columns[i].name, name, len))
      return (int) i;
  return -1;
}

const struct column_name *schema_name(const struct schema *s, const char *name, size_t len) {
  for (size_t slot = name_hash(name, len) & (s->nslots - 1); s->slots[slot] != 0;
       slot = (slot + 1) & (s->nslots - 1)) {
    const struct column_name *n = &s->names[s->slots[slot] - 1];
    if (n->len == len && memcmp(n->name, name, len) == 0)
      return n;
  }
  return NULL;
}

int schema_event(const struct schema *s, const char *name, size_t len) {
  for (size_t i = 0; i < s->nevents; i++)
    if (is_named(s->events[i].name, name, len))
      return (int) i;
  return -1;
}

int schema_measure(const struct schema *s, const char *name, size_t len) {
  for (size_t i = 0; i < s->nmeasures; i++)
    if (is_named(s->measures[i].name, name, len))
      return (int) i;
  return -1;
}
