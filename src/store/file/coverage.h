#ifndef MOONLEDGER_STORE_FILE_COVERAGE_H
#define MOONLEDGER_STORE_FILE_COVERAGE_H

#include <sqlite3.h>

#include "record/schema.h"

/* Since when what the file holds is complete.  Retention takes rows and cells, and what was
 * declared after rows had gone could be counted in those that were left alone.  Kept in meta as
 * since:rows, since:minute, since:hour, since:day, since:set:NAME, since:measure:NAME and
 * since:sketch:NAME; none: ever since the file was made. */

#define COVERS_EVER INT64_MIN

struct coverage { /* unix seconds; INT64_MIN: ever */
  int64_t rows, tiers[TIERS]; /* before these they have gone, all or some */
  int64_t sets[SCHEMA_MAX_SETS], measures[SCHEMA_MAX_MEASURES], sketches[SCHEMA_MAX_SKETCHES];
};

extern const char *const tier_names[TIERS];

/* The rest are SQLite's codes.  coverage_sql selects what coverage_take reads, to its end. */
extern const char coverage_sql[];
int coverage_take(sqlite3_stmt *stmt, const struct schema *schema, struct coverage *coverage);
int coverage_read(sqlite3 *db, const struct schema *schema, struct coverage *coverage);

/* Within the caller's transaction: what is "rows", a tier's name, "set:NAME", .. */
int coverage_set(sqlite3 *db, const char *what, int64_t since);
int coverage_forget(sqlite3 *db); /* nothing has gone from an empty file */

#endif
