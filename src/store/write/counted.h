#ifndef MOONLEDGER_STORE_WRITE_COUNTED_H
#define MOONLEDGER_STORE_WRITE_COUNTED_H

#include "record/record.h"
#include "store/file/tally.h"

/* Collects what records add to cells: each record once, and in every list the number of its cell
 * there.  Cells are summed up at a flush, because random access for each record is slow. */
struct counted_cell {
  uint32_t number; /* in its list */
  uint32_t count;  /* of records */
  uint32_t key_len;
  char key[]; /* key_put_cell, then the by columns of the set */
};

struct counted {
  const struct schema *schema;
  size_t nlists, nrecords, record_size;
  int64_t latest; /* second of a record */
  struct counted_list *lists;
  struct buf keys;    /* of the record that is being added */
  struct buf records; /* struct contribution, as far as the schema has measures */
  struct buf order;   /* of the records of a list, by cell */
  struct tally *sum;
  struct sketch_counts *sketches; /* of the sum, before it has them */
};

void counted_init(struct counted *c, const struct schema *schema);
void counted_clear(struct counted *c);
void counted_empty(struct counted *c); /* keeps the room for as many again */

/* A list of the cells of a set, in one tier.  Before the first record. */
void counted_add_list(struct counted *c, size_t set, enum tier tier);

/* Counts r in, or with sign -1 out again. */
void counted_add(struct counted *c, const struct record *r, const struct buf *text, int sign);

/* Calls take with each cell of each list and what its records add up to, until it answers something
 * else than 0, and answers that. */
typedef int counted_take(void *context, const struct counted_cell *cell, const struct tally *sum);
int counted_each(struct counted *c, counted_take *take, void *context);

#endif
