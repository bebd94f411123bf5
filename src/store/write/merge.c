#include "store/write/merge.h"

#include <stdlib.h>

static bool same_value(const struct column *c, union value a, const struct buf *a_text,
                       union value b, const struct buf *b_text) {
  if (c->type == COLUMN_FLOAT)
    return a.f == b.f;
  if (c->type != COLUMN_STRING)
    return a.i == b.i;
  size_t a_len, b_len;
  const char *s = value_text(a_text, a, &a_len), *t = value_text(b_text, b, &b_len);
  return a_len == b_len && memcmp(s, t, a_len) == 0;
}

static bool take_column(struct batch *row, const struct record *later, const struct buf *text,
                        size_t i) {
  const struct column *c = &row->schema->columns[i];
  struct record *r = batch_record(row, row->count - 1);
  union value v = later->v[i];
  if (same_value(c, r->v[i], &row->text, v, text))
    return false;
  if (c->type == COLUMN_STRING) {
    size_t len;
    const char *s = value_text(text, v, &len);
    v = batch_put_text(row, s, len);
  }
  r->v[i] = v;
  return true;
}

static bool take_extra(struct batch *row, const struct record *later, const struct buf *text) {
  struct record *r = batch_record(row, row->count - 1);
  if (later->extra.len == 0)
    return false;
  struct buf merged = {0};
  const char *earlier = r->extra.len > 0 ? row->text.data + r->extra.offset : "";
  extra_merge(&merged, earlier, r->extra.len, text->data + later->extra.offset, later->extra.len);
  bool changed = merged.len != r->extra.len || memcmp(merged.data, earlier, merged.len) != 0;
  if (changed) {
    union value v = batch_put_text(row, merged.data, merged.len);
    r->extra.offset = v.s.offset;
    r->extra.len = v.s.len;
    record_read_extra(row, r);
  }
  buf_clear(&merged);
  return changed;
}

bool merge_record(struct batch *row, const struct record *later, const struct buf *later_text) {
  const struct schema *schema = row->schema;
  uint64_t changes = record_changes(schema, batch_record(row, row->count - 1), &row->text, later);
  bool changed = false;
  for (size_t i = 0; i < schema->nstored; i++)
    if (changes >> i & 1)
      changed |= take_column(row, later, later_text, i);
  return take_extra(row, later, later_text) || changed;
}
