#include "store/file/sketch_sql.h"

#include <stdlib.h>

bool sketch_merge_column(struct sketch *into, sqlite3_stmt *stmt, int column, int sign) {
  const void *packed = sqlite3_column_blob(stmt, column);
  size_t len = (size_t) sqlite3_column_bytes(stmt, column);
  return len == 0 || sketch_merge_packed(into, packed, len, sign);
}

static void merge_argument(sqlite3_context *context, struct sketch *into, sqlite3_value *value) {
  const void *data = sqlite3_value_blob(value);
  if (data != NULL && sqlite3_value_bytes(value) > 0 &&
      !sketch_merge_packed(into, data, (size_t) sqlite3_value_bytes(value), 1))
    sqlite3_result_error(context, "this is not a sketch", -1);
}

static void merge_step(sqlite3_context *context, int n, sqlite3_value **values) {
  (void) n;
  struct sketch *sum = sqlite3_aggregate_context(context, sizeof *sum);
  if (sum != NULL)
    merge_argument(context, sum, values[0]);
}

static void merge_final(sqlite3_context *context) {
  struct sketch *sum = sqlite3_aggregate_context(context, 0);
  struct buf packed = {0};
  if (sum == NULL)
    return;
  sketch_pack(sum, &packed);
  sqlite3_result_blob(context, packed.data, (int) packed.len, free);
  sketch_clear(sum);
}

static void quantile(sqlite3_context *context, int n, sqlite3_value **values) {
  (void) n;
  struct sketch s = {0};
  double q = sqlite3_value_double(values[1]);
  if (sqlite3_value_type(values[0]) == SQLITE_NULL)
    return;
  if (q < 0 || q > 1)
    sqlite3_result_error(context, "a quantile is between 0 and 1", -1);
  else {
    sqlite3_result_double(context, 0);
    merge_argument(context, &s, values[0]);
    if (sketch_total(&s) > 0)
      sqlite3_result_double(context, sketch_quantile(&s, q));
  }
  sketch_clear(&s);
}

int sketch_sql_register(sqlite3 *db) {
  const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
  int rc = sqlite3_create_function_v2(db, "sketch_merge", 1, flags, NULL, NULL, merge_step,
                                      merge_final, NULL);
  if (rc != SQLITE_OK)
    return rc;
  return sqlite3_create_function_v2(db, "sketch_quantile", 2, flags, NULL, quantile, NULL, NULL,
                                    NULL);
}
