#ifndef MOONLEDGER_STORE_READ_AGGREGATE_STATE_H
#define MOONLEDGER_STORE_READ_AGGREGATE_STATE_H

#include "store/file/tally.h"
#include "store/read/plan.h"
#include "store/read/reader.h"

/* What aggregate.c and width.c share: the questions of one query on their way to their results. */

/* One question on its way to its result. */
struct planned {
  struct question *question;
  struct plan plan;
  uint32_t usable; /* sets that can answer it, bit per set */
  bool misses;     /* what it asks for may stand under SCHEMA_OTHER: the set cannot answer it */
  struct tallies groups;
};

struct aggregate {
  struct reader *reader;
  const struct schema *schema;
  const struct conditions *where;
  struct conditions others; /* where without the window */
  int time; /* the column that the window stands for in SQL's conditions; -1: there is no window */
  struct span window, asked; /* without the ends beyond all rows; as it was asked for */
  struct coverage coverage;
  bool of_rows;              /* what has gone as rows does not count */
  struct figures wanted;     /* of any question */
  int64_t rolled_up_to;      /* later rows are in no cell yet */
  struct planned *planned;
  size_t nplanned;
  struct buf key;
  const char *error;
};

/* Since when rows are whole, in microseconds. */
static inline int64_t rows_reach(const struct aggregate *a) {
  return a->coverage.rows == COVERS_EVER ? INT64_MIN : a->coverage.rows * 1000000;
}

/* aggregate.c.  The group of a->key; NULL: there are too many, says a->error. */
struct tally *aggregate_group(struct aggregate *a, struct planned *p);

/* The bucket that a second is in, 0 where there are none; and makes it the key. */
int64_t aggregate_bucket_of(const struct planned *p, int64_t second);
void aggregate_bucket(struct aggregate *a, const struct planned *p, int64_t second);

/* Adds a row to the questions that it counts for.  SQLite's codes, as what follows. */
int aggregate_row(struct aggregate *a, const struct record *r, const struct buf *text, bool tail);

/* What a row counts for; of rows that cells lack, those of the tail alone. */
int aggregate_sign(const struct aggregate *a, const struct planned *p, int64_t time, int64_t row,
                   bool tail);

/* The columns that questions look at, bit per column. */
uint64_t aggregate_columns(const struct aggregate *a);

/* Rows of the table in the span. */
int aggregate_hot_rows(struct aggregate *a, struct span span);

/* aggregate_parts.c.  The same and those of closed days, with the help of idle readers. */
int aggregate_rows(struct aggregate *a, struct span span);

/* width.c.  Opens sides of the window beyond which there are no rows; and chooses the width of a
 * question's buckets (max_points).  SQLite's codes. */
int aggregate_open_sides(struct aggregate *a);
int aggregate_choose_width(struct aggregate *a, struct question *question,
                           const struct plan *plan);

#endif
