#ifndef MOONLEDGER_STORE_WRITE_ROLLUP_H
#define MOONLEDGER_STORE_WRITE_ROLLUP_H

#include <sqlite3.h>

#include "record/record.h"

/* Rollup cells, kept by the writer: of each record is noted what it counts, and in which cells of
 * the widest sets (roots).  rollups_flush makes the cells of narrower sets and wider tiers from
 * those and writes them all, in one transaction for many of the rows' (writer_cells.c). */
struct rollups;

/* The keeper of the sets in mask (bit per set). */
struct rollups *rollups_new(sqlite3 *db, const struct schema *schema, uint32_t mask);
void rollups_free(struct rollups *rollups);

/* Counts r in, or with sign -1 out again. */
void rollups_add(struct rollups *rollups, const struct record *r, const struct buf *text, int sign);

/* Writes what has changed, within the caller's transaction.  SQLite's codes. */
int rollups_flush(struct rollups *rollups);

/* After a rollback, or when the tables were emptied: what is in memory is no longer
 * what the file holds. */
void rollups_forget(struct rollups *rollups);

#endif
