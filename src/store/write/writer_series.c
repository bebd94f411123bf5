#include <string.h>

#include "metrics/metrics.h"
#include "store/file/database.h"
#include "store/write/writer_state.h"

/* Series of records lag behind the rows as the cells do: both go to the file
 * together, and after a crash the rows behind them are counted again.  What has
 * changed is appended to metric_log as one blob; when that table has grown, all
 * series go to metric_series and it is emptied.  The blob: for each series the
 * lengths of key and value, then both. */

enum { MAX_CHANGES_BYTES = 1 << 20 };

struct lengths {
  uint32_t key, value;
};

static int append_change(void *arg, const char *key, size_t key_len, const void *value,
                         size_t len) {
  struct writer *w = arg;
  struct lengths lengths = {(uint32_t) key_len, (uint32_t) len};
  buf_append(&w->series_changes, &lengths, sizeof lengths);
  buf_append(&w->series_changes, key, key_len);
  buf_append(&w->series_changes, value, len);
  return SQLITE_OK;
}

static int save_one(void *arg, const char *key, size_t key_len, const void *value, size_t len) {
  struct writer *w = arg;
  sqlite3_bind_blob(w->save_series, 1, key, (int) key_len, SQLITE_STATIC);
  sqlite3_bind_blob(w->save_series, 2, value, (int) len, SQLITE_STATIC);
  return statement_run(w->save_series);
}

static int save_all(struct writer *w) {
  w->changes_bytes = 0;
  int rc = metrics_each_saved(w->metrics, save_one, w);
  return rc == SQLITE_OK ? database_exec(w->db, "DELETE FROM metric_log") : rc;
}

int writer_save_changed_series(struct writer *w) {
  if (w->metrics == NULL)
    return SQLITE_OK;
  w->series_changes.len = 0;
  metrics_each_changed(w->metrics, append_change, w);
  w->changes_bytes += (int64_t) w->series_changes.len;
  if (w->changes_bytes >= MAX_CHANGES_BYTES)
    return save_all(w);
  if (w->series_changes.len == 0)
    return SQLITE_OK;
  sqlite3_bind_blob(w->insert_changes, 1, w->series_changes.data, (int) w->series_changes.len,
                    SQLITE_STATIC);
  return statement_run(w->insert_changes);
}

void writer_series_rolled_back(struct writer *w) {
  w->changes_bytes = MAX_CHANGES_BYTES;
  if (w->metrics != NULL)
    metrics_rollback(w->metrics);
}

int writer_save_series(struct writer *w) {
  if (w->metrics == NULL || w->changes_bytes == 0)
    return SQLITE_OK;
  int rc = statement_run(w->begin);
  if (rc == SQLITE_OK)
    rc = save_all(w);
  if (rc == SQLITE_OK)
    rc = statement_run(w->commit);
  if (rc != SQLITE_OK && !sqlite3_get_autocommit(w->db))
    database_exec(w->db, "ROLLBACK");
  return rc;
}

static void restore_blob(struct writer *w, const char *p, size_t len) {
  const char *end = p + len;
  struct lengths lengths;
  while ((size_t) (end - p) >= sizeof lengths) {
    memcpy(&lengths, p, sizeof lengths);
    p += sizeof lengths;
    if ((uint64_t) lengths.key + lengths.value > (size_t) (end - p))
      return;
    metrics_restore(w->metrics, p, lengths.key, p + lengths.key, lengths.value);
    p += lengths.key + lengths.value;
  }
}

static int restore_changes(struct writer *w) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(w->db, "SELECT series FROM metric_log ORDER BY number", -1, &stmt,
                              NULL);
  while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    size_t len = (size_t) sqlite3_column_bytes(stmt, 0);
    restore_blob(w, sqlite3_column_blob(stmt, 0), len);
    w->changes_bytes += (int64_t) len;
    rc = SQLITE_OK;
  }
  sqlite3_finalize(stmt);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static void count_in(struct writer *w, const struct record *r, const struct buf *text) {
  metrics_count_record(w->metrics, r, text);
}

/* The rows that the file's series lack. */
static int count_rest(struct writer *w) {
  int rc = writer_each_row(w, w->rolled_up_to, INT64_MAX, count_in);
  metrics_commit(w->metrics);
  return rc;
}

int writer_restore_series(struct writer *w) {
  sqlite3_stmt *stmt = NULL;
  if (w->metrics == NULL)
    return SQLITE_OK;
  int rc = sqlite3_prepare_v2(w->db, "SELECT key, value FROM metric_series", -1, &stmt, NULL);
  while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    metrics_restore(w->metrics, sqlite3_column_blob(stmt, 0),
                    (size_t) sqlite3_column_bytes(stmt, 0), sqlite3_column_blob(stmt, 1),
                    (size_t) sqlite3_column_bytes(stmt, 1));
    rc = SQLITE_OK;
  }
  sqlite3_finalize(stmt);
  if (rc == SQLITE_DONE)
    rc = restore_changes(w);
  return rc == SQLITE_OK ? count_rest(w) : rc;
}
