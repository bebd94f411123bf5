#include "store/seal/due.h"

#include "base/clock.h"
#include "store/cold/manifest.h"
#include "store/file/rollup_tables.h"

enum {
  LATE_ROWS = 4096,
  LATE_S = 3600,
  PUT_OFF_S = 30,
  MANY_PARTS = 4,
  VOID_SHARE = 8, /* one row in so many */
};

void due_put_off(struct due_days *due) {
  due->put_off_until_us = clock_now_us() + PUT_OFF_S * INT64_C(1000000);
}

static bool read_int(sqlite3 *db, const char *sql, int64_t first, int64_t second, int64_t *value) {
  sqlite3_stmt *stmt = NULL;
  bool found = false;
  if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK) {
    sqlite3_bind_int64(stmt, 1, first);
    sqlite3_bind_int64(stmt, 2, second);
    found = sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL;
    if (found)
      *value = sqlite3_column_int64(stmt, 0);
  }
  sqlite3_finalize(stmt);
  return found;
}

/* The first day from `from` on, before `until`, that has rows in the table. */
static bool next_day(const struct due_days *due, sqlite3 *db, int64_t from, int64_t until,
                     int64_t *day) {
  const char *time = due->schema->columns[due->schema->time].name;
  char sql[200];
  int64_t us;
  sqlite3_snprintf(sizeof sql, sql,
                   "SELECT min(\"%w\") FROM rows WHERE \"%w\" >= ?1 AND \"%w\" < ?2", time, time,
                   time);
  if (!read_int(db, sql, from, until, &us))
    return false;
  *day = floor_to(us, DAY_US) / DAY_US;
  return true;
}

static bool has_many_late(const struct due_days *due, sqlite3 *db, int64_t day) {
  const char *time = due->schema->columns[due->schema->time].name;
  char sql[240];
  int64_t n = 0;
  sqlite3_snprintf(sizeof sql, sql,
                   "SELECT count(*) FROM (SELECT 1 FROM rows WHERE \"%w\" >= ?1 AND \"%w\" < ?2 "
                   "LIMIT %d)",
                   time, time, LATE_ROWS);
  return read_int(db, sql, day * DAY_US, (day + 1) * DAY_US, &n) && n == LATE_ROWS;
}

static bool has_parts(sqlite3 *db, int64_t day) {
  int64_t n = 0;
  return read_int(db, "SELECT count(*) FROM parts WHERE day = ?1 AND state = ?2", day, PART_LIVE,
                  &n) &&
         n > 0;
}

/* Whether the late rows that wait have waited for long. */
static bool are_late_due(const struct due_days *due, int64_t now_us) {
  return due->late_since_us != 0 && now_us - due->late_since_us >= LATE_S * INT64_C(1000000);
}

static bool next_sealing(struct due_days *due, sqlite3 *db, int64_t now_us, int64_t *day) {
  int64_t from = INT64_MIN, hot_days = due->hot_days;
  int64_t until = floor_to(now_us, DAY_US) - (hot_days - 1) * DAY_US;
  bool late_due = are_late_due(due, now_us), late = false;
  for (; hot_days > 0 && next_day(due, db, from, until, day); from = (*day + 1) * DAY_US) {
    if (late_due || !has_parts(db, *day) || has_many_late(due, db, *day))
      return true;
    late = true;
  }
  if (!late || late_due)
    due->late_since_us = 0;
  else if (due->late_since_us == 0)
    due->late_since_us = now_us;
  return false;
}

static size_t list_parts(sqlite3 *db, int64_t day, int64_t *joined) {
  sqlite3_stmt *stmt = NULL;
  size_t n = 0;
  if (sqlite3_prepare_v2(db,
                         "SELECT part FROM parts WHERE day = ? AND state = 1 ORDER BY part LIMIT ?",
                         -1, &stmt, NULL) == SQLITE_OK) {
    sqlite3_bind_int64(stmt, 1, day);
    sqlite3_bind_int(stmt, 2, DUE_MOST_JOINED);
    while (sqlite3_step(stmt) == SQLITE_ROW)
      joined[n++] = sqlite3_column_int64(stmt, 0);
  }
  sqlite3_finalize(stmt);
  return n;
}

static bool next_joining(sqlite3 *db, int64_t *day, int64_t *joined, size_t *njoined) {
  static const char sql[] =
      "SELECT day FROM parts LEFT JOIN (SELECT part, count(*) AS n FROM part_masks GROUP BY part) "
      "AS m USING(part) WHERE state = 1 GROUP BY day "
      "HAVING count(*) >= ?1 OR coalesce(sum(m.n), 0) * ?2 >= sum(rows) LIMIT 1";
  if (!read_int(db, sql, MANY_PARTS, VOID_SHARE, day))
    return false;
  *njoined = list_parts(db, *day, joined);
  return *njoined > 0;
}

bool due_next(struct due_days *due, sqlite3 *db, int64_t now_us, int64_t *day, int64_t *joined,
              size_t *njoined) {
  *njoined = 0;
  if (now_us < due->put_off_until_us)
    return false;
  return next_sealing(due, db, now_us, day) || next_joining(db, day, joined, njoined);
}
