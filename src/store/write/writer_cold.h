#ifndef MOONLEDGER_STORE_WRITE_WRITER_COLD_H
#define MOONLEDGER_STORE_WRITE_WRITER_COLD_H

#include "store/cold/manifest.h"

/* What the sealer (seal/sealer.h) has the writer do, as chores: each is a transaction of its own.
 * SQLite's codes. */
struct part_order {
  struct part part;      /* in: day; out: number, file, upto.  Then in: what was written */
  const int64_t *joined; /* parts that this one replaces; rows of the table are not touched */
  size_t njoined;
  bool done; /* out: no rows are left to take */
};

struct writer;

/* Begins one: its rows are those of the day up to upto, and what changes of them from now on is
 * masked.  SQLITE_BUSY: not now. */
int writer_part_begin(struct writer *w, void *order);

/* Its file is on the disk; or it has no rows, where parts are joined of which all are void.
 * SQLITE_DONE: the rows went meanwhile (a reset), and it was dropped. */
int writer_part_live(struct writer *w, void *order);

/* Deletes rows that the part has, for 20 ms with its commit. */
int writer_part_take(struct writer *w, void *order);

int writer_part_drop(struct writer *w, void *order);   /* nothing comes of it; or of what it was */
int writer_part_forget(struct writer *w, void *order); /* its file is gone */

/* Within the writer; SQLite's codes */

/* At start. */
int writer_cold_open(struct writer *w);

/* As rows_get, of a row that is in a part. */
int writer_cold_get(struct writer *w, int64_t row);

/* Within the transaction: the row of w->page has changed and goes into the table. */
int writer_cold_changed(struct writer *w, int64_t row);

/* Within the transaction: the row of w->page stands in the table again, and gets what its part has
 * beyond the schema. */
int writer_cold_put_back(struct writer *w, int64_t row);

#endif
