#ifndef MOONLEDGER_STORE_FILE_SKETCH_SQL_H
#define MOONLEDGER_STORE_FILE_SKETCH_SQL_H

#include <sqlite3.h>
#include <stdbool.h>

#include "record/sketch.h"

/* Sketches in SQL: sketch_merge(sketch), an aggregate, and sketch_quantile(sketch, q), as in SELECT
 * model, sketch_quantile(sketch_merge(duration_ms_sketch), 0.95) FROM rollup_model WHERE tier = 2
 * GROUP BY model. */
/* Adds the packed sketch of a result's column to into, or with sign -1 takes it away; no bytes are
 * a sketch of nothing. false: it is no sketch. */
bool sketch_merge_column(struct sketch *into, sqlite3_stmt *stmt, int column, int sign);

int sketch_sql_register(sqlite3 *db);

#endif
