#include "store/file/rollup_tables.h"
#include "store/read/aggregate_state.h"
#include "store/read/where.h"

static void widen(struct span *times, int64_t first, int64_t last) {
  times->from = first < times->from ? first : times->from;
  times->to = last > times->to ? last : times->to;
}

/* Nothing is earlier than the first row nor later than the last: sides beyond them
 * are open, which spares their ragged ends.  Cells of rows that have gone are earlier. */
int aggregate_open_sides(struct aggregate *a) {
  const char *time = a->schema->columns[a->schema->time].name;
  const struct view *view = reader_view(a->reader);
  struct span times = {INT64_MAX, INT64_MIN};
  struct buf sql = {0};
  sqlite3_stmt *stmt;
  buf_printf(&sql,
             "SELECT (SELECT min(\"%s\") FROM main.rows), (SELECT max(\"%s\") FROM main.rows)",
             time, time);
  int rc = reader_statement(a->reader, &sql, &stmt);
  if (rc != SQLITE_OK)
    return rc;
  rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
    widen(&times, sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1));
  sqlite3_reset(stmt);
  for (size_t i = 0; i < view_parts(view); i++)
    widen(&times, view_part(view, i)->min_time, view_part(view, i)->max_time);
  if (times.from <= times.to && a->coverage.rows == COVERS_EVER && a->window.from <= times.from)
    a->window.from = INT64_MIN;
  if (times.from <= times.to && a->window.to > times.to && a->window.to >= rows_reach(a))
    a->window.to = INT64_MAX;
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Narrows the window to the first or last bucket of a tier in which the filter
 * finds something. */
static int find_bucket(struct aggregate *a, const struct rollup_set *set, enum tier tier, bool last,
                       struct span *window) {
  struct buf sql = {0};
  sqlite3_stmt *stmt;
  buf_printf(
      &sql,
      "SELECT bucket FROM rollup_%s WHERE tier = ? AND bucket >= ? AND bucket < ? "
      "AND row_count > 0",
      set->name);
  where_write(&sql, a->where, a->schema, a->time);
  buf_printf(&sql, " ORDER BY bucket%s LIMIT 1", last ? " DESC" : "");
  int rc = reader_statement(a->reader, &sql, &stmt);
  if (rc != SQLITE_OK)
    return rc;
  sqlite3_bind_int64(stmt, 1, tier);
  /* the bucket that from is in, too */
  sqlite3_bind_int64(stmt, 2, window->from / 1000000 - tier_seconds[tier] + 1);
  sqlite3_bind_int64(stmt, 3, window->to / 1000000);
  where_bind(stmt, 4, a->where, a->schema, a->time);
  rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW) {
    window->from = sqlite3_column_int64(stmt, 0) * 1000000;
    window->to = window->from + tier_seconds[tier] * 1000000;
  }
  sqlite3_reset(stmt);
  return rc;
}

/* In the table. */
static int find_hot_row(struct aggregate *a, bool last, struct span window, int64_t *side) {
  const char *time = a->schema->columns[a->schema->time].name;
  struct buf sql = {0};
  sqlite3_stmt *stmt;
  buf_printf(&sql, "SELECT \"%s\" FROM main.rows WHERE \"%s\" >= ? AND \"%s\" < ?", time, time,
             time);
  where_write(&sql, a->where, a->schema, a->time);
  buf_printf(&sql, " ORDER BY \"%s\"%s LIMIT 1", time, last ? " DESC" : "");
  int rc = reader_statement(a->reader, &sql, &stmt);
  if (rc != SQLITE_OK)
    return rc;
  sqlite3_bind_int64(stmt, 1, window.from);
  sqlite3_bind_int64(stmt, 2, window.to);
  where_bind(stmt, 3, a->where, a->schema, a->time);
  rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW)
    *side = sqlite3_column_int64(stmt, 0);
  sqlite3_reset(stmt);
  return rc;
}

/* The first or last time in the window that the filter finds. */
static int find_row(struct aggregate *a, bool last, struct span window, int64_t *side) {
  struct cold_scan scan = reader_cold_scan(a->reader, &a->others);
  struct cold_order order = {.column = a->schema->time, .descending = last};
  struct cold_rows rows = {0};
  int found = find_hot_row(a, last, window, side);
  if (found != SQLITE_ROW && found != SQLITE_DONE)
    return found;
  scan.from = window.from;
  scan.to = window.to;
  int rc = cold_first_rows(&scan, a->schema, &order, 1, &rows);
  if (rc == SQLITE_OK && rows.len > 0) {
    int64_t time = rows.items[0].place.time;
    if (found == SQLITE_DONE || (last ? time > *side : time < *side))
      *side = time;
    found = SQLITE_ROW;
  }
  cold_rows_clear(&rows);
  return rc == SQLITE_OK ? found : rc;
}

/* Where the buckets of an open side begin or end: found in days, then in hours and
 * minutes of that day, as fine as the question's buckets, and in rows where the
 * cells do not tell; as far as they have not gone. */
static int find_side(struct aggregate *a, const struct question *question,
                     const struct rollup_set *set, bool last, struct span window,
                     int64_t *side) {
  bool fine = false, found = false;
  int rc = SQLITE_ROW;
  for (int tier = TIER_DAY; set != NULL && tier >= TIER_MINUTE && !fine; tier--) {
    if (!(set->tiers >> tier & 1))
      continue;
    rc = find_bucket(a, set, (enum tier) tier, last, &window);
    if (rc != SQLITE_ROW)
      break;
    *side = window.from;
    found = true;
    fine = question->every_s % tier_seconds[tier] == 0;
  }
  if (rc == SQLITE_ROW && !fine)
    rc = find_row(a, last, window, side);
  return rc == SQLITE_DONE && found ? SQLITE_ROW : rc;
}

/* The smallest multiple of every_s that gives at most max_points buckets. */
static void fit_width(struct question *question, struct span found) {
  int64_t every_s = question->every_s;
  int64_t from = floor_to(found.from, 1000000) / 1000000,
          to = floor_to(found.to, 1000000) / 1000000;
  for (int64_t n = (to - from) / every_s / question->max_points;; n++) {
    int64_t width = question->used_every_s = (n > 0 ? n : 1) * every_s;
    if ((floor_to(to, width) - floor_to(from, width)) / width < question->max_points)
      return;
  }
}

/* Widens found to the rows that the cells lack. */
static int find_tail(struct aggregate *a, struct span *found) {
  const char *time = a->schema->columns[a->schema->time].name;
  struct buf sql = {0};
  sqlite3_stmt *stmt;
  buf_printf(&sql, "SELECT min(\"%s\"), max(\"%s\") FROM main.rows NOT INDEXED WHERE rowid > ?",
             time, time);
  where_write(&sql, a->where, a->schema, -1);
  int rc = reader_statement(a->reader, &sql, &stmt);
  if (rc != SQLITE_OK)
    return rc;
  sqlite3_bind_int64(stmt, 1, a->rolled_up_to);
  where_bind(stmt, 2, a->where, a->schema, -1);
  rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL) {
    int64_t first = sqlite3_column_int64(stmt, 0), last = sqlite3_column_int64(stmt, 1);
    found->from = first < found->from ? first : found->from;
    found->to = last > found->to ? last : found->to;
  }
  sqlite3_reset(stmt);
  return rc;
}

int aggregate_choose_width(struct aggregate *a, struct question *question,
                           const struct plan *plan) {
  const struct rollup_set *set = plan->set;
  struct span window = plan->snapped ? plan->window : a->asked;
  bool from_open = window.from == INT64_MIN, to_open = window.to == INT64_MAX;
  struct span found = {INT64_MAX, INT64_MIN};
  int rc = SQLITE_OK;
  if (question->every_s == 0 || question->max_points == 0)
    return SQLITE_OK;
  if (from_open)
    rc = find_side(a, question, set, false, window, &found.from);
  if (to_open && (rc == SQLITE_OK || rc == SQLITE_ROW))
    rc = find_side(a, question, set, true, window, &found.to);
  if ((from_open || to_open) && (rc == SQLITE_ROW || rc == SQLITE_DONE))
    rc = find_tail(a, &found);
  if (rc != SQLITE_OK && rc != SQLITE_ROW)
    return rc;
  if (!from_open)
    found.from = window.from;
  if (!to_open)
    found.to = window.to - 1;
  if (found.from <= found.to || (!from_open && !to_open))
    fit_width(question, found);
  return SQLITE_OK; /* where nothing is found there is nothing to fit */
}
