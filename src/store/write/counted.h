#ifndef MOONLEDGER_STORE_WRITE_COUNTED_H
#define MOONLEDGER_STORE_WRITE_COUNTED_H

#include "base/buf.h"
#include "store/file/tally.h"

/* What records add to cells, until it is spread to them.  Each record is noted once, and in every
 * list the number of its cell there: adding it up for all of them as it comes would touch, and
 * make, thousands of tallies in no order. */
struct counted_cell {
  uint32_t number; /* in its list */
  uint32_t count;  /* of records */
  uint32_t key_len;
  char key[];
};

struct counted {
  const struct schema *schema;
  size_t nlists, nrecords, record_size;
  struct buf records; /* struct contribution, as far as the schema has measures */
  struct counted_list *lists;
  struct buf order;   /* of the records of a list, by cell */
  struct tally *sum;
  struct sketch_counts *sketches; /* of the sum, before it has them */
};

void counted_init(struct counted *c, const struct schema *schema, size_t nlists);
void counted_clear(struct counted *c);
void counted_empty(struct counted *c); /* keeps the room for as many again */

void counted_add(struct counted *c, const struct contribution *contribution); /* a record .. */
void counted_under(struct counted *c, size_t list, const char *key,
                   size_t len); /* .. which is in the cell of this key, once in each list */

/* Calls take with each cell of a list and what its records add up to, until it answers something
 * else than 0, and answers that. */
typedef int counted_take(void *context, const struct counted_cell *cell, const struct tally *sum);
int counted_each(struct counted *c, size_t list, counted_take *take, void *context);

#endif
