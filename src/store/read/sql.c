#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/cold/rows_table.h"
#include "store/file/database.h"
#include "store/read/reader.h"
#include "store/read/result.h"

/* Other people's SQL: one statement that reads rows and rollups, on a connection of
 * its own. */

enum { ANSWER_BYTES = 32 << 20 };

static bool is_open(const char *table) {
  static const char *const open[] = {"rows",  "journal",    "kept",
                                     "parts", "part_masks", "sqlite_master"};
  for (size_t i = 0; i < sizeof open / sizeof *open; i++)
    if (sqlite3_stricmp(table, open[i]) == 0)
      return true;
  return sqlite3_strnicmp(table, "rollup_", 7) == 0;
}

/* Of what has no column read SQLite tells the name alone, which may be one that the statement has
 * made itself: WITH t AS .. SELECT count(*) FROM t. */
static bool is_own(sqlite3 *db, const char *table, const char *column) {
  return *column == '\0' && sqlite3_table_column_metadata(db, NULL, table, NULL, NULL, NULL, NULL,
                                                          NULL, NULL) != SQLITE_OK;
}

static int on_authorize(void *db, int action, const char *first, const char *second,
                        const char *database, const char *trigger) {
  (void) database, (void) trigger;
  switch (action) {
  case SQLITE_SELECT:
  case SQLITE_RECURSIVE:
    return SQLITE_OK;
  case SQLITE_READ:
    return is_open(first) || is_own(db, first, second) ? SQLITE_OK : SQLITE_DENY;
  case SQLITE_FUNCTION:
    return sqlite3_stricmp(second, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
  default:
    return SQLITE_DENY;
  }
}

static void confine_connection(sqlite3 *db) {
  static const int limits[][2] = {
    {SQLITE_LIMIT_SQL_LENGTH, 64 << 10}, {SQLITE_LIMIT_LENGTH, 16 << 20},
    {SQLITE_LIMIT_EXPR_DEPTH, 100},      {SQLITE_LIMIT_COMPOUND_SELECT, 50},
    {SQLITE_LIMIT_ATTACHED, 0},          {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 100},
  };
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
    sqlite3_limit(db, limits[i][0], limits[i][1]);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_set_authorizer(db, on_authorize, db);
}

static int refuse_sql(struct query *q, const char *why) {
  snprintf(q->error, sizeof q->error, "%s", why);
  return SQLITE_ERROR;
}

static int prepare_only_statement(sqlite3 *db, struct query *q, sqlite3_stmt **stmt) {
  sqlite3_stmt *second = NULL;
  const char *tail;
  int rc = sqlite3_prepare_v2(db, q->sql.data, (int) q->sql.len, stmt, &tail);
  if (rc != SQLITE_OK)
    return refuse_sql(q, sqlite3_errmsg(db));
  if (*stmt == NULL)
    return refuse_sql(q, "there is no statement");
  if (!sqlite3_stmt_readonly(*stmt))
    return refuse_sql(q, "only statements that read are allowed");
  rc = sqlite3_prepare_v2(db, tail, (int) (q->sql.data + q->sql.len - tail), &second, NULL);
  sqlite3_finalize(second);
  return rc == SQLITE_OK && second == NULL ? SQLITE_OK : refuse_sql(q, "one statement at a time");
}

static void bind_values(sqlite3_stmt *stmt, const struct result *bound) {
  const struct result_value *values = (const struct result_value *) bound->values.data;
  for (size_t i = 0; i < bound->ncolumns; i++) {
    union value v = values[i].value;
    int index = (int) i + 1;
    switch (values[i].type) {
    case RESULT_NULL: sqlite3_bind_null(stmt, index); break;
    case RESULT_REAL: sqlite3_bind_double(stmt, index, v.f); break;
    case RESULT_TEXT:
      sqlite3_bind_text(stmt, index, v.s.len > 0 ? bound->text.data + v.s.offset : "",
                        (int) v.s.len, SQLITE_STATIC);
      break;
    default: sqlite3_bind_int64(stmt, index, v.i);
    }
  }
}

static void put_column(struct result *rows, sqlite3_stmt *stmt, int i) {
  switch (sqlite3_column_type(stmt, i)) {
  case SQLITE_NULL: result_put(rows, (struct result_value){.type = RESULT_NULL}); break;
  case SQLITE_INTEGER:
    result_put(rows, (struct result_value){RESULT_INTEGER, {.i = sqlite3_column_int64(stmt, i)}});
    break;
  case SQLITE_FLOAT:
    result_put(rows, (struct result_value){RESULT_REAL, {.f = sqlite3_column_double(stmt, i)}});
    break;
  default: {
    const char *s = sqlite3_column_blob(stmt, i);
    result_put_text(rows, s, (size_t) sqlite3_column_bytes(stmt, i));
  }
  }
}

static int take_rows(struct query *q, sqlite3_stmt *stmt, uint32_t max_rows) {
  struct result *rows = &q->rows;
  int rc, columns = sqlite3_column_count(stmt);
  for (int i = 0; i < columns; i++)
    result_name(rows, sqlite3_column_name(stmt, i));
  while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    if (rows->nrows == max_rows || rows->text.len + rows->values.len > ANSWER_BYTES) {
      q->truncated = true;
      return SQLITE_OK;
    }
    for (int i = 0; i < columns; i++)
      put_column(rows, stmt, i);
    rows->nrows++;
  }
  if (rc != SQLITE_DONE && rc != SQLITE_INTERRUPT)
    return refuse_sql(q, sqlite3_errmsg(sqlite3_db_handle(stmt)));
  return rc;
}

static void end_transaction(sqlite3 *db) {
  sqlite3_set_authorizer(db, NULL, NULL);
  if (!sqlite3_get_autocommit(db))
    database_exec(db, "ROLLBACK");
}

static int begin_transaction(sqlite3 *db, struct view *view) {
  int rc = database_exec(db, "BEGIN");
  return rc == SQLITE_OK ? view_refresh(view, db) : rc;
}

/* With closed days `rows` is a table of both. */
static int prepare_connection(sqlite3 *db, struct view *view) {
  int rc = begin_transaction(db, view);
  if (rc == SQLITE_OK && view_parts(view) > 0 && !rows_table_connect(db)) {
    end_transaction(db);
    rc = rows_table_make(db, view);
    if (rc == SQLITE_OK)
      rc = begin_transaction(db, view);
  }
  confine_connection(db);
  return rc;
}

int query_sql(struct reader *r, struct query *q) {
  sqlite3 *db;
  struct view *view;
  sqlite3_stmt *stmt = NULL;
  int rc = reader_sql_database(r, &db, &view);
  if (rc != SQLITE_OK)
    return rc;
  rc = prepare_connection(db, view);
  if (rc == SQLITE_OK)
    rc = prepare_only_statement(db, q, &stmt);
  if (rc == SQLITE_OK && (int) q->bound.ncolumns != sqlite3_bind_parameter_count(stmt))
    rc = refuse_sql(q, "as many values are needed as the statement has parameters");
  if (rc == SQLITE_OK) {
    bind_values(stmt, &q->bound);
    rc = take_rows(q, stmt, reader_options(r)->sql_max_rows);
  }
  sqlite3_finalize(stmt);
  end_transaction(db);
  return rc;
}
