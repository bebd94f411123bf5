#include "store/write/retention_slices.h"

#include "base/clock.h"
#include "store/cold/manifest.h"
#include "store/file/database.h"
#include "store/file/rollup_tables.h"
#include "store/write/writer_state.h"

enum {
  MOST_PAGES = 200, /* of one incremental_vacuum: a long one writes the same pages repeatedly */
};

/* Runs a statement whose last parameter is how many it takes at most, until the time is up or it
 * takes fewer. */
static int take(struct writer *w, sqlite3_stmt *stmt, int limit_index, int64_t *taken, bool *more) {
  struct pace *pace = &w->retainer.pace;
  int64_t started = clock_monotonic_ns(), before = started, now = started;
  int rc = SQLITE_OK;
  *taken = 0;
  for (*more = true; rc == SQLITE_OK && *more && now - started < pace->body_ns; before = now) {
    int64_t items = pace->items;
    sqlite3_bind_int64(stmt, limit_index, items);
    rc = statement_run(stmt);
    now = clock_monotonic_ns();
    int64_t n = rc == SQLITE_OK ? sqlite3_changes64(w->db) : 0;
    *taken += n;
    *more = n == items;
    if (*more)
      pace_statement(pace, now - before);
  }
  return rc;
}

/* What a slice deletes, and how that is written down. */
struct errand {
  struct buf sql;    /* its last parameter is a limit */
  int64_t bound[2];  /* the others */
  int (*note)(struct writer *w, int64_t taken); /* within the transaction, where something went */
  int64_t taken;
};

/* One transaction. */
static int slice(struct writer *w, struct errand *e, bool *more) {
  int64_t started = clock_monotonic_ns(), taken = 0;
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(w->db, e->sql.data, (int) e->sql.len, &stmt, NULL);
  buf_clear(&e->sql);
  sqlite3_bind_int64(stmt, 1, e->bound[0]);
  sqlite3_bind_int64(stmt, 2, e->bound[1]);
  if (rc == SQLITE_OK)
    rc = statement_run(w->begin);
  if (rc == SQLITE_OK)
    rc = take(w, stmt, 3, &taken, more);
  sqlite3_finalize(stmt);
  if (rc == SQLITE_OK && taken == 0)
    return database_exec(w->db, "ROLLBACK");
  if (rc == SQLITE_OK)
    rc = e->note(w, taken);
  if (rc == SQLITE_OK)
    rc = statement_run(w->commit);
  if (rc == SQLITE_OK)
    e->taken = taken;
  pace_slice(&w->retainer.pace, clock_monotonic_ns() - started);
  return rc;
}

static int note_since(struct writer *w, const char *what, int64_t cut, int64_t *since) {
  if (cut <= *since)
    return SQLITE_OK;
  *since = cut;
  return coverage_set(w->db, what, cut);
}

static const char *time_name(const struct writer *w) {
  return w->schema->columns[w->schema->time].name;
}

static int64_t cut_us(const struct writer *w) {
  int64_t cut = w->retainer.rows_cut;
  return cut == INT64_MIN ? INT64_MIN : cut * 1000000;
}

/* Up to where cells and segments of ids in the file have them. */
static int64_t last_free_row(struct writer *w) {
  int64_t with_id = ids_last_segment_row(w->db);
  return with_id < w->rolled_up_to ? with_id : w->rolled_up_to;
}

static int note_rows(struct writer *w, int64_t taken) {
  struct retainer *r = &w->retainer;
  int rc = note_since(w, "rows", r->rows_cut, &r->coverage.rows);
  return rc == SQLITE_OK ? meta_set_int(w->db, "removed", w->removed + taken) : rc;
}

static void rows_have_gone(struct writer *w, int64_t n) {
  if (n > 0)
    w->rows.last = 0; /* it may be gone, and SQLite would give its number again */
  w->removed += n;
  w->retainer.done.rows += n;
  atomic_fetch_sub(&w->shared->rows, n);
  atomic_fetch_add(&w->shared->removed_rows, n);
}

int slices_rows(struct writer *w, bool *more) {
  struct errand e = {.bound = {cut_us(w), last_free_row(w)}, .note = note_rows};
  buf_printf(&e.sql,
             "DELETE FROM rows WHERE rowid IN (SELECT rowid FROM rows WHERE \"%s\" < ? AND "
             "rowid <= ? ORDER BY \"%s\" LIMIT ?)",
             time_name(w), time_name(w));
  int rc = slice(w, &e, more);
  rows_have_gone(w, e.taken);
  return rc;
}

bool slices_rows_left(struct writer *w) {
  int64_t left = 0;
  long long cut = cut_us(w);
  char *sql = sqlite3_mprintf("SELECT EXISTS(SELECT 1 FROM rows WHERE \"%w\" < %lld) OR "
                              "EXISTS(SELECT 1 FROM parts WHERE state = 1 AND max_time < %lld)",
                              time_name(w), cut, cut);
  int rc = database_int(w->db, sql, &left);
  sqlite3_free(sql);
  return rc == SQLITE_OK && left != 0;
}

int slices_free_rows(struct writer *w) {
  int rc = writer_has_tail(w) ? writer_flush_tail(w) : SQLITE_OK;
  if (rc == SQLITE_OK)
    rc = ids_write_segment(w->ids, 1, !ids_has_unread(w->ids), clock_now_us());
  return rc;
}

static int oldest(struct writer *w, char *sql, int64_t *second) {
  int64_t time = 0;
  int rc = database_int(w->db, sql, &time);
  sqlite3_free(sql);
  if (rc == SQLITE_OK)
    *second = floor_to(time, 1000000) / 1000000;
  return rc;
}

int slices_oldest_row(struct writer *w, int64_t *second, int64_t *unit) {
  int64_t cold = 0;
  *unit = 3600;
  int rc = oldest(w, sqlite3_mprintf("SELECT \"%w\" FROM rows ORDER BY \"%w\" LIMIT 1",
                                     time_name(w), time_name(w)), second);
  int cold_rc = oldest(w, sqlite3_mprintf("SELECT min_time FROM parts WHERE state = 1 "
                                          "ORDER BY min_time LIMIT 1"), &cold);
  if (cold_rc != SQLITE_OK || (rc == SQLITE_OK && *second < cold))
    return rc;
  *second = cold;
  *unit = 86400;
  return SQLITE_OK;
}

/* Rows of its that are void stand in the table. */
static int rows_of_part(struct writer *w, const struct part *part, int64_t *rows) {
  struct buf masks = {0};
  int rc = manifest_masks(w->db, part->number, &masks);
  *rows = part->rows - (int64_t) (masks.len / sizeof(int64_t));
  buf_clear(&masks);
  return rc;
}

/* Its file goes once nobody reads it (seal/sealer.h). */
static int drop_part(struct writer *w, const struct part *part) {
  int64_t rows = 0;
  int rc = statement_run(w->begin);
  if (rc == SQLITE_OK)
    rc = rows_of_part(w, part, &rows);
  if (rc == SQLITE_OK)
    rc = manifest_drop(w->db, part->number);
  if (rc == SQLITE_OK)
    rc = note_rows(w, rows);
  if (rc == SQLITE_OK)
    rc = statement_run(w->commit);
  if (rc != SQLITE_OK)
    return rc;
  rows_have_gone(w, rows);
  w->retainer.done.parts++;
  atomic_fetch_add(&w->shared->removed_parts, 1);
  return SQLITE_OK;
}

int slices_parts(struct writer *w, bool *more) {
  struct part_list live = {0};
  int64_t cut = cut_us(w), free_row = last_free_row(w);
  int rc = manifest_read(w->db, PART_LIVE, &live);
  *more = false;
  for (size_t i = 0; i < live.len && rc == SQLITE_OK && !*more; i++) {
    const struct part *part = &live.items[i];
    *more = part->max_time < cut && part->max_row <= free_row && part->taken_time == INT64_MAX;
    if (*more)
      rc = drop_part(w, part);
  }
  part_list_clear(&live);
  return rc;
}

static int note_cells(struct writer *w, int64_t taken) {
  (void) taken;
  struct retainer *r = &w->retainer;
  return note_since(w, tier_names[r->tier], r->cut[r->tier], &r->coverage.tiers[r->tier]);
}

static void write_key(struct buf *sql, const struct writer *w, const struct rollup_set *set) {
  buf_puts(sql, "tier, bucket");
  for (size_t i = 0; i < set->nby; i++)
    buf_printf(sql, ", \"%s\"", w->schema->columns[set->by[i]].name);
}

int slices_cells(struct writer *w, bool *more) {
  struct retainer *r = &w->retainer;
  const struct rollup_set *set = &w->schema->sets[r->set];
  struct errand e = {.bound = {r->tier, r->cut[r->tier]}, .note = note_cells};
  buf_printf(&e.sql, "DELETE FROM rollup_%s WHERE (", set->name);
  write_key(&e.sql, w, set);
  buf_puts(&e.sql, ") IN (SELECT ");
  write_key(&e.sql, w, set);
  buf_printf(&e.sql, " FROM rollup_%s WHERE tier = ? AND bucket < ? LIMIT ?)", set->name);
  int rc = slice(w, &e, more);
  r->done.cells += e.taken;
  atomic_fetch_add(&w->shared->removed_cells, e.taken);
  return rc;
}

static int give_back(struct writer *w, int64_t pages) {
  char sql[60];
  sqlite3_snprintf(sizeof sql, sql, "PRAGMA incremental_vacuum(%lld)", (long long) pages);
  return database_exec(w->db, sql);
}

static void pages_are_back(struct writer *w, int64_t pages) {
  int64_t page_bytes = 0;
  database_int(w->db, "PRAGMA page_size", &page_bytes);
  w->retainer.give_back -= pages;
  w->retainer.done.bytes += pages * page_bytes;
  atomic_fetch_add(&w->shared->given_back_bytes, pages * page_bytes);
}

/* Each statement is a transaction of its own. */
int slices_pages(struct writer *w) {
  struct retainer *r = &w->retainer;
  int64_t started = clock_monotonic_ns(), before = started, now = started;
  int rc = SQLITE_OK;
  for (; rc == SQLITE_OK && r->give_back > 0 && now - started < SLICE_NS / 2; before = now) {
    int64_t pages = r->pace.items < MOST_PAGES ? r->pace.items : MOST_PAGES;
    pages = pages < r->give_back ? pages : r->give_back;
    rc = give_back(w, pages);
    now = clock_monotonic_ns();
    r->pace.items = pages;
    pace_statement(&r->pace, now - before);
    if (rc == SQLITE_OK)
      pages_are_back(w, pages);
  }
  return rc;
}
