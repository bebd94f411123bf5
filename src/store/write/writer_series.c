#include <string.h>

#include "metrics/metrics.h"
#include "store/file/database.h"
#include "store/write/writer_state.h"

/* Rows are the journal of the series of records, as they are of the cells: both go to the file together, and after a
 * crash the rows behind them are counted again.  What has changed is logged in one blob; when the log has grown, all
 * series go to their table and it starts anew.  The blob: for each series the lengths of key and value, then both. */

enum { LOG_BYTES = 1 << 20 };

struct lengths {
  uint32_t key, value;
};

static int log_one(void *arg, const char *key, size_t key_len, const void *value, size_t len) {
  struct writer *w = arg;
  struct lengths lengths = {(uint32_t) key_len, (uint32_t) len};
  buf_append(&w->series_log, &lengths, sizeof lengths);
  buf_append(&w->series_log, key, key_len);
  buf_append(&w->series_log, value, len);
  return SQLITE_OK;
}

static int save_one(void *arg, const char *key, size_t key_len, const void *value, size_t len) {
  struct writer *w = arg;
  sqlite3_bind_blob(w->save_series, 1, key, (int) key_len, SQLITE_STATIC);
  sqlite3_bind_blob(w->save_series, 2, value, (int) len, SQLITE_STATIC);
  return statement_run(w->save_series);
}

static int save_all(struct writer *w) {
  w->logged_bytes = 0;
  int rc = metrics_each_saved(w->metrics, save_one, w);
  return rc == SQLITE_OK ? database_exec(w->db, "DELETE FROM metric_log") : rc;
}

int writer_log_series(struct writer *w) {
  if (w->metrics == NULL)
    return SQLITE_OK;
  w->series_log.len = 0;
  metrics_each_changed(w->metrics, log_one, w);
  w->logged_bytes += (int64_t) w->series_log.len;
  if (w->logged_bytes >= LOG_BYTES)
    return save_all(w);
  if (w->series_log.len == 0)
    return SQLITE_OK;
  sqlite3_bind_blob(w->log_series, 1, w->series_log.data, (int) w->series_log.len, SQLITE_STATIC);
  return statement_run(w->log_series);
}

void writer_series_rolled_back(struct writer *w) {
  w->logged_bytes = LOG_BYTES;
  if (w->metrics != NULL)
    metrics_rollback(w->metrics);
}

int writer_save_series(struct writer *w) {
  if (w->metrics == NULL || w->logged_bytes == 0)
    return SQLITE_OK;
  int rc = statement_run(w->begin);
  if (rc == SQLITE_OK)
    rc = save_all(w);
  return rc == SQLITE_OK ? statement_run(w->commit) : rc;
}

static void restore_log(struct writer *w, const char *p, size_t len) {
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

static int restore_logs(struct writer *w) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(w->db, "SELECT series FROM metric_log ORDER BY number", -1, &stmt, NULL);
  while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    size_t len = (size_t) sqlite3_column_bytes(stmt, 0);
    restore_log(w, sqlite3_column_blob(stmt, 0), len);
    w->logged_bytes += (int64_t) len;
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
  int64_t last = INT64_MAX;
  int rc = writer_each_row(w, w->rolled_up_to, &last, -1, count_in);
  metrics_commit(w->metrics);
  return rc;
}

int writer_restore_series(struct writer *w) {
  sqlite3_stmt *stmt = NULL;
  if (w->metrics == NULL)
    return SQLITE_OK;
  int rc = sqlite3_prepare_v2(w->db, "SELECT key, value FROM metric_series", -1, &stmt, NULL);
  while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    metrics_restore(w->metrics, sqlite3_column_blob(stmt, 0), (size_t) sqlite3_column_bytes(stmt, 0),
                    sqlite3_column_blob(stmt, 1), (size_t) sqlite3_column_bytes(stmt, 1));
    rc = SQLITE_OK;
  }
  sqlite3_finalize(stmt);
  if (rc == SQLITE_DONE)
    rc = restore_logs(w);
  return rc == SQLITE_OK ? count_rest(w) : rc;
}
