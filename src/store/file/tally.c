#include "store/file/tally.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "record/condition.h"
#include "record/measure.h"

enum { MIN_KEY = 64, MAX_SPARE = 4096 };

void contribution_of(struct contribution *contribution, const struct schema *schema,
                     struct figures wanted, const struct record *r, const struct buf *text,
                     int sign) {
  contribution->sign = sign;
  for (size_t i = 0; i < schema->nmeasures; i++)
    contribution->values[i] =
        wanted.measures >> i & 1 ? measure_value(&schema->measures[i], schema, r, text) : 0;
  contribution->sketched = 0;
  for (size_t i = 0; i < schema->nsketches; i++) {
    const struct sketched *k = &schema->sketches[i];
    if (!(wanted.sketches >> i & 1) ||
        (k->when != NULL && !conditions_match_row(k->when, schema, r, text)))
      continue;
    contribution->sketched |= 1u << i;
    contribution->buckets[i] = sketch_bucket(sketched_value(k, schema, r));
  }
}

uint64_t contribution_columns(const struct schema *schema, struct figures wanted) {
  uint64_t columns = 0;
  for (size_t i = 0; i < schema->nsketches; i++) {
    const struct sketched *k = &schema->sketches[i];
    if (!(wanted.sketches >> i & 1))
      continue;
    columns |= UINT64_C(1) << k->value | (k->per >= 0 ? UINT64_C(1) << k->per : 0) |
               conditions_columns(k->when);
  }
  for (size_t i = 0; i < schema->nmeasures; i++) {
    const struct measure *m = &schema->measures[i];
    if (!(wanted.measures >> i & 1))
      continue;
    if (m->kind == MEASURE_SUM)
      columns |= UINT64_C(1) << m->column;
    columns |= conditions_columns(m->when);
  }
  return columns;
}

struct wanted_key {
  const char *data;
  size_t len;
};

static bool has_key(const void *item, const void *key) {
  const struct tally *t = item;
  const struct wanted_key *wanted = key;
  return t->key_len == wanted->len && memcmp(t->key, wanted->data, wanted->len) == 0;
}

struct tally *tallies_find(const struct tallies *t, const char *key, size_t len) {
  return table_find(&t->table, hash_quickly(key, len), has_key, &(struct wanted_key){key, len});
}

static void set_key(struct tally *t, const char *key, size_t len) {
  t->key_len = len;
  if (len > 0)
    memcpy(t->key, key, len);
}

struct tally *tally_new(const struct schema *schema, const char *key, size_t len) {
  struct tally *t;
  size_t sums = schema->nmeasures * sizeof t->sums[0];
  size_t sketches = schema->nsketches * sizeof *t->sketches;
  size_t key_cap = len > MIN_KEY ? len : MIN_KEY;
  t = xcalloc(1, sizeof *t + sums + sketches + key_cap);
  t->sketches = (struct sketch *) (t->sums + schema->nmeasures);
  t->key = (char *) t->sums + sums + sketches;
  t->key_cap = key_cap;
  set_key(t, key, len);
  return t;
}

void tally_reset(struct tally *t, const struct schema *schema) {
  t->stored = t->dirty = false;
  t->rows = t->first_us = t->last_us = t->last_row = 0;
  memset(t->sums, 0, schema->nmeasures * sizeof t->sums[0]);
  for (size_t i = 0; i < schema->nsketches; i++)
    sketch_reset(&t->sketches[i]);
}

void tally_touch(const struct tally *t, const struct schema *schema) {
  mem_touch(t, (size_t) ((const char *) (t->sketches + schema->nsketches) - (const char *) t));
}

void tally_touch_sketches(const struct tally *t, const struct schema *schema) {
  for (size_t i = 0; i < schema->nsketches; i++)
    sketch_touch(&t->sketches[i]);
}

void tally_free(struct tally *t, const struct schema *schema) {
  for (size_t i = 0; i < schema->nsketches; i++)
    sketch_clear(&t->sketches[i]);
  free(t);
}

/* A spare one, or a new one. */
static struct tally *take(struct tallies *t, const char *key, size_t len) {
  struct tally **spares = (struct tally **) t->spare.data;
  size_t n = t->spare.len / sizeof *spares;
  if (n == 0 || spares[n - 1]->key_cap < len)
    return tally_new(t->schema, key, len);
  t->spare.len -= sizeof *spares;
  set_key(spares[n - 1], key, len);
  return spares[n - 1];
}

static void put_by(struct tallies *t, struct tally *tally) {
  if (t->spare.len >= MAX_SPARE * sizeof tally) {
    tally_free(tally, t->schema);
    return;
  }
  tally_reset(tally, t->schema);
  buf_append(&t->spare, &tally, sizeof tally);
}

struct tally *tallies_at(struct tallies *t, const char *key, size_t len) {
  uint64_t hash = hash_quickly(key, len);
  struct tally *found = table_find(&t->table, hash, has_key, &(struct wanted_key){key, len});
  if (found != NULL)
    return found;
  found = take(t, key, len);
  table_insert(&t->table, hash, found);
  return found;
}

void tallies_drop(struct tallies *t,
                  bool (*unwanted)(const struct tally *tally, const void *context),
                  const void *context) {
  struct table old = t->table;
  t->table = (struct table){0};
  for (size_t i = 0; i < old.cap; i++) {
    struct tally *tally = old.slots[i].item;
    if (tally == NULL)
      continue;
    if (unwanted(tally, context))
      put_by(t, tally);
    else
      table_insert(&t->table, old.slots[i].hash, tally);
  }
  table_clear(&old);
}

void tallies_clear(struct tallies *t) {
  for (size_t i = 0; i < t->table.cap; i++)
    if (t->table.slots[i].item != NULL)
      tally_free(t->table.slots[i].item, t->schema);
  table_clear(&t->table);
  struct tally **spares = (struct tally **) t->spare.data;
  for (size_t i = 0; i < t->spare.len / sizeof *spares; i++)
    tally_free(spares[i], t->schema);
  buf_clear(&t->spare);
}

int tally_compare(const struct tally *a, const struct tally *b) {
  int order = memcmp(a->key, b->key, a->key_len < b->key_len ? a->key_len : b->key_len);
  return order != 0 ? order : (a->key_len > b->key_len) - (a->key_len < b->key_len);
}

int tally_by_key(const void *a, const void *b) {
  return tally_compare(*(struct tally *const *) a, *(struct tally *const *) b);
}

struct tally **tallies_sorted(const struct tallies *t) {
  if (t->table.len == 0)
    return NULL;
  struct tally **sorted = xmalloc(t->table.len * sizeof *sorted);
  size_t n = 0;
  for (size_t i = 0; i < t->table.cap; i++)
    if (t->table.slots[i].item != NULL)
      sorted[n++] = t->table.slots[i].item;
  qsort(sorted, n, sizeof *sorted, tally_by_key);
  return sorted;
}

void tally_add_sums(struct tally *t, const struct schema *schema,
                    const struct contribution *contribution) {
  const int64_t *values = contribution->values;
  t->rows += contribution->sign;
  if (contribution->sign > 0)
    for (size_t i = 0; i < schema->nmeasures; i++)
      t->sums[i] = add_saturating(t->sums[i], values[i], 1);
  else
    for (size_t i = 0; i < schema->nmeasures; i++)
      t->sums[i] = add_saturating(t->sums[i], values[i], -1);
}

void tally_add(struct tally *t, const struct schema *schema,
               const struct contribution *contribution) {
  tally_add_sums(t, schema, contribution);
  for (size_t i = 0; i < schema->nsketches; i++)
    if (contribution->sketched >> i & 1)
      sketch_add_bucket(&t->sketches[i], contribution->buckets[i], contribution->sign);
}

void tally_seen(struct tally *t, int64_t first_us, int64_t last_us, int64_t last_row) {
  bool first = t->last_row == 0;
  if (last_row == 0)
    return;
  if (first || first_us < t->first_us)
    t->first_us = first_us;
  if (!first && (last_us < t->last_us || (last_us == t->last_us && last_row < t->last_row)))
    return;
  t->last_us = last_us;
  t->last_row = last_row;
}

void tally_merge(struct tally *into, const struct tally *from, const struct schema *schema) {
  into->rows += from->rows;
  tally_seen(into, from->first_us, from->last_us, from->last_row);
  for (size_t i = 0; i < schema->nmeasures; i++)
    into->sums[i] = add_saturating(into->sums[i], from->sums[i], 1);
  for (size_t i = 0; i < schema->nsketches; i++)
    sketch_merge(&into->sketches[i], &from->sketches[i]);
}
