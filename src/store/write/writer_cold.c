#include "store/write/writer_cold.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/cold/cleaning.h"
#include "store/cold/part_value.h"
#include "store/cold/scan.h"
#include "store/file/database.h"
#include "store/write/writer_state.h"

enum { SLICE_ROWS = 128 }; /* between two looks at the clock */

typedef int part_step(struct writer *w, struct part_order *order);

/* One of its own, with the cells up to date where `flush` says so. */
static int run_step(struct writer *w, part_step *step, struct part_order *order, bool flush) {
  int rc = writer_begin(w);
  if (rc == SQLITE_OK && flush)
    rc = writer_flush_cells(w);
  if (rc == SQLITE_OK)
    rc = step(w, order);
  if (rc == SQLITE_OK)
    rc = statement_run(w->commit);
  if (rc == SQLITE_OK) {
    writer_cells_committed(w);
    return SQLITE_OK;
  }
  if (rc != SQLITE_DONE)
    log_error("the manifest of cold days could not be written",
              log_str("error", database_why(w->db, rc)));
  writer_roll_back(w);
  return rc;
}

static int begin_part(struct writer *w, struct part_order *order) {
  order->part.upto = w->rolling_up_to;
  return manifest_begin(w->db, w->shared->name, &order->part);
}

/* Rows that leave the table must be in the cells, and their ids in a segment. */
int writer_part_begin(struct writer *w, void *arg) {
  struct part_order *order = arg;
  if (w->fresh != NULL || w->filling != 0 || w->sealing.number != 0 || !ids_loaded(w->ids))
    return SQLITE_BUSY;
  int rc = ids_write_segment(w->ids, 1, !ids_has_unread(w->ids), clock_now_us());
  if (rc == SQLITE_OK)
    rc = run_step(w, begin_part, order, true);
  if (rc == SQLITE_OK)
    w->sealing = order->part;
  return rc;
}

static int64_t state_of(struct writer *w, int64_t number) {
  sqlite3_stmt *stmt = NULL;
  int64_t state = PART_DROPPED;
  if (sqlite3_prepare_v2(w->db, "SELECT state FROM parts WHERE part = ?", -1, &stmt, NULL) ==
      SQLITE_OK) {
    sqlite3_bind_int64(stmt, 1, number);
    if (sqlite3_step(stmt) == SQLITE_ROW)
      state = sqlite3_column_int64(stmt, 0);
  }
  sqlite3_finalize(stmt);
  return state;
}

/* Parts that are joined and have no row that counts leave none. */
static int set_live(struct writer *w, struct part_order *order) {
  if (state_of(w, order->part.number) != PART_PENDING)
    return SQLITE_DONE;
  int rc = order->part.rows > 0 ? manifest_set_live(w->db, &order->part)
                                : manifest_drop(w->db, order->part.number);
  for (size_t i = 0; i < order->njoined && rc == SQLITE_OK; i++)
    rc = manifest_drop(w->db, order->joined[i]);
  return rc;
}

int writer_part_live(struct writer *w, void *arg) {
  struct part_order *order = arg;
  bool whole = order->njoined > 0;
  order->part.taken_time = whole ? INT64_MAX : order->part.min_time - 1;
  order->part.taken_row = INT64_MAX;
  int rc = run_step(w, set_live, order, false);
  order->part.state = PART_LIVE;
  w->sealing = rc == SQLITE_OK && !whole ? order->part : (struct part){0};
  return rc;
}

static int find_rows(struct writer *w, sqlite3_stmt **stmt) {
  const char *time = w->schema->columns[w->schema->time].name;
  struct buf sql = {0};
  buf_printf(&sql,
             "SELECT \"%s\", rowid FROM rows WHERE (\"%s\", rowid) > (?, ?) AND \"%s\" < ? AND "
             "rowid <= ? AND NOT EXISTS (SELECT 1 FROM part_masks WHERE part = ? AND "
             "row = rows.rowid) ORDER BY \"%s\", rowid LIMIT ?",
             time, time, time, time);
  int rc = sqlite3_prepare_v2(w->db, sql.data, (int) sql.len, stmt, NULL);
  buf_clear(&sql);
  return rc;
}

/* The next rows of the part, into places; *n of them. */
static int next_rows(struct writer *w, const struct part *part, struct row_place *places,
                     size_t *n, sqlite3_stmt *stmt) {
  int rc;
  (void) w;
  sqlite3_bind_int64(stmt, 1, part->taken_time);
  sqlite3_bind_int64(stmt, 2, part->taken_row);
  sqlite3_bind_int64(stmt, 3, (part->day + 1) * DAY_US);
  sqlite3_bind_int64(stmt, 4, part->upto);
  sqlite3_bind_int64(stmt, 5, part->number);
  sqlite3_bind_int(stmt, 6, SLICE_ROWS);
  for (*n = 0; (rc = sqlite3_step(stmt)) == SQLITE_ROW; ++*n)
    places[*n] = (struct row_place){sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1)};
  sqlite3_reset(stmt);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int delete_rows(struct writer *w, struct part *part, const struct row_place *places,
                       size_t n, sqlite3_stmt *stmt) {
  int rc = SQLITE_OK;
  for (size_t i = 0; i < n && rc == SQLITE_OK; i++) {
    sqlite3_bind_int64(stmt, 1, places[i].row);
    rc = statement_run(stmt);
    if (places[i].row == w->rows.last)
      w->rows.last = 0; /* SQLite would give its number to the next one */
  }
  if (n > 0) {
    part->taken_time = places[n - 1].time;
    part->taken_row = places[n - 1].row;
  }
  return rc;
}

static int take_rows(struct writer *w, struct part_order *order) {
  struct row_place places[SLICE_ROWS];
  sqlite3_stmt *find = NULL, *delete = NULL;
  struct part part = w->sealing;
  int64_t until = clock_monotonic_ns() + w->taking.body_ns;
  size_t n = SLICE_ROWS;
  int rc = find_rows(w, &find);
  if (rc == SQLITE_OK)
    rc = sqlite3_prepare_v2(w->db, "DELETE FROM rows WHERE rowid = ?", -1, &delete, NULL);
  while (rc == SQLITE_OK && n == SLICE_ROWS && clock_monotonic_ns() < until) {
    rc = next_rows(w, &part, places, &n, find);
    if (rc == SQLITE_OK)
      rc = delete_rows(w, &part, places, n, delete);
  }
  sqlite3_finalize(find);
  sqlite3_finalize(delete);
  order->done = n < SLICE_ROWS;
  if (order->done)
    part.taken_time = part.taken_row = INT64_MAX;
  order->part = part;
  return rc == SQLITE_OK ? manifest_set_taken(w->db, &part) : rc;
}

int writer_part_take(struct writer *w, void *arg) {
  static const struct part none;
  struct part_order *order = arg;
  order->done = true;
  if (w->sealing.number == 0 || w->sealing.state != PART_LIVE)
    return SQLITE_OK;
  int64_t started = clock_monotonic_ns();
  int rc = run_step(w, take_rows, order, false);
  pace_slice(&w->taking, clock_monotonic_ns() - started);
  if (rc == SQLITE_OK)
    w->sealing = order->done ? none : order->part;
  return rc;
}

static int drop_part(struct writer *w, struct part_order *order) {
  return manifest_drop(w->db, order->part.number);
}

/* Where that fails it stays pending, until the next start: it never becomes live. */
int writer_part_drop(struct writer *w, void *arg) {
  struct part_order *order = arg;
  if (w->sealing.number == order->part.number)
    w->sealing = (struct part){0};
  return run_step(w, drop_part, order, false);
}

static int forget_part(struct writer *w, struct part_order *order) {
  return manifest_forget(w->db, order->part.number);
}

int writer_part_forget(struct writer *w, void *arg) {
  return run_step(w, forget_part, arg, false);
}

/* Rows of a part that were being taken when the server was stopped are taken on. */
static int resume_taking(struct writer *w) {
  struct part_list live = {0};
  int rc = manifest_read(w->db, PART_LIVE, &live);
  w->shared->has_parts = live.len > 0;
  for (size_t i = 0; i < live.len && rc == SQLITE_OK; i++)
    if (live.items[i].taken_time != INT64_MAX)
      w->sealing = live.items[i];
  part_list_clear(&live);
  return rc;
}

int writer_cold_open(struct writer *w) {
  w->shared->parts = part_files_new(w->shared->options.path);
  w->view = view_new(w->shared->parts, w->schema);
  w->taking = PACE_BEGIN;
  int rc = cold_clean(w->db, w->shared->parts, w->shared->name);
  return rc == SQLITE_OK ? resume_taking(w) : rc;
}

int writer_cold_get(struct writer *w, int64_t row) {
  struct cursor *c;
  size_t place;
  int rc = view_refresh(w->view, w->db);
  if (rc == SQLITE_OK)
    rc = view_find(w->view, w->db, row, &c, &place);
  if (rc == SQLITE_CORRUPT)
    log_error("a part of cold days cannot be read", log_str("error", view_why(w->view)));
  if (rc != SQLITE_OK)
    return rc;
  struct stored_told stored;
  struct record *r = cursor_read(w->view, c, place, w->page, UINT64_MAX, true);
  if (r == NULL || !cursor_told(w->view, c, place, &stored))
    return SQLITE_CORRUPT;
  told_read(&w->told, &w->rows.layout, stored, r, &w->page->text);
  w->from_part = c->part.number;
  return SQLITE_OK;
}

int writer_cold_changed(struct writer *w, int64_t row) {
  int rc = SQLITE_OK;
  if (w->from_part != 0)
    rc = manifest_mask(w->db, w->from_part, row);
  if (rc == SQLITE_OK && w->sealing.number != 0 && row <= w->sealing.upto)
    rc = manifest_mask(w->db, w->sealing.number, row);
  else if (w->from_part == 0)
    return rc;
  w->parts_changed = true;
  return rc;
}

static int put_back_value(struct writer *w, const char *column, int64_t row,
                          const struct part_value *value) {
  sqlite3_stmt *stmt = NULL;
  struct buf sql = {0};
  if (sqlite3_table_column_metadata(w->db, "main", "rows", column, NULL, NULL, NULL, NULL, NULL) !=
      SQLITE_OK)
    return SQLITE_OK; /* somebody has dropped it */
  buf_printf(&sql, "UPDATE rows SET \"%s\" = ? WHERE rowid = ?", column);
  int rc = sqlite3_prepare_v2(w->db, sql.data, (int) sql.len, &stmt, NULL);
  part_value_bind(stmt, 1, value);
  sqlite3_bind_int64(stmt, 2, row);
  if (rc == SQLITE_OK)
    rc = statement_run(stmt);
  sqlite3_finalize(stmt);
  buf_clear(&sql);
  return rc;
}

int writer_cold_put_back(struct writer *w, int64_t row) {
  struct cursor *c = NULL;
  struct part_value value;
  size_t place;
  int rc = view_find(w->view, w->db, row, &c, &place);
  for (size_t i = 0; rc == SQLITE_OK && i < parquet_columns(c->file); i++) {
    if (!cursor_is_beyond(c, w->schema, i))
      continue;
    if (!part_value_read(w->view, c, (int) i, place, &value))
      return SQLITE_CORRUPT;
    if (value.kind != KIND_NULL)
      rc = put_back_value(w, parquet_column(c->file, i)->name, row, &value);
  }
  return rc;
}

struct numbers {
  struct writer *w;
  int64_t after, last;
  writer_row *take;
};

static bool has_numbers(void *arg, const struct parquet_range *rows) {
  const struct numbers *n = arg;
  return !rows->known || (rows->max.i > n->after && rows->min.i <= n->last);
}

static int take_numbers(void *arg, struct cursor *c, const uint16_t *places, size_t count) {
  const struct numbers *n = arg;
  struct writer *w = n->w;
  const struct parquet_vector *rows = cursor_get(w->view, c, c->rowid);
  for (size_t i = 0; rows != NULL && i < count; i++) {
    int64_t row = rows->integers[places[i]];
    if (row <= n->after || row > n->last)
      continue;
    rows_forget(w->page);
    const struct record *r = cursor_read(w->view, c, places[i], w->page, UINT64_MAX, true);
    if (r == NULL)
      return SQLITE_CORRUPT;
    n->take(w, r, &w->page->text);
  }
  return rows != NULL ? SQLITE_OK : SQLITE_CORRUPT;
}

int writer_each_cold_row(struct writer *w, int64_t after, int64_t last, writer_row *take) {
  struct numbers numbers = {w, after, last, take};
  struct cold_scan scan = {.view = w->view, .db = w->db, .from = INT64_MIN, .to = INT64_MAX};
  struct cold_walk walk = {.scan = &scan, .page = take_numbers, .key = -1, .wanted = has_numbers,
                           .arg = &numbers};
  int rc = view_refresh(w->view, w->db);
  for (size_t i = 0; i < view_parts(w->view) && rc == SQLITE_OK; i++) {
    const struct part *part = view_part(w->view, i);
    if (part->max_row > after && part->min_row <= last)
      rc = cold_walk_part(&walk, i);
  }
  return rc;
}
