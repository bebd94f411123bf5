#include "record/schema.h"

#include <stdlib.h>

#include "base/mem.h"
#include "record/condition.h"
#include "record/schema_names.h"

struct schema *schema_new(void) {
  struct schema *s = xcalloc(1, sizeof *s);
  s->id = s->time = s->duration = s->status = s->default_event = -1;
  return s;
}

void *schema_keep(struct schema *schema, void *p) {
  buf_append(&schema->blocks, &p, sizeof p);
  return p;
}

void schema_index(struct schema *s) {
  s->nslots = 64;
  while (s->nslots < s->nnames * 4)
    s->nslots *= 2;
  s->slots = schema_keep(s, xcalloc(s->nslots, sizeof *s->slots));
  schema_index_names(s);
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
