#include <math.h>
#include <string.h>

#include "base/number.h"
#include "base/uuid.h"
#include "record/record.h"

/* What a record does not say: its id, defaults and derived values. */

union value record_derive(const struct schema *s, const struct record *r, int column) {
  const struct column *c = &s->columns[column], *source = &s->columns[c->from];
  union value v = r->v[c->from];
  if (c->type == source->type && c->from_scale == 1)
    return v;
  double n = number_scale(value_number(source, v), c->from_scale);
  if (c->type == COLUMN_INTEGER)
    return (union value){.i = number_saturate(n)};
  return (union value){.f = fabs(n) <= c->most ? n : 0};
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

void record_write_extra(struct batch *b, struct record *r) {
  for (uint64_t left = b->schema->in_extra & r->present; left != 0;) {
    int column = columns_take(&left);
    const struct column *c = &b->schema->columns[column];
    struct buf json = {0};
    value_write_json(&json, c, r->v[column], &b->text);
    record_put_compact(b, r, c->name, c->name_len, json.data, json.len);
    buf_clear(&json);
  }
}

static union value default_of(struct batch *b, const struct record *r, int column) {
  const struct schema *s = b->schema;
  const struct column *c = &s->columns[column];
  if (s->derived >> column & 1 && record_has(r, c->from))
    return record_derive(s, r, column);
  if (c->by_event != NULL)
    return (union value){.i = c->by_event[r->event]};
  if (s->texts >> column & 1)
    return batch_put_text(b, c->text, strlen(c->text));
  return s->defaults[column];
}

/* A row tells a cost of nothing from none by where it comes from. */
static void name_source(struct batch *b, struct record *r) {
  const struct cost *cost = &b->schema->cost;
  if (cost->column < 0 || cost->nranks == 0 || !record_has(r, cost->column) ||
      r->v[cost->column].f != 0 || record_has(r, cost->source))
    return;
  r->v[cost->source] = batch_put_text(b, cost->ranks[0], strlen(cost->ranks[0]));
  r->present |= UINT64_C(1) << cost->source;
}

void batch_complete(struct batch *b, struct record *r, int64_t now_us) {
  const struct schema *s = b->schema;
  ensure_id(b, r);
  if (!record_has(r, s->time))
    r->v[s->time].i = now_us;
  for (uint64_t left = (s->derived | s->by_event | s->texts) & ~r->present; left != 0;) {
    int column = columns_take(&left);
    r->v[column] = default_of(b, r, column);
  }
  name_source(b, r);
  record_write_extra(b, r);
}
