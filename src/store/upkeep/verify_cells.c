#include <stdlib.h>

#include "base/clock.h"
#include "store/file/coverage.h"
#include "store/file/database.h"
#include "store/file/rollup_tables.h"
#include "store/file/rows.h"
#include "store/file/tables.h"
#include "store/upkeep/check_file.h"
#include "store/upkeep/verify_rows.h"
#include "store/write/rollup.h"

/* The writer's own code counts the rows again, into temporary tables of the same names, which are
 * what "rollup_model" means on this connection from then on; the file's are main.rollup_model. */

enum { DAY_S = 86400, FLUSH_ROWS = 4096 };

struct verify_cells {
  sqlite3 *db;
  const struct schema *schema;
  uint32_t sets, wrong;
  struct coverage coverage;
  int64_t counted; /* rows after that are in no cell yet */
  struct view *view;
  struct rollups *rollups; /* of a day that is being counted */
  struct batch *page;
  struct upkeep_progress *progress;
  struct upkeep_check *check;
};

static int run(sqlite3 *db, char *sql) {
  int rc = database_exec(db, sql);
  sqlite3_free(sql);
  return rc;
}

static int make_table(struct verify_cells *v, const char *set) {
  sqlite3_stmt *stmt = NULL;
  char *sql = sqlite3_mprintf(
      "SELECT substr(sql, 7) FROM main.sqlite_schema WHERE name = 'rollup_%q'", set);
  int rc = sqlite3_prepare_v2(v->db, sql, -1, &stmt, NULL);
  sqlite3_free(sql);
  if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
    rc = run(v->db, sqlite3_mprintf("CREATE TEMP%s", sqlite3_column_text(stmt, 0)));
  sqlite3_finalize(stmt);
  return rc;
}

static int add_row(struct verify_cells *v, const struct record *r) {
  rollups_add(v->rollups, r, &v->page->text, 1);
  if (++v->check->seen % FLUSH_ROWS != 0)
    return SQLITE_OK;
  atomic_store(&v->progress->done, v->check->seen);
  return rollups_flush(v->rollups);
}

static int count_table(struct verify_cells *v, int64_t day_s) {
  const char *time = v->schema->columns[v->schema->time].name;
  struct buf sql = {0};
  sqlite3_stmt *stmt = NULL;
  buf_puts(&sql, "SELECT ");
  rows_write_columns(&sql, v->schema, UINT64_MAX, true);
  buf_printf(&sql, " FROM rows WHERE \"%s\" >= ? AND \"%s\" < ? AND rowid <= ?", time, time);
  int rc = sqlite3_prepare_v2(v->db, sql.data, (int) sql.len, &stmt, NULL);
  sqlite3_bind_int64(stmt, 1, day_s * 1000000);
  sqlite3_bind_int64(stmt, 2, (day_s + DAY_S) * 1000000);
  sqlite3_bind_int64(stmt, 3, v->counted);
  while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    rows_forget(v->page);
    rc = add_row(v, rows_read(stmt, v->page, UINT64_MAX, true));
  }
  sqlite3_finalize(stmt);
  buf_clear(&sql);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int add_page(void *arg, struct cursor *c, const uint16_t *places, size_t n) {
  struct verify_cells *v = arg;
  int rc = SQLITE_OK;
  for (size_t i = 0; i < n && rc == SQLITE_OK; i++) {
    rows_forget(v->page);
    const struct record *r = cursor_read(v->view, c, places[i], v->page, UINT64_MAX, true);
    rc = r != NULL ? add_row(v, r) : SQLITE_CORRUPT;
  }
  return rc;
}

static int count_parts(struct verify_cells *v, int64_t day_s) {
  struct cold_scan scan = verify_scan(v->view, v->db, v->progress);
  scan.from = day_s * 1000000;
  scan.to = (day_s + DAY_S) * 1000000;
  const struct cold_walk walk = {.scan = &scan, .page = add_page, .arg = v};
  int rc = SQLITE_OK;
  for (size_t i = 0; i < view_parts(v->view) && rc == SQLITE_OK; i++)
    if (cold_overlaps(&scan, view_part(v->view, i)))
      rc = cold_walk_part(&walk, i);
  return rc;
}

static int count_day(struct verify_cells *v, int64_t day_s) {
  int rc = rollup_tables_empty(v->db, v->schema, v->sets);
  v->rollups = rollups_new(v->db, v->schema, v->sets);
  if (rc == SQLITE_OK)
    rc = count_table(v, day_s);
  if (rc == SQLITE_OK)
    rc = count_parts(v, day_s);
  if (rc == SQLITE_OK)
    rc = rollups_flush(v->rollups);
  rollups_free(v->rollups);
  return rc;
}

/* Which keys a bounded set has depends on the order in which they came: its buckets are compared
 * as wholes. */
static void write_columns(struct buf *sql, const struct verify_cells *v,
                          const struct rollup_set *set, int64_t day_s) {
  const char *open = set->max_keys > 0 ? "sum(" : "", *close = set->max_keys > 0 ? ")" : "";
  buf_puts(sql, "SELECT tier, bucket");
  for (size_t i = 0; i < set->nby && set->max_keys == 0; i++)
    buf_printf(sql, ", \"%s\"", v->schema->columns[set->by[i]].name);
  buf_printf(sql, ", %srow_count%s", open, close);
  for (size_t i = 0; i < v->schema->nmeasures; i++)
    if (v->coverage.measures[i] <= day_s)
      buf_printf(sql, ", %s\"%s\"%s", open, v->schema->measures[i].name, close);
}

static void write_cells(struct buf *sql, const struct verify_cells *v,
                        const struct rollup_set *set, int tier, int64_t day_s,
                        const char *database) {
  write_columns(sql, v, set, day_s);
  buf_printf(sql, " FROM %s.rollup_%s WHERE tier = %d AND bucket >= %lld AND bucket < %lld AND "
             "row_count <> 0%s", database, set->name, tier, (long long) day_s,
             (long long) day_s + DAY_S, set->max_keys > 0 ? " GROUP BY tier, bucket" : "");
}

static int count_differences(struct verify_cells *v, const struct rollup_set *set, int tier,
                             int64_t day_s, int64_t *differences) {
  struct buf sql = {0};
  buf_puts(&sql, "SELECT (SELECT count(*) FROM (");
  write_cells(&sql, v, set, tier, day_s, "temp");
  buf_puts(&sql, " EXCEPT ");
  write_cells(&sql, v, set, tier, day_s, "main");
  buf_puts(&sql, ")) + (SELECT count(*) FROM (");
  write_cells(&sql, v, set, tier, day_s, "main");
  buf_puts(&sql, " EXCEPT ");
  write_cells(&sql, v, set, tier, day_s, "temp");
  buf_append(&sql, "))", 3);
  int rc = database_int(v->db, sql.data, differences);
  buf_clear(&sql);
  return rc;
}

static int compare_tier(struct verify_cells *v, size_t s, int tier, int64_t day_s) {
  const struct rollup_set *set = &v->schema->sets[s];
  int64_t differences = 0;
  if (!(set->tiers >> tier & 1) || v->coverage.tiers[tier] > day_s ||
      v->coverage.sets[s][tier] > day_s)
    return SQLITE_OK;
  int rc = count_differences(v, set, tier, day_s, &differences);
  if (rc != SQLITE_OK || differences == 0)
    return rc;
  v->wrong |= UINT32_C(1) << s;
  check_fault(v->check, "rollup_%s, tier %s, day %lld: cells are not what the rows are: "
              "moonledger verify --repair makes them anew", set->name, tier_names[tier],
              (long long) (day_s / DAY_S));
  v->check->faults += differences - 1;
  return SQLITE_OK;
}

static int compare_day(struct verify_cells *v, int64_t day_s) {
  int rc = SQLITE_OK;
  for (size_t s = 0; s < v->schema->nsets && rc == SQLITE_OK; s++)
    for (int tier = 0; tier < TIERS && rc == SQLITE_OK && v->sets >> s & 1; tier++)
      rc = compare_tier(v, s, tier, day_s);
  return rc;
}

static int find_day_of_table(struct verify_cells *v, int64_t from_s, int64_t *day_s) {
  const char *time = v->schema->columns[v->schema->time].name;
  int64_t first = 0;
  char *sql = sqlite3_mprintf("SELECT \"%w\" FROM rows WHERE \"%w\" >= %lld ORDER BY \"%w\" "
                              "LIMIT 1", time, time, (long long) from_s * 1000000, time);
  int rc = database_int(v->db, sql, &first);
  sqlite3_free(sql);
  *day_s = floor_to(first, DAY_US) / 1000000;
  return rc;
}

/* SQLITE_DONE: there is none. */
static int find_day(struct verify_cells *v, int64_t from_s, int64_t *day_s) {
  size_t i = 0, n = view_parts(v->view);
  int rc = find_day_of_table(v, from_s, day_s);
  while (i < n && view_part(v->view, i)->day * DAY_S < from_s)
    i++;
  if (i == n || (rc != SQLITE_OK && rc != SQLITE_DONE))
    return rc;
  int64_t sealed_s = view_part(v->view, i)->day * DAY_S;
  *day_s = rc == SQLITE_OK && *day_s < sealed_s ? *day_s : sealed_s;
  return SQLITE_OK;
}

static int verify_day(struct verify_cells *v, int64_t day_s) {
  if (v->coverage.rows > day_s)
    return SQLITE_OK;
  int rc = count_day(v, day_s);
  if (rc == SQLITE_CORRUPT && *view_why(v->view) != '\0')
    return verify_part_fault(v->view, v->check);
  return rc == SQLITE_OK ? compare_day(v, day_s) : rc;
}

static int verify_days(struct verify_cells *v) {
  int64_t day_s = 0, from_s = INT64_MIN / 1000000;
  int rc;
  while ((rc = find_day(v, from_s, &day_s)) == SQLITE_OK &&
         (rc = verify_day(v, day_s)) == SQLITE_OK)
    from_s = day_s + DAY_S;
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int prepare(struct verify_cells *v) {
  int rc = coverage_read(v->db, v->schema, &v->coverage);
  if (rc == SQLITE_OK)
    rc = meta_get_int(v->db, "counted", &v->counted);
  for (size_t s = 0; s < v->schema->nsets && rc == SQLITE_OK; s++)
    if (v->sets >> s & 1)
      rc = make_table(v, v->schema->sets[s].name);
  return rc;
}

int verify_cells(sqlite3 *db, struct view *view, struct upkeep_progress *progress,
                 struct upkeep_report *report, uint32_t *wrong) {
  const struct schema *schema = view_schema(view);
  struct verify_cells v = {.db = db, .view = view, .schema = schema, .progress = progress,
                           .check = check_begin(report, "cells")};
  uint32_t all = (uint32_t) ((UINT64_C(1) << schema->nsets) - 1);
  v.sets = all & ~rollup_tables_unusable(db, schema);
  if (v.sets == 0 || tables_filling(db, schema) != 0)
    return SQLITE_OK; /* an older file that no server has opened yet, or that is being brought up */
  v.page = batch_new(schema);
  int rc = prepare(&v);
  upkeep_step(progress, "counting rows anew", v.counted);
  if (rc == SQLITE_OK)
    rc = verify_days(&v);
  *wrong = v.wrong;
  batch_free(v.page);
  return rc;
}
