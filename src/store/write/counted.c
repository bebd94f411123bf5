#include "store/write/counted.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"

struct counted_list {
  struct table table; /* of struct counted_cell */
  struct buf cells;   /* the same by number */
  struct buf numbers; /* uint32_t for each record */
};

enum { AHEAD = 8 }; /* records that come into the cache while others are added */

void counted_init(struct counted *c, const struct schema *schema, size_t nlists) {
  *c = (struct counted){.schema = schema, .nlists = nlists};
  c->record_size = offsetof(struct contribution, values) +
                   schema->nmeasures * sizeof((struct contribution *) 0)->values[0];
  c->lists = xcalloc(nlists + 1, sizeof *c->lists);
  c->sum = tally_new(schema, NULL, 0);
  c->sketches = xcalloc(schema->nsketches + 1, sizeof *c->sketches);
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
}

void counted_clear(struct counted *c) {
  counted_empty(c);
  for (size_t i = 0; i < c->nlists; i++) {
    table_clear(&c->lists[i].table);
    buf_clear(&c->lists[i].cells);
    buf_clear(&c->lists[i].numbers);
  }
  free(c->lists);
  buf_clear(&c->records);
  buf_clear(&c->order);
  tally_free(c->sum, c->schema);
  free(c->sketches);
}

void counted_add(struct counted *c, const struct contribution *contribution) {
  buf_append(&c->records, contribution, c->record_size);
  c->nrecords++;
}

struct wanted {
  const char *key;
  size_t len;
};

static bool has_key(const void *item, const void *key) {
  const struct counted_cell *cell = item;
  const struct wanted *wanted = key;
  return cell->key_len == wanted->len && memcmp(cell->key, wanted->key, wanted->len) == 0;
}

void counted_under(struct counted *c, size_t list, const char *key, size_t len) {
  struct counted_list *l = &c->lists[list];
  uint64_t hash = hash_quickly(key, len);
  struct counted_cell *cell = table_find(&l->table, hash, has_key, &(struct wanted){key, len});
  if (cell == NULL) {
    cell = xmalloc(sizeof *cell + len);
    *cell = (struct counted_cell){.number = (uint32_t) l->table.len, .key_len = (uint32_t) len};
    memcpy(cell->key, key, len);
    table_insert(&l->table, hash, cell);
    buf_append(&l->cells, &cell, sizeof cell);
  }
  cell->count++;
  buf_append(&l->numbers, &cell->number, sizeof cell->number);
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

int counted_each(struct counted *c, size_t list, counted_take *take, void *context) {
  const struct counted_list *l = &c->lists[list];
  const uint32_t *order = sort(c, l);
  size_t at = 0;
  int rc = 0;
  for (size_t i = 0; i < l->table.len && rc == 0; i++) {
    const struct counted_cell *cell = cells_of(l)[i];
    tally_reset(c->sum, c->schema);
    for (size_t end = at + cell->count; at < end; at++) {
      if (at + AHEAD < c->nrecords)
        __builtin_prefetch(record_at(c, order[at + AHEAD]));
      add(c, record_at(c, order[at]));
    }
    for (size_t k = 0; k < c->schema->nsketches; k++)
      sketch_take(&c->sum->sketches[k], &c->sketches[k]);
    rc = take(context, cell, c->sum);
  }
  return rc;
}
