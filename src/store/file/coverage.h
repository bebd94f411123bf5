#ifndef MOONLEDGER_STORE_FILE_COVERAGE_H
#define MOONLEDGER_STORE_FILE_COVERAGE_H

#include <sqlite3.h>

#include "record/schema.h"

/* Since when what the file holds is complete.  Retention takes rows and cells, and what was
 * declared after rows had gone could be counted in those that were left alone.  Kept in meta as
 * since:rows, since:minute, since:hour, since:day, since:set:NAME:TIER, since:measure:NAME and
 * since:sketch:NAME; none: ever since the file was made. */

#define COVERS_EVER INT64_MIN

struct coverage { /* unix seconds; INT64_MIN: ever */
  int64_t rows, tiers[TIERS]; /* before these they have gone, all or some */
  int64_t sets[SCHEMA_MAX_SETS][TIERS];
  int64_t measures[SCHEMA_MAX_MEASURES], sketches[SCHEMA_MAX_SKETCHES];
};

/* From here on cells can be made of rows: the first whole day.  COVERS_EVER: all can. */
static inline int64_t coverage_remade(const struct coverage *coverage) {
  return coverage->rows == COVERS_EVER ? COVERS_EVER : (coverage->rows + 86399) / 86400 * 86400;
}

extern const char *const tier_names[TIERS];

/* Rows go by the day, so that passes are few and days are whole; short ages by what suits them.
 * Cells go by the day. */
static inline int64_t retention_unit(int64_t age_s) {
  return age_s >= 2 * 86400 ? 86400 : age_s >= 2 * 3600 ? 3600 : 60;
}

/* The rest are SQLite's codes.  coverage_sql selects what coverage_take reads, to its end. */
extern const char coverage_sql[];
int coverage_take(sqlite3_stmt *stmt, const struct schema *schema, struct coverage *coverage);
int coverage_read(sqlite3 *db, const struct schema *schema, struct coverage *coverage);

/* Within the caller's transaction: what is "rows", a tier's name, "measure:NAME", .. */
int coverage_set(sqlite3 *db, const char *what, int64_t since);
int coverage_forget(sqlite3 *db); /* nothing has gone from an empty file */

#endif
