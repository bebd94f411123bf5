#ifndef MOONLEDGER_STORE_PLAN_H
#define MOONLEDGER_STORE_PLAN_H

#include "store/storage.h"

/* From where a question is answered: the cells of one set for whole days, hours and minutes of the window,
 * rows for the ragged ends or, where no set covers it, for all. */

struct span {
  int64_t from, to; /* unix microseconds, to excluded; INT64_MIN and INT64_MAX: open */
};

struct cell_span {
  enum tier tier;
  struct span span;
};

struct plan {
  const struct rollup_set *set; /* NULL: rows only */
  struct cell_span cells[2 * TIERS - 1];
  size_t ncells;
  struct span rows[2];
  size_t nrows;
};

/* The part of where about the time column as a window.  false: it is not one (in, !=, ..). */
bool plan_window(const struct conditions *where, const struct schema *schema, struct span *window);

/* For buckets of question->used_every_s.  columns: those of the conditions besides the window.  usable:
 * sets that can answer.  Both bit per item. */
void plan_question(struct plan *plan, const struct schema *schema, const struct question *question, uint64_t columns,
                   uint32_t usable, struct span window);

bool span_has(const struct span *spans, size_t n, int64_t time);

#endif
