#ifndef MOONLEDGER_STORE_WRITE_RETENTION_SLICES_H
#define MOONLEDGER_STORE_WRITE_RETENTION_SLICES_H

#include <stdbool.h>
#include <stdint.h>

struct writer;

/* The slices of a pass (retention.h): each a transaction or some, ended by the clock.  The writer's
 * thread; SQLite's codes. */

/* *more: there is more to take. */
int slices_parts(struct writer *w, bool *more); /* one, all of whose rows go */
int slices_rows(struct writer *w, bool *more);
int slices_cells(struct writer *w, bool *more); /* of the retainer's set and tier */
int slices_pages(struct writer *w);             /* from its give_back */

/* Rows stay while no cell or no segment of ids has them: whether some are due, and what has them
 * taken next. */
bool slices_rows_left(struct writer *w);
int slices_free_rows(struct writer *w);

/* And what it goes with: an hour, or a part's day.  SQLITE_DONE: there is no row. */
int slices_oldest_row(struct writer *w, int64_t *second, int64_t *unit);

#endif
