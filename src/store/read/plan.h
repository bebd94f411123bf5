#ifndef MOONLEDGER_STORE_READ_PLAN_H
#define MOONLEDGER_STORE_READ_PLAN_H

#include "store/file/coverage.h"
#include "store/storage.h"

/* What a question is answered from: the cells of one set for days, hours and
 * minutes, and rows for the ragged ends or, where no set covers the question, for
 * all.  Take a cell that overshoots, and subtract the excess, if that costs less
 * than reading the gap.  Where rows or narrow cells have gone (coverage.h), the ends
 * of the window move outwards to whole cells of what is left, or to where that
 * begins. */

struct span {
  int64_t from, to; /* unix microseconds, to excluded; INT64_MIN and INT64_MAX: open */
};

struct cell_span {
  enum tier tier;
  struct span span;
  int sign;
};

struct row_span {
  struct span span;
  int sign;
};

enum { PLAN_ROW_SPANS = 4 }; /* older than cells, two ends, and one of a count's */

struct plan {
  const struct rollup_set *set; /* NULL: rows only */
  struct cell_span cells[2 * TIERS - 1];
  size_t ncells;
  struct row_span rows[PLAN_ROW_SPANS];
  size_t nrows;
  struct span window; /* that it answers: the one asked for, .. */
  bool snapped;       /* .. or not quite */
  bool inexact;       /* so, or cells are older than a measure that is asked for */
};

/* The part of where about the time column as a window.  false: it is not one (in,
 * !=, ..). */
bool plan_window(const struct conditions *where, const struct schema *schema, struct span *window);

/* For the buckets of question (used_every_s, bounds).  columns: those of the conditions besides the
 * window.  usable: sets that can answer.  Both bit per item. */
void plan_question(struct plan *plan, const struct schema *schema, const struct coverage *coverage,
                   const struct question *question, uint64_t columns, uint32_t usable,
                   struct span window);

/* What rows that the cells hold count for: 1, -1, or 0 where no span of rows has
 * this time. */
int plan_row_sign(const struct plan *plan, int64_t time);

#endif
