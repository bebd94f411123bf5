#include "record/merge.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

struct stamp *told_insert(struct told *told, size_t at, const struct stamp *stamp) {
  if (told->count == told->cap) {
    told->cap = told->cap * 2 + 4;
    told->stamps = xrealloc(told->stamps, told->cap * sizeof *told->stamps);
  }
  struct stamp *place = told->stamps + at;
  memmove(place + 1, place, (told->count++ - at) * sizeof *place);
  *place = *stamp;
  return place;
}

void told_clear(struct told *told) {
  free(told->stamps);
  *told = (struct told){0};
}

uint64_t told_columns(const struct told *told) {
  uint64_t columns = 0;
  for (size_t i = 0; i < told->count; i++)
    columns |= told->stamps[i].columns;
  return columns;
}

/* A cost without a source came from its sender; one with a source that has no rank is told as the
 * last of them. */
static uint8_t cost_quality(const struct schema *s, const struct record *r,
                            const struct buf *text) {
  const struct cost *cost = &s->cost;
  bool has_cost = cost->column >= 0 && record_has(r, cost->column);
  if (cost->source < 0 || !record_has(r, cost->source))
    return has_cost ? (uint8_t) cost->nranks : 0;
  size_t len;
  const char *source = value_text(text, r->v[cost->source], &len);
  for (size_t i = 0; i < cost->nranks; i++)
    if (strlen(cost->ranks[i]) == len && memcmp(cost->ranks[i], source, len) == 0)
      return (uint8_t) (cost->nranks - i);
  return has_cost ? 1 : 0;
}

static uint64_t columns_told(const struct schema *s, const struct record *r, uint8_t quality) {
  uint64_t told = r->present;
  for (uint64_t left = told & s->strings; left != 0;) {
    int column = columns_take(&left);
    if (r->v[column].s.len == 0)
      told &= ~(1ull << column);
  }
  for (uint64_t left = s->rescaled & ~told; left != 0;) {
    int column = columns_take(&left);
    told |= (r->present >> s->columns[column].from & 1) << column;
  }
  bool is_priced = quality > 0 || (s->cost.source >= 0 && told >> s->cost.source & 1);
  return is_priced && told & s->cost.split ? told | s->cost.split : told;
}

uint8_t record_basis(const struct schema *s, const struct record *r, const struct buf *text,
                     const struct stamp *stamp) {
  const struct cost *cost = &s->cost;
  if (cost->source < 0 || !(stamp->columns >> cost->source & 1) || stamp->quality == cost->nranks)
    return 0;
  size_t count = extra_count(r, text, cost->basis_members, cost->nbasis_members);
  for (uint64_t left = cost->basis; left != 0;) {
    int column = columns_take(&left);
    if (value_is_set(&s->columns[column], r->v[column]))
      count += cost->split >> column & 1 ? SCHEMA_MAX_BASIS + 1 : 1;
  }
  return (uint8_t) (count < STAMP_MOST_BASIS ? count : STAMP_MOST_BASIS);
}

struct stamp record_stamp(const struct schema *s, const struct record *r, const struct buf *text) {
  uint8_t quality = cost_quality(s, r, text);
  return (struct stamp){.end_us = r->v[s->time].i,
                        .columns = columns_told(s, r, quality),
                        .event = r->event,
                        .quality = quality};
}

static bool outranks(const struct schema *s, const struct stamp *a, const struct stamp *b) {
  bool closes = s->events[a->event].closes;
  if (closes != s->events[b->event].closes)
    return closes;
  return a->end_us > b->end_us;
}

static size_t place_of(const struct schema *s, const struct told *told, const struct stamp *stamp) {
  size_t at = told->count;
  while (at > 0 && outranks(s, &told->stamps[at - 1], stamp))
    at--;
  return at;
}

static bool has_better_cost(const struct stamp *a, const struct stamp *b, bool is_later) {
  if (a->quality != b->quality)
    return a->quality > b->quality;
  return a->basis != b->basis ? a->basis > b->basis : is_later;
}

/* Between the stamp at `at` and all others: each column that two of them have is left to one. */
static void contest(const struct schema *s, struct told *told, size_t at) {
  struct stamp *later = &told->stamps[at];
  for (size_t i = 0; i < told->count; i++) {
    struct stamp *other = &told->stamps[i];
    if (i == at)
      continue;
    uint64_t both = other->columns & later->columns & ~(1ull << s->time),
             costs = both & s->cost.columns;
    bool better = has_better_cost(later, other, i < at);
    uint64_t won = (i < at ? both & ~costs : 0) | (better ? costs : 0);
    other->columns &= ~won;
    later->columns &= ~(both & ~won);
  }
}

static void contest_time(const struct schema *s, struct told *told, size_t at, int64_t row_us,
                         int64_t later_us) {
  uint64_t time = 1ull << s->time;
  for (size_t i = 0; i < told->count; i++)
    if (i != at && told->stamps[i].columns & told->stamps[at].columns & time)
      told->stamps[later_us <= row_us ? i : at].columns &= ~time;
}

static void drop_empty(struct told *told) {
  size_t kept = 0;
  for (size_t i = 0; i < told->count; i++) {
    struct stamp stamp = told->stamps[i];
    if (stamp.columns != 0 || stamp.lost != 0 || stamp.members != 0 || i + 1 == told->count)
      told->stamps[kept++] = stamp;
  }
  told->count = kept;
}

static bool same_told(const struct told *a, const struct stamp *b, size_t count) {
  if (a->count != count)
    return false;
  for (size_t i = 0; i < count; i++) {
    const struct stamp *x = &a->stamps[i], *y = &b[i];
    if (x->end_us != y->end_us || x->columns != y->columns || x->members != y->members ||
        x->event != y->event || x->quality != y->quality || x->basis != y->basis ||
        x->apart != y->apart)
      return false;
  }
  return true;
}

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

static bool take(struct batch *row, int i, union value v, const struct buf *text) {
  const struct column *c = &row->schema->columns[i];
  struct record *r = batch_record(row, row->count - 1);
  if (same_value(c, r->v[i], &row->text, v, text))
    return false;
  if (c->type == COLUMN_STRING && text != &row->text) {
    size_t len;
    const char *s = value_text(text, v, &len);
    v = batch_put_text(row, s, len);
  }
  r->v[i] = v;
  return true;
}

static bool take_columns(struct batch *row, const struct record *later, const struct buf *text,
                         uint64_t columns) {
  bool changed = false;
  while (columns != 0) {
    int column = columns_take(&columns);
    changed |= take(row, column, later->v[column], text);
  }
  return changed;
}

/* What nobody told follows from the highest event, or from another column. */
static bool settle(struct batch *row, const struct record *later, bool is_highest) {
  const struct schema *s = row->schema;
  const struct record *r = batch_record(row, row->count - 1);
  bool changed = is_highest && take_columns(row, later, &row->text, s->by_event & ~r->present);
  for (uint64_t left = s->derived & ~r->present & ~s->rescaled; left != 0;) {
    int column = columns_take(&left);
    if (record_has(r, s->columns[column].from))
      changed |= take(row, column, record_derive(s, r, column), &row->text);
  }
  return changed;
}

static bool take_extra(struct batch *row, struct told *told, size_t at, const struct record *later,
                       const struct buf *text, bool has_changed) {
  struct record *r = batch_record(row, row->count - 1);
  if (later->extra.len <= 2 && r->extra.len <= 2 && !has_changed)
    return false;
  struct buf rest = {0};
  size_t old_offset = r->extra.offset, old_len = r->extra.len;
  extra_merge(&rest, row, told, at, later->extra.len > 0 ? text->data + later->extra.offset : "",
              later->extra.len);
  union value v = batch_put_text(row, rest.data, rest.len);
  buf_clear(&rest);
  r->extra.offset = v.s.offset;
  r->extra.len = v.s.len;
  record_write_extra(row, r);
  return r->extra.len != old_len ||
         memcmp(row->text.data + r->extra.offset, row->text.data + old_offset, old_len) != 0;
}

/* To the pico-dollar, in which sums are kept: what is taken out and put back is the same. */
static double dollars(double d) {
  return rint(d * 1e12) / 1e12;
}

static struct stamp *who_told(const struct told *told, int column) {
  for (size_t i = 0; i < told->count; i++)
    if (told->stamps[i].columns >> column & 1)
      return &told->stamps[i];
  return NULL;
}

/* The cost as it was told again. */
static void put_parts_back(const struct schema *s, const struct told *told, struct record *r) {
  struct stamp *teller = s->cost.parts >= 0 ? who_told(told, s->cost.column) : NULL;
  if (teller == NULL || !teller->apart)
    return;
  r->v[s->cost.column].f = dollars(r->v[s->cost.column].f + r->v[s->cost.parts].f);
  teller->apart = false;
}

/* One of the best costs includes that of the parts, which who tells of them tells apart; one that
 * is smaller than theirs does not. */
static void take_parts_out(const struct schema *s, const struct told *told, struct record *r) {
  int cost = s->cost.column, parts = s->cost.parts;
  struct stamp *teller = parts >= 0 ? who_told(told, cost) : NULL;
  const struct stamp *of_parts = parts >= 0 ? who_told(told, parts) : NULL;
  if (teller == NULL || of_parts == NULL || teller == of_parts ||
      teller->quality != s->cost.nranks || r->v[cost].f < r->v[parts].f)
    return;
  r->v[cost].f = dollars(r->v[cost].f - r->v[parts].f);
  teller->apart = true;
}

/* Answers whether the row, whose cost was that before, has changed. */
static bool take_told(struct batch *row, const struct told *told, const struct record *later,
                      const struct buf *text, uint64_t columns, union value before) {
  const struct schema *s = row->schema;
  struct record *r = batch_record(row, row->count - 1);
  int cost = s->cost.column;
  if (cost < 0)
    return take_columns(row, later, text, columns);
  uint64_t of_cost = columns & 1ull << cost;
  bool changed = take_columns(row, later, text, columns & ~of_cost);
  take_columns(row, later, text, of_cost);
  take_parts_out(s, told, r);
  return changed || !same_value(&s->columns[cost], before, text, r->v[cost], text);
}

enum merge_result merge_record(struct batch *row, struct told *told, const struct record *later,
                               const struct buf *text) {
  const struct schema *s = row->schema;
  struct record *r = batch_record(row, row->count - 1);
  struct stamp stamp = record_stamp(s, later, text);
  size_t count = told->count, at = place_of(s, told, &stamp);
  struct stamp *before = xmalloc(count * sizeof *before + 1);
  memcpy(before, told->stamps, count * sizeof *before);
  union value cost = s->cost.column >= 0 ? r->v[s->cost.column] : (union value){0};

  stamp.basis = record_basis(s, later, text, &stamp);
  put_parts_back(s, told, r);
  told_insert(told, at, &stamp);
  contest(s, told, at);
  contest_time(s, told, at, r->v[s->time].i, later->v[s->time].i);
  uint64_t columns = told->stamps[at].columns;
  r->present = told_columns(told);
  bool changed = take_told(row, told, later, text, columns, cost);
  changed |= settle(row, later, at == count);
  changed |= take_extra(row, told, at, later, text, (columns & s->in_extra) != 0);
  r->event = told->stamps[count].event;
  drop_empty(told);
  bool same = same_told(told, before, count);
  free(before);
  return changed ? MERGE_ROW : same ? MERGE_NOTHING : MERGE_TOLD;
}
