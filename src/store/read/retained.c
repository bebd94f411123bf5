#include <string.h>

#include "base/clock.h"
#include "store/file/coverage.h"
#include "store/file/database.h"
#include "store/file/rollup_tables.h"
#include "store/file/space.h"
#include "store/read/reader.h"
#include "store/read/result.h"

/* What there is, as names and integers; times in unix seconds:
 *
 *   since:rows, since:minute, since:set:NAME ..  as coverage.h has them; absent: ever
 *   oldest:rows, oldest:minute ..                the first that is there; absent: there is none
 *   due:rows, due:minute ..                      when the oldest go by their age; absent: never
 *   page_bytes .. day_bytes                      as space.h has them */

static void put(struct query *q, const char *name, int64_t value) {
  result_put_text(&q->rows, name, strlen(name));
  result_put(&q->rows, (struct result_value){RESULT_INTEGER, {.i = value}});
  q->rows.nrows++;
}

static int put_since(struct reader *r, struct query *q) {
  struct buf sql = {0};
  sqlite3_stmt *stmt;
  buf_puts(&sql, coverage_sql);
  int rc = reader_statement(r, &sql, &stmt);
  for (; rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW; rc = SQLITE_OK)
    put(q, (const char *) sqlite3_column_text(stmt, 0), sqlite3_column_int64(stmt, 1));
  sqlite3_reset(stmt);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static void put_oldest(struct query *q, const char *what, int64_t oldest, int64_t age_s,
                       int64_t unit) {
  char name[40];
  sqlite3_snprintf(sizeof name, name, "oldest:%s", what);
  put(q, name, oldest);
  sqlite3_snprintf(sizeof name, name, "due:%s", what);
  if (age_s > 0)
    put(q, name, floor_to(oldest, unit) + unit + age_s);
}

/* SQLITE_DONE: there is none. */
static int first(struct reader *r, struct buf *sql, int64_t *value) {
  sqlite3_stmt *stmt;
  int rc = reader_statement(r, sql, &stmt);
  if (rc != SQLITE_OK)
    return rc;
  rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW)
    *value = sqlite3_column_int64(stmt, 0);
  sqlite3_reset(stmt);
  return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int put_oldest_row(struct reader *r, struct query *q, const struct retention *wanted) {
  const struct schema *schema = reader_schema(r);
  const char *time = schema->columns[schema->time].name;
  struct buf sql = {0};
  int64_t us = 0;
  buf_printf(&sql, "SELECT min(time) FROM (SELECT min(\"%s\") AS time FROM rows UNION ALL "
             "SELECT min(min_time) FROM parts WHERE state = 1) HAVING min(time) IS NOT NULL", time);
  int rc = first(r, &sql, &us);
  if (rc == SQLITE_OK)
    put_oldest(q, "rows", floor_to(us, 1000000) / 1000000, wanted->rows_s,
               retention_unit(wanted->rows_s));
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int put_oldest_cell(struct reader *r, struct query *q, int tier, int64_t age_s) {
  const struct schema *schema = reader_schema(r);
  int64_t oldest = INT64_MAX;
  for (size_t s = 0; s < schema->nsets; s++) {
    struct buf sql = {0};
    int64_t bucket = INT64_MAX;
    buf_printf(&sql, "SELECT bucket FROM rollup_%s WHERE tier = %d ORDER BY bucket LIMIT 1",
               schema->sets[s].name, tier);
    int rc = first(r, &sql, &bucket);
    if (rc != SQLITE_OK && rc != SQLITE_DONE)
      return rc;
    oldest = bucket < oldest ? bucket : oldest;
  }
  if (oldest != INT64_MAX)
    put_oldest(q, tier_names[tier], oldest, age_s, 86400);
  return SQLITE_OK;
}

static int put_space(struct reader *r, struct query *q) {
  struct shared *shared = reader_shared(r);
  sqlite3 *db = reader_database(r);
  struct space s;
  struct growth growth = {0};
  int rc = space_measure(db, shared->options.path, &s);
  if (rc == SQLITE_OK)
    rc = space_growth(db, shared->schema, atomic_load(&shared->rows), &s, clock_now_us(), &growth);
  put(q, "page_bytes", s.page_bytes);
  put(q, "pages", s.pages);
  put(q, "free_pages", s.free_pages);
  put(q, "file_bytes", s.file_bytes);
  put(q, "wal_bytes", s.wal_bytes);
  put(q, "ballast_bytes", s.ballast_bytes);
  put(q, "parts_bytes", s.parts_bytes);
  if (s.disk_free >= 0)
    put(q, "disk_free", s.disk_free);
  put(q, "day_rows", growth.rows);
  put(q, "day_bytes", growth.bytes);
  return rc;
}

int query_retained(struct reader *r, struct query *q) {
  const struct retention wanted = shared_retention(reader_shared(r));
  result_name(&q->rows, "name");
  result_name(&q->rows, "value");
  int rc = reader_begin(r);
  if (rc == SQLITE_OK)
    rc = put_since(r, q);
  if (rc == SQLITE_OK)
    rc = put_oldest_row(r, q, &wanted);
  for (int tier = 0; tier < TIERS && rc == SQLITE_OK; tier++)
    rc = put_oldest_cell(r, q, tier, wanted.tiers_s[tier]);
  return rc == SQLITE_OK ? put_space(r, q) : rc;
}
