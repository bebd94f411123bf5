#include "base/clock.h"
#include "store/file/database.h"
#include "store/write/writer_state.h"

/* Cells lag behind rows; readers add the rows above rolled_up_to (meta "counted").
 * So a cell is written once for many transactions, and the series of the metrics
 * with it. */

enum {
  TAIL_ROWS = 4096,          /* that a reader may have to look at, some milliseconds .. */
  BUSY_TAIL_ROWS = 32768,    /* .. more during a bulk load .. */
  UNASKED_TAIL_ROWS = 65536, /* .. and in one during which nobody has asked for UNASKED_MS */
  UNASKED_MS = 10000,
  TAIL_MS = 1000,
};

void writer_count(struct writer *w, const struct record *r, const struct buf *text, int sign) {
  rollups_add(w->rollups, r, text, sign);
  if (w->fresh != NULL && (r->row <= w->rebuilt || r->row > w->rebuild_upto))
    rollups_add(w->fresh, r, text, sign);
}

static int64_t last_row(const struct writer *w) {
  return w->inserted > 0 ? w->last_row : atomic_load(&w->shared->last_row);
}

bool writer_has_tail(const struct writer *w) {
  return w->rolled_up_to < last_row(w);
}

static int64_t most_tail_rows(struct writer *w) {
  int64_t asked_ns = atomic_load(&w->shared->asked_ns);
  if (!writer_is_busy(w))
    return TAIL_ROWS;
  return clock_monotonic_ns() - asked_ns < UNASKED_MS * INT64_C(1000000) ? BUSY_TAIL_ROWS
                                                                        : UNASKED_TAIL_ROWS;
}

bool writer_cells_due(struct writer *w) {
  if (w->flush_due || last_row(w) - w->rolled_up_to >= most_tail_rows(w))
    return true;
  return writer_has_tail(w) && clock_monotonic_ns() - w->rolled_up_ns >= TAIL_MS * INT64_C(1000000);
}

int writer_flush_cells(struct writer *w) {
  int rc = rollups_flush(w->rollups);
  if (rc == SQLITE_OK && w->fresh != NULL)
    rc = rollups_flush(w->fresh);
  if (rc == SQLITE_OK)
    rc = writer_save_changed_series(w);
  w->rolling_up_to = last_row(w);
  return rc == SQLITE_OK ? meta_set_int(w->db, "counted", w->rolling_up_to) : rc;
}

void writer_cells_committed(struct writer *w) {
  w->flush_due = false;
  if (w->rolling_up_to == 0)
    return;
  w->rolled_up_to = w->rolling_up_to;
  w->rolling_up_to = 0;
  w->rolled_up_ns = clock_monotonic_ns();
}

void writer_roll_back(struct writer *w) {
  if (!sqlite3_get_autocommit(w->db))
    database_exec(w->db, "ROLLBACK");
  ids_rollback(w->ids);
  view_forget(w->view);
  writer_series_rolled_back(w);
  rollups_forget(w->rollups);
  if (w->fresh != NULL)
    rollups_forget(w->fresh);
  w->rolling_up_to = 0;
  w->flush_due = w->parts_changed = false;
  w->stale = true;
}

int writer_each_row(struct writer *w, int64_t after, int64_t last, writer_row *take) {
  struct buf sql = {0};
  sqlite3_stmt *stmt = NULL;
  buf_puts(&sql, "SELECT ");
  rows_write_columns(&sql, w->schema, UINT64_MAX, true);
  buf_puts(&sql, " FROM rows WHERE rowid > ? AND rowid <= ? ORDER BY rowid");
  int rc = sqlite3_prepare_v2(w->db, sql.data, (int) sql.len, &stmt, NULL);
  buf_clear(&sql);
  sqlite3_bind_int64(stmt, 1, after);
  sqlite3_bind_int64(stmt, 2, last);
  for (; rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW; rc = SQLITE_OK) {
    rows_forget(w->page);
    struct record *r = rows_read(stmt, w->page, UINT64_MAX, true);
    take(w, r, &w->page->text);
  }
  sqlite3_finalize(stmt);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static void count_in(struct writer *w, const struct record *r, const struct buf *text) {
  writer_count(w, r, text, 1);
}

int writer_begin(struct writer *w) {
  w->inserted = 0;
  int rc = statement_run(w->begin);
  if (rc == SQLITE_OK && w->stale)
    rc = writer_each_row(w, w->rolled_up_to, INT64_MAX, count_in);
  if (rc == SQLITE_OK)
    w->stale = false;
  return rc;
}
