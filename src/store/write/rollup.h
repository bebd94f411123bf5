#ifndef MOONLEDGER_STORE_WRITE_ROLLUP_H
#define MOONLEDGER_STORE_WRITE_ROLLUP_H

#include <sqlite3.h>

#include "record/record.h"

/* Rollup cells, kept by the writer in the same transaction as the rows.  A record is counted once, into a
 * cell of a widest set (a root); at flush the narrower sets and wider tiers follow from those. */
struct rollups;

static const int64_t tier_seconds[TIERS] = {[TIER_MINUTE] = 60, [TIER_HOUR] = 3600, [TIER_DAY] = 86400};

static inline int64_t floor_to(int64_t n, int64_t width) {
  int64_t rest = n % width;
  return n - (rest < 0 ? rest + width : rest);
}

/* Makes the tables that the schema's sets lack, and those whose layout has changed anew and empty: they
 * are then named in meta as being rebuilt.  Within the caller's transaction; SQLite's codes. */
int rollup_create_tables(sqlite3 *db, const struct schema *schema);

/* The keeper of the sets in mask (bit per set). */
struct rollups *rollups_new(sqlite3 *db, const struct schema *schema, uint32_t mask);
void rollups_free(struct rollups *rollups);

/* Counts r in, or with sign -1 out again. */
void rollups_add(struct rollups *rollups, const struct record *r, const struct buf *text, int sign);

/* Writes what has changed.  SQLite's codes. */
int rollups_flush(struct rollups *rollups);

/* After a rollback, or when the tables were emptied: what is in memory is no longer what the file holds. */
void rollups_forget(struct rollups *rollups);

int rollups_delete_all(struct rollups *rollups);

/* Sets that are being rebuilt from the rows, bit per set.  Meanwhile meta "rebuilt" is the last row done,
 * "rebuild_upto" the last one to do; rows after that were counted as they came. */
uint32_t rollups_rebuilding(sqlite3 *db, const struct schema *schema);
int rollups_rebuilt(sqlite3 *db);

#endif
