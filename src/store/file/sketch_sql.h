#ifndef MOONLEDGER_STORE_FILE_SKETCH_SQL_H
#define MOONLEDGER_STORE_FILE_SKETCH_SQL_H

#include <sqlite3.h>

/* Sketches in SQL: sketch_merge(sketch), an aggregate, and sketch_quantile(sketch,
 * q), as in SELECT model, sketch_quantile(sketch_merge(sketch), 0.95) FROM
 * rollup_model WHERE tier = 2 GROUP BY model. */
int sketch_sql_register(sqlite3 *db);

#endif
