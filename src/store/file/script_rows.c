#include "store/file/script_rows.h"

#include <string.h>

#include "store/file/database.h"

/* What script_rows.rows holds: this, then the kind, then the data. */
struct script_row {
  int64_t time_us;
  uint32_t kind_len, data_len;
};

void script_rows_add(struct script_rows *rows, int64_t time_us, const char *kind, size_t kind_len,
                     const char *data, size_t data_len) {
  struct script_row row = {time_us, (uint32_t) kind_len, (uint32_t) data_len};
  buf_append(&rows->rows, &row, sizeof row);
  buf_append(&rows->rows, kind, kind_len);
  buf_append(&rows->rows, data, data_len);
}

void script_rows_clear(struct script_rows *rows) {
  buf_clear(&rows->rows);
}

static const char *next_row(const char *p, struct script_row *row) {
  memcpy(row, p, sizeof *row);
  return p + sizeof *row + row->kind_len + row->data_len;
}

static int insert_all(sqlite3_stmt *insert, const struct script_rows *rows) {
  int rc = SQLITE_OK;
  struct script_row row;
  const char *end = rows->rows.data + rows->rows.len;
  sqlite3_bind_text(insert, 1, rows->topic, -1, SQLITE_STATIC);
  for (const char *p = rows->rows.data, *next; p < end && rc == SQLITE_OK; p = next) {
    next = next_row(p, &row);
    const char *kind = p + sizeof row;
    sqlite3_bind_text(insert, 2, kind, (int) row.kind_len, SQLITE_STATIC);
    sqlite3_bind_int64(insert, 3, row.time_us);
    sqlite3_bind_text(insert, 4, kind + row.kind_len, (int) row.data_len, SQLITE_STATIC);
    rc = statement_run(insert);
  }
  return rc;
}

/* The newest of the topic; 0: none. */
static int read_newest(sqlite3 *db, const char *topic, int64_t *entry) {
  sqlite3_stmt *newest = NULL;
  int rc = sqlite3_prepare_v2(db, "SELECT max(entry) FROM journal WHERE topic = ?", -1, &newest,
                              NULL);
  sqlite3_bind_text(newest, 1, topic, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK && (rc = sqlite3_step(newest)) == SQLITE_ROW) {
    *entry = sqlite3_column_int64(newest, 0);
    rc = SQLITE_OK;
  }
  sqlite3_finalize(newest);
  return rc;
}

static int delete_old(sqlite3 *db, const struct script_rows *rows) {
  sqlite3_stmt *delete = NULL;
  int rc = sqlite3_prepare_v2(db, "DELETE FROM journal WHERE topic = ?1 AND entry <= (SELECT entry "
                                  "FROM journal WHERE topic = ?1 ORDER BY entry DESC LIMIT 1 "
                                  "OFFSET ?2)", -1, &delete, NULL);
  sqlite3_bind_text(delete, 1, rows->topic, -1, SQLITE_STATIC);
  sqlite3_bind_int64(delete, 2, rows->keep);
  if (rc == SQLITE_OK)
    rc = statement_run(delete);
  sqlite3_finalize(delete);
  return rc;
}

/* Whoever deletes walks over all that stay: now and then, so that an append does so for a few. */
static bool is_time_to_delete(int64_t before, int64_t newest, int64_t keep) {
  int64_t step = keep / 16 + 1;
  return before / step != newest / step;
}

static int append_all(sqlite3 *db, const struct script_rows *rows) {
  sqlite3_stmt *insert = NULL;
  int64_t before = 0;
  int rc = read_newest(db, rows->topic, &before);
  if (rc == SQLITE_OK)
    rc = sqlite3_prepare_v2(db,
                            "INSERT INTO journal(topic, kind, time, data) VALUES(?, ?, ?, ?)",
                            -1, &insert, NULL);
  if (rc == SQLITE_OK)
    rc = insert_all(insert, rows);
  if (rc == SQLITE_OK && is_time_to_delete(before, sqlite3_last_insert_rowid(db), rows->keep))
    rc = delete_old(db, rows);
  sqlite3_finalize(insert);
  return rc;
}

/* A row without data takes away what stands under its key. */
static int put_all(sqlite3 *db, const struct script_rows *rows) {
  sqlite3_stmt *put = NULL, *delete = NULL;
  struct script_row row;
  int rc = sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO kept(topic, key, data) VALUES(?, ?, ?)",
                              -1, &put, NULL);
  if (rc == SQLITE_OK)
    rc = sqlite3_prepare_v2(db, "DELETE FROM kept WHERE topic = ? AND key = ?", -1, &delete, NULL);
  const char *end = rows->rows.data + rows->rows.len;
  for (const char *p = rows->rows.data, *next; p < end && rc == SQLITE_OK; p = next) {
    next = next_row(p, &row);
    const char *key = p + sizeof row;
    sqlite3_stmt *statement = row.data_len > 0 ? put : delete;
    sqlite3_bind_text(statement, 1, rows->topic, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, key, (int) row.kind_len, SQLITE_STATIC);
    if (row.data_len > 0)
      sqlite3_bind_text(statement, 3, key + row.kind_len, (int) row.data_len, SQLITE_STATIC);
    rc = statement_run(statement);
  }
  sqlite3_finalize(put);
  sqlite3_finalize(delete);
  return rc;
}

int script_rows_write(sqlite3 *db, const struct script_rows *rows) {
  return rows->keyed ? put_all(db, rows) : append_all(db, rows);
}

int script_rows_delete_all(sqlite3 *db) {
  return database_exec(db, "DELETE FROM journal");
}
