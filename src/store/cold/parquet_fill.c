#include "store/cold/parquet_fill.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"

/* So many values are tried before a column may be found to have no use for a dictionary. */
enum { TRIED = 8192 };

static void slots_init(struct fill_slots *s, size_t count) {
  s->slots = xcalloc(count, sizeof *s->slots);
  s->mask = count - 1;
}

static void slots_empty(struct fill_slots *s) {
  memset(s->slots, 0, (s->mask + 1) * sizeof *s->slots);
}

void parquet_fill_init(struct parquet_fill *fill, const struct parquet_column *column) {
  *fill = (struct parquet_fill){.type = column->type, .optional = column->optional};
  if (column->optional)
    fill->present = xmalloc(PARQUET_GROUP_ROWS);
  if (column->type == PARQUET_TEXT || column->type == PARQUET_BYTES) {
    fill->codes = xmalloc(PARQUET_GROUP_ROWS * sizeof *fill->codes);
    fill->starts = xmalloc((PARQUET_GROUP_ROWS + 1) * sizeof *fill->starts);
    slots_init(&fill->slots, 1024);
    buf_reserve(&fill->text, 1); /* so that empty texts have a place */
  } else {
    fill->numbers = xmalloc(PARQUET_GROUP_ROWS * sizeof *fill->numbers);
  }
  parquet_fill_reset(fill);
}

void parquet_fill_clear(struct parquet_fill *fill) {
  free(fill->present);
  free(fill->numbers);
  free(fill->codes);
  free(fill->starts);
  free(fill->slots.slots);
  buf_clear(&fill->text);
}

void parquet_fill_reset(struct parquet_fill *fill) {
  fill->rows = fill->entries = fill->text_bytes = fill->text.len = 0;
  if (fill->codes == NULL)
    return;
  fill->starts[0] = 0;
  fill->is_dictionary = true;
  slots_empty(&fill->slots);
}

static uint32_t add_entry(struct parquet_fill *fill, const char *data, size_t len) {
  buf_append(&fill->text, data, len);
  fill->starts[++fill->entries] = (uint32_t) fill->text.len;
  return (uint32_t) fill->entries - 1;
}

static void grow_slots(struct parquet_fill *fill) {
  size_t count = (fill->slots.mask + 1) * 4;
  free(fill->slots.slots);
  slots_init(&fill->slots, count);
  for (size_t i = 0; i < fill->entries; i++) {
    struct parquet_text entry = parquet_fill_entry(fill, i);
    size_t at = hash_quickly(entry.data, entry.len) & fill->slots.mask;
    while (fill->slots.slots[at] != 0)
      at = (at + 1) & fill->slots.mask;
    fill->slots.slots[at] = (uint32_t) i + 1;
  }
}

static bool is_entry(const struct parquet_fill *fill, size_t entry, const char *data,
                     size_t len) {
  struct parquet_text found = parquet_fill_entry(fill, entry);
  return found.len == len && (len == 0 || memcmp(found.data, data, len) == 0);
}

static uint32_t find_entry(struct parquet_fill *fill, const char *data, size_t len) {
  if (fill->rows > 0 && fill->entries > 0 && is_entry(fill, fill->codes[fill->rows - 1], data, len))
    return fill->codes[fill->rows - 1];
  size_t at = hash_quickly(data, len) & fill->slots.mask;
  for (; fill->slots.slots[at] != 0; at = (at + 1) & fill->slots.mask)
    if (is_entry(fill, fill->slots.slots[at] - 1, data, len))
      return fill->slots.slots[at] - 1;
  uint32_t entry = add_entry(fill, data, len);
  fill->slots.slots[at] = entry + 1;
  if (fill->entries * 2 > fill->slots.mask)
    grow_slots(fill);
  if (fill->entries > TRIED && fill->entries * 2 > fill->rows)
    fill->is_dictionary = false;
  return entry;
}

void parquet_fill_text(struct parquet_fill *fill, const char *data, size_t len) {
  assert(fill->rows < PARQUET_GROUP_ROWS && fill->codes != NULL);
  uint32_t entry = fill->is_dictionary ? find_entry(fill, data, len)
                                       : add_entry(fill, data, len);
  if (fill->present != NULL)
    fill->present[fill->rows] = 1;
  fill->codes[fill->rows++] = entry;
  fill->text_bytes += len;
}

void parquet_fill_null(struct parquet_fill *fill) {
  assert(fill->optional);
  if (fill->codes != NULL) {
    uint32_t before = fill->rows > 0 ? fill->codes[fill->rows - 1] : 0;
    fill->codes[fill->rows] = before;
  } else {
    fill->numbers[fill->rows] = 0;
  }
  fill->present[fill->rows++] = 0;
}

void parquet_distinct_init(struct parquet_distinct *d) {
  d->values = xmalloc(PARQUET_GROUP_ROWS * sizeof *d->values);
  d->codes = xmalloc(PARQUET_GROUP_ROWS * sizeof *d->codes);
  slots_init(&d->slots, PARQUET_GROUP_ROWS * 2);
}

void parquet_distinct_clear(struct parquet_distinct *d) {
  free(d->values);
  free(d->codes);
  free(d->slots.slots);
}

bool parquet_distinct_find(struct parquet_distinct *d, const int64_t *numbers, size_t count,
                           size_t most) {
  slots_empty(&d->slots);
  d->count = 0;
  for (size_t i = 0; i < count; i++) {
    if (i == TRIED && d->count > TRIED - TRIED / 32)
      return false;
    uint64_t hash = (uint64_t) numbers[i] * UINT64_C(0x9e3779b97f4a7c15);
    size_t at = hash >> 32 & d->slots.mask;
    while (d->slots.slots[at] != 0 && d->values[d->slots.slots[at] - 1] != numbers[i])
      at = (at + 1) & d->slots.mask;
    if (d->slots.slots[at] == 0) {
      if (d->count == most)
        return false;
      d->values[d->count++] = numbers[i];
      d->slots.slots[at] = (uint32_t) d->count;
    }
    d->codes[i] = d->slots.slots[at] - 1;
  }
  return true;
}
