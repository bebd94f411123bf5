#include "store/write/counted.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "store/file/key.h"
#include "store/file/rollup_tables.h"

/* Of one record in a list. */
struct place {
  const char *key; /* in keys */
  size_t len;
  uint64_t hash;
};

struct counted_list {
  size_t set;
  enum tier tier;
  struct place place; /* of the record that is being added */
  struct table table; /* of struct counted_cell */
  struct buf cells;   /* the same by number */
  struct buf numbers; /* uint32_t for each record */
};

enum { AHEAD = 8 }; /* records that come into the cache while others are added */

void counted_init(struct counted *c, const struct schema *schema) {
  *c = (struct counted){.schema = schema, .latest = INT64_MIN};
  c->record_size = offsetof(struct contribution, values) +
                   schema->nmeasures * sizeof((struct contribution *) 0)->values[0];
  c->lists = xcalloc(schema->nsets + 1, sizeof *c->lists);
  c->sum = tally_new(schema, NULL, 0);
  c->sketches = xcalloc(schema->nsketches + 1, sizeof *c->sketches);
}

void counted_add_list(struct counted *c, size_t set, enum tier tier) {
  c->lists[c->nlists++] = (struct counted_list){.set = set, .tier = tier};
}

static struct counted_cell **cells_of(const struct counted_list *list) {
  return (struct counted_cell **) list->cells.data;
}

/* Room stays for as many again, not for far fewer. */
static void empty(struct buf *b) {
  if (b->len < b->cap / 8)
    buf_clear(b);
  b->len = 0;
}

void counted_empty(struct counted *c) {
  for (size_t i = 0; i < c->nlists; i++) {
    struct counted_list *list = &c->lists[i];
    for (size_t k = 0; k < list->table.len; k++)
      free(cells_of(list)[k]);
    if (list->table.len > 0)
      memset(list->table.slots, 0, list->table.cap * sizeof *list->table.slots);
    list->table.len = 0;
    empty(&list->cells);
    empty(&list->numbers);
  }
  empty(&c->records);
  empty(&c->order);
  c->nrecords = 0;
  c->latest = INT64_MIN;
}

void counted_clear(struct counted *c) {
  counted_empty(c);
  for (size_t i = 0; i < c->nlists; i++) {
    table_clear(&c->lists[i].table);
    buf_clear(&c->lists[i].cells);
    buf_clear(&c->lists[i].numbers);
  }
  free(c->lists);
  buf_clear(&c->keys);
  buf_clear(&c->records);
  buf_clear(&c->order);
  tally_free(c->sum, c->schema);
  free(c->sketches);
}

static bool has_key(const void *item, const void *key) {
  const struct counted_cell *cell = item;
  const struct place *place = key;
  return cell->key_len == place->len && memcmp(cell->key, place->key, place->len) == 0;
}

static struct counted_cell *cell_at(struct counted_list *l, const struct place *place) {
  struct counted_cell *cell = table_find(&l->table, place->hash, has_key, place);
  if (cell != NULL)
    return cell;
  cell = xmalloc(sizeof *cell + place->len);
  *cell =
      (struct counted_cell){.number = (uint32_t) l->table.len, .key_len = (uint32_t) place->len};
  memcpy(cell->key, place->key, place->len);
  table_insert(&l->table, place->hash, cell);
  buf_append(&l->cells, &cell, sizeof cell);
  return cell;
}

/* Into each list's place. */
static void find_places(struct counted *c, const struct record *r, const struct buf *text) {
  const struct schema *schema = c->schema;
  int64_t second = floor_to(r->v[schema->time].i, 1000000) / 1000000;
  c->latest = second > c->latest ? second : c->latest;
  c->keys.len = 0;
  for (struct counted_list *l = c->lists; l < c->lists + c->nlists; l++) {
    const struct rollup_set *set = &schema->sets[l->set];
    size_t from = c->keys.len;
    key_put_cell(&c->keys, l->set, l->tier, floor_to(second, tier_seconds[l->tier]));
    for (size_t i = 0; i < set->nby; i++)
      key_put_value(&c->keys, &schema->columns[set->by[i]], r->v[set->by[i]], text);
    l->place.len = c->keys.len - from;
  }
  const char *key = c->keys.data;
  for (struct counted_list *l = c->lists; l < c->lists + c->nlists; key += l->place.len, l++) {
    l->place.key = key;
    l->place.hash = hash_quickly(key, l->place.len);
  }
}

/* The cells of a record stand in no order: they are fetched side by side. */
void counted_add(struct counted *c, const struct record *r, const struct buf *text, int sign) {
  struct counted_list *l, *end = c->lists + c->nlists;
  struct contribution *note = (struct contribution *) buf_reserve(&c->records, c->record_size);
  contribution_of(note, c->schema, ALL_FIGURES, r, text, sign);
  c->records.len += c->record_size;
  c->nrecords++;
  find_places(c, r, text);
  for (l = c->lists; l < end; l++)
    table_touch(&l->table, l->place.hash);
  for (l = c->lists; l < end; l++)
    table_touch_item(&l->table, l->place.hash, sizeof(struct counted_cell));
  for (l = c->lists; l < end; l++) {
    struct counted_cell *cell = cell_at(l, &l->place);
    cell->count++;
    buf_append(&l->numbers, &cell->number, sizeof cell->number);
  }
}

/* Into c->order: the records by their cells, each cell's from where those before it end. */
static uint32_t *sort(struct counted *c, const struct counted_list *l) {
  const uint32_t *numbers = (const uint32_t *) l->numbers.data;
  size_t ncells = l->table.len;
  size_t size = (c->nrecords + ncells) * sizeof(uint32_t);
  c->order.len = 0;
  uint32_t *order = (uint32_t *) buf_reserve(&c->order, size);
  c->order.len = size;
  uint32_t *next = order + c->nrecords, from = 0;
  for (size_t i = 0; i < ncells; from += cells_of(l)[i]->count, i++)
    next[i] = from;
  for (size_t i = 0; i < c->nrecords; i++)
    order[next[numbers[i]]++] = (uint32_t) i;
  return order;
}

static const struct contribution *record_at(const struct counted *c, uint32_t i) {
  return (const struct contribution *) (c->records.data + i * c->record_size);
}

static void add(struct counted *c, const struct contribution *record) {
  tally_add_sums(c->sum, c->schema, record);
  for (size_t i = 0; i < c->schema->nsketches; i++)
    if (record->sketched >> i & 1)
      sketch_count(&c->sketches[i], record->buckets[i], record->sign);
}

static int each_in(struct counted *c, const struct counted_list *l, counted_take *take,
                   void *context) {
  const uint32_t *order = sort(c, l);
  size_t at = 0;
  int rc = 0;
  for (size_t i = 0; i < l->table.len && rc == 0; i++) {
    const struct counted_cell *cell = cells_of(l)[i];
    tally_reset(c->sum, c->schema);
    for (size_t end = at + cell->count; at < end; at++) {
      if (at + AHEAD < c->nrecords)
        mem_touch(record_at(c, order[at + AHEAD]), c->record_size);
      add(c, record_at(c, order[at]));
    }
    for (size_t k = 0; k < c->schema->nsketches; k++)
      sketch_take(&c->sum->sketches[k], &c->sketches[k]);
    rc = take(context, cell, c->sum);
  }
  return rc;
}

int counted_each(struct counted *c, counted_take *take, void *context) {
  int rc = 0;
  for (size_t i = 0; i < c->nlists && rc == 0; i++)
    rc = each_in(c, &c->lists[i], take, context);
  return rc;
}
