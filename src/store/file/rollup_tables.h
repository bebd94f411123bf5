#ifndef MOONLEDGER_STORE_FILE_ROLLUP_TABLES_H
#define MOONLEDGER_STORE_FILE_ROLLUP_TABLES_H

#include <sqlite3.h>

#include "record/schema.h"

/* The tables of the rollup sets, which the writer fills (write/rollup.h) and
 * readers add up (read/plan.h). */

static const int64_t tier_seconds[TIERS] = {
    [TIER_MINUTE] = 60, [TIER_HOUR] = 3600, [TIER_DAY] = 86400};

static inline int64_t floor_to(int64_t n, int64_t width) {
  int64_t rest = n % width;
  return n - (rest < 0 ? rest + width : rest);
}

/* Makes the tables that the schema's sets lack, and those whose layout has changed anew
 * and empty, but for what rows no longer hold (coverage.h): they are then named in meta as
 * being rebuilt.  Within the caller's transaction; SQLite's codes. */
int rollup_tables_create(sqlite3 *db, const struct schema *schema);

/* Deletes the cells of the sets in mask (bit per set).  SQLite's codes. */
int rollup_tables_empty(sqlite3 *db, const struct schema *schema, uint32_t mask);

/* Sets that are being rebuilt from the rows, bit per set.  Meanwhile meta "rebuilt"
 * is the last row done, "rebuild_upto" the last one to do; rows after that were
 * counted as they came. */
uint32_t rollup_tables_rebuilding(sqlite3 *db, const struct schema *schema);
/* Those, and the ones that the file has not or of another layout. */
uint32_t rollup_tables_unusable(sqlite3 *db, const struct schema *schema);
int rollup_tables_rebuilt(sqlite3 *db); /* they all are; SQLite's codes */

#endif
