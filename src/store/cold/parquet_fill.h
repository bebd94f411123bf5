#ifndef MOONLEDGER_STORE_COLD_PARQUET_FILL_H
#define MOONLEDGER_STORE_COLD_PARQUET_FILL_H

#include <assert.h>

#include "store/cold/parquet_pack.h"

/* The values of a column in the group that is being filled.  Private to parquet_*.c. */

/* Different values, found by their hash. */
struct fill_slots {
  uint32_t *slots; /* number of an entry + 1; 0: free */
  size_t mask;     /* their count - 1; a power of two */
};

struct parquet_fill {
  enum parquet_type type;
  bool optional;
  size_t rows;
  uint8_t *present; /* of an optional column: a byte a row */

  int64_t *numbers; /* a row each: integers, times, booleans, the bits of doubles; 0 of a null */

  /* Of texts: an entry for each row.  While they are looked up they are all different, and make a
   * dictionary; once too many are, each row has one of its own. */
  uint32_t *codes;
  bool is_dictionary;
  size_t entries;
  uint32_t *starts; /* of an entry in text, and of the next one */
  struct buf text;
  struct fill_slots slots;
  size_t text_bytes; /* of all rows */
};

void parquet_fill_init(struct parquet_fill *fill, const struct parquet_column *column);
void parquet_fill_clear(struct parquet_fill *fill);
void parquet_fill_reset(struct parquet_fill *fill); /* no rows */

void parquet_fill_text(struct parquet_fill *fill, const char *data, size_t len);
void parquet_fill_null(struct parquet_fill *fill);

static inline void parquet_fill_number(struct parquet_fill *fill, int64_t value) {
  assert(fill->rows < PARQUET_GROUP_ROWS);
  if (fill->present != NULL)
    fill->present[fill->rows] = 1;
  fill->numbers[fill->rows++] = value;
}

static inline struct parquet_text parquet_fill_entry(const struct parquet_fill *fill,
                                                     size_t entry) {
  uint32_t start = fill->starts[entry];
  return (struct parquet_text){fill->text.data + start, fill->starts[entry + 1] - start};
}

/* The different ones of many numbers, and which of them each is. */
struct parquet_distinct {
  int64_t *values; /* room for PARQUET_GROUP_ROWS, as codes has */
  size_t count;
  uint32_t *codes;
  struct fill_slots slots;
};

void parquet_distinct_init(struct parquet_distinct *d);
void parquet_distinct_clear(struct parquet_distinct *d);

/* false when there are more than most, or nearly all of the first are different. */
bool parquet_distinct_find(struct parquet_distinct *d, const int64_t *numbers, size_t count,
                           size_t most);

#endif
