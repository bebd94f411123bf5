#include "record/schema.h"

#include <stdlib.h>
#include <string.h>

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

static bool has_label(const struct family *f, int column) {
  for (size_t i = 0; i < f->nlabels; i++)
    if (f->labels[i].column == column)
      return true;
  return false;
}

bool schema_add_label(struct schema *s, const char *name) {
  int column = schema_column(s, name, strlen(name));
  if (column < 0)
    return false;
  for (size_t i = 0; i < s->nfamilies; i++) {
    struct family *f = &s->families[i];
    if (has_label(f, column))
      continue;
    struct label *labels = schema_keep(s, xcalloc(f->nlabels + 1, sizeof *labels));
    memcpy(labels, f->labels, f->nlabels * sizeof *labels);
    labels[f->nlabels++] =
        (struct label){.name = s->columns[column].name, .column = column, .text = "unknown"};
    f->labels = labels;
  }
  return true;
}
