#include <math.h>

#include "base/number.h"
#include "base/uuid.h"
#include "record/record.h"

/* What a record does not say: its id, defaults and derived values, and which of
 * these another record replaces. */

/* What column gets from its source in r. */
static union value derive(const struct schema *s, const struct record *r, int column) {
  const struct column *c = &s->columns[column], *source = &s->columns[c->from];
  union value v = r->v[c->from];
  if (c->type == source->type && c->from_scale == 1)
    return v;
  double n = number_scale(value_number(source, v), c->from_scale);
  if (c->type == COLUMN_INTEGER)
    return (union value) {.i = number_saturate(n)};
  return (union value) {.f = isfinite(n) ? n : 0};
}

static void ensure_id(struct batch *b, struct record *r) {
  int id = b->schema->id;
  size_t len;
  const char *text = value_text(&b->text, r->v[id], &len);
  if (record_has(r, id) && len > 0 && !(len == 4 && memcmp(text, "None", 4) == 0))
    return;
  char made[UUID_LENGTH];
  uuid7(made);
  r->v[id] = batch_put_text(b, made, sizeof made);
  r->present |= UINT64_C(1) << id;
}

static int take_bit(uint64_t *set) {
  int bit = __builtin_ctzll(*set);
  *set &= *set - 1;
  return bit;
}

/* Columns that live in extra. */
static void write_extra(struct batch *b, struct record *r) {
  for (uint64_t left = b->schema->in_extra & r->present; left != 0;) {
    int column = take_bit(&left);
    const struct column *c = &b->schema->columns[column];
    struct buf json = {0};
    value_write_json(&json, c, r->v[column], &b->text);
    record_put_extra(b, r, c->name, c->name_len, json.data, json.len);
    buf_clear(&json);
  }
}

static union value default_of(struct batch *b, const struct record *r, int column) {
  const struct schema *s = b->schema;
  const struct column *c = &s->columns[column];
  if (s->derived >> column & 1 && record_has(r, c->from))
    return derive(s, r, column);
  if (c->by_event != NULL)
    return (union value) {.i = c->by_event[r->event]};
  if (s->texts >> column & 1)
    return batch_put_text(b, c->text, strlen(c->text));
  return s->defaults[column];
}

void batch_complete(struct batch *b, struct record *r, int64_t now_us) {
  const struct schema *s = b->schema;
  ensure_id(b, r);
  if (!record_has(r, s->time))
    r->v[s->time].i = now_us;
  for (uint64_t left = (s->derived | s->by_event | s->texts) & ~r->present; left != 0;) {
    int column = take_bit(&left);
    r->v[column] = default_of(b, r, column);
  }
  write_extra(b, r);
}

static bool same_value(enum column_type type, union value a, union value b,
                       const struct buf *text) {
  if (type == COLUMN_FLOAT)
    return a.f == b.f;
  if (type != COLUMN_STRING)
    return a.i == b.i;
  return a.s.len == b.s.len &&
         (a.s.len == 0 || memcmp(text->data + a.s.offset, text->data + b.s.offset, a.s.len) == 0);
}

uint64_t record_changes(const struct schema *s, const struct record *row,
                        const struct buf *row_text, const struct record *later) {
  uint64_t own = s->nstored < 64 ? (1ull << s->nstored) - 1 : UINT64_MAX;
  uint64_t changes = later->present & ~(1ull << s->time);
  for (uint64_t left = s->derived & ~later->present; left != 0;) {
    int column = take_bit(&left);
    const struct column *c = &s->columns[column];
    bool is_default = c->type == COLUMN_STRING ? row->v[column].s.len == 0
                                               : row->v[column].i == s->defaults[column].i;
    if (record_has(later, c->from) &&
        (is_default || same_value(c->type, row->v[column], derive(s, row, column), row_text)))
      changes |= 1ull << column;
  }
  return changes & own;
}
