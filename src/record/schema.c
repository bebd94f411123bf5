#include "record/schema.h"

#include <lua.h>
#include <stdlib.h>

#include "base/mem.h"
#include "record/schema_read.h"

/* Cheap, and nobody outside chooses what is in the table: its runs stay short whatever is looked up. */
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

static void index_names(struct schema *s) {
  s->nslots = 64;
  while (s->nslots < s->nnames * 4)
    s->nslots *= 2;
  s->slots = schema_keep(s, xcalloc(s->nslots, sizeof *s->slots));
  for (size_t i = 0; i < s->nnames; i++) {
    size_t slot = name_hash(s->names[i].name, s->names[i].len) & (s->nslots - 1);
    while (s->slots[slot] != 0)
      slot = (slot + 1) & (s->nslots - 1);
    s->slots[slot] = (uint16_t) (i + 1);
  }
}

struct schema *schema_load(struct lua_State *L, struct buf *error) {
  static const char *const keys[] = {"columns", "event_keys", "events",   "measures",
                                     "sketches", "rollups",    "families", NULL};
  struct schema *s = xcalloc(1, sizeof *s);
  struct schema_reader r = {.L = L, .schema = s, .error = error};
  s->id = s->time = s->duration = s->status = s->default_event = -1;

  if (!lua_istable(L, -1) || !lua_checkstack(L, 20)) {
    reader_fail(&r, "it", "must return a table");
    goto fail;
  }
  if (!reader_keys(&r, "it", keys) || !schema_read_columns(&r) || !schema_read_events(&r) ||
      !schema_read_sums(&r) || !schema_read_families(&r))
    goto fail;
  index_names(s);
  return s;

fail:
  schema_free(s);
  return NULL;
}

void schema_free(struct schema *s) {
  if (s == NULL)
    return;
  for (size_t i = 0; i < s->ncolumns; i++)
    conditions_unref(s->columns[i].unknown);
  for (size_t i = 0; i < s->nmeasures; i++)
    conditions_unref(s->measures[i].when);
  for (size_t i = 0; i < s->nsketches; i++)
    conditions_unref(s->sketches[i].when);
  for (size_t i = 0; i < s->nfamilies; i++)
    conditions_unref(s->families[i].when);
  void **blocks = (void **) s->blocks.data;
  for (size_t i = s->blocks.len / sizeof *blocks; i > 0; i--)
    free(blocks[i - 1]);
  buf_clear(&s->blocks);
  free(s);
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
