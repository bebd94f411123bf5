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

/* width.c.  Opens sides of the window beyond which there are no rows; and chooses the width of a
 * question's buckets (max_points).  SQLite's codes. */
int aggregate_open_sides(struct aggregate *a);
int aggregate_choose_width(struct aggregate *a, struct question *question,
                           const struct plan *plan);

#endif
