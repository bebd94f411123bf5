#include "base/clock.h"
#include "base/hash.h"
#include "store/cold/rows_table.h"
#include "store/file/database.h"
#include "store/file/id_segments.h"
#include "store/upkeep/verify_rows.h"

/* A segment has all ids of its rows. */
static int write_when_full(struct segments *segments, struct id_entries *entries, int64_t last_row,
                           size_t least) {
  if (entries->len < least || entries->len == 0)
    return SQLITE_OK;
  int rc = segments_write(segments, entries, 1, 0, last_row, clock_now_us());
  entries->len = 0;
  return rc;
}

static int write_segments(sqlite3 *db, sqlite3_stmt *stmt, const struct hash_seed *seed) {
  struct segments segments;
  struct id_entries entries = {0};
  int64_t last_row = 0;
  int rc = segments_open(&segments, db, 0);
  for (; rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW; rc = SQLITE_OK) {
    int64_t row = sqlite3_column_int64(stmt, 0);
    const char *id = (const char *) sqlite3_column_text(stmt, 1);
    size_t len = (size_t) sqlite3_column_bytes(stmt, 1);
    int64_t fingerprint = (int64_t) hash_bytes(seed, id, len);
    if (row != last_row && (rc = write_when_full(&segments, &entries, last_row, SEGMENT_IDS)) != 0)
      break;
    id_entries_push(&entries, (struct id_entry){fingerprint, row});
    last_row = row;
  }
  if (rc == SQLITE_DONE)
    rc = write_when_full(&segments, &entries, last_row, 0);
  id_entries_clear(&entries);
  segments_close(&segments);
  return rc;
}

static int remake(sqlite3 *db, const struct schema *schema, const struct hash_seed *seed) {
  sqlite3_stmt *stmt = NULL;
  char *sql = segments_rows_sql(schema->columns[schema->id].name,
                                schema->other_id >= 0 ? schema->columns[schema->other_id].name
                                                      : NULL);
  int rc = database_exec(db, "DELETE FROM ids; DELETE FROM segments");
  if (rc == SQLITE_OK && sqlite3_table_column_metadata(db, NULL, "late_ids", NULL, NULL, NULL, NULL,
                                                       NULL, NULL) == SQLITE_OK)
    rc = database_exec(db, "DELETE FROM late_ids"); /* a file of an earlier day has none */
  if (rc == SQLITE_OK)
    rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
  sqlite3_free(sql);
  sqlite3_bind_int64(stmt, 1, INT64_MIN);
  if (rc == SQLITE_OK)
    rc = write_segments(db, stmt, seed);
  sqlite3_finalize(stmt);
  return rc;
}

int remake_ids(sqlite3 *db, struct view *view) {
  struct hash_seed seed;
  int rc = meta_get_exactly(db, "seed", &seed, sizeof seed);
  if (rc == SQLITE_OK && !rows_table_connect(db))
    rc = rows_table_make(db, view); /* with parts `rows` has theirs too */
  if (rc == SQLITE_OK)
    rc = database_exec(db, "PRAGMA query_only=0; BEGIN IMMEDIATE");
  if (rc == SQLITE_OK)
    rc = view_refresh(view, db);
  if (rc == SQLITE_OK)
    rc = remake(db, view_schema(view), &seed);
  if (rc == SQLITE_OK)
    rc = database_exec(db, "COMMIT");
  if (rc != SQLITE_OK && !sqlite3_get_autocommit(db))
    database_exec(db, "ROLLBACK");
  return rc;
}
