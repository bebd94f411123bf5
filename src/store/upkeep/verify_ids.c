#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "store/file/database.h"
#include "store/file/id_segments.h"
#include "store/upkeep/check_file.h"
#include "store/upkeep/verify_rows.h"

enum { LOOK_ROWS = 4096 }; /* between two looks at progress */

struct verify_ids {
  sqlite3 *db;
  const char *id; /* name of the column */
  struct hash_seed seed;
  struct upkeep_progress *progress;
  struct upkeep_check *check;
};

static int by_row(const void *a, const void *b) {
  const struct id_entry *x = a, *y = b;
  int order = (x->row > y->row) - (x->row < y->row);
  return order != 0 ? order : id_entry_same(a, b);
}

/* Of the rows in (after, last]; the entries ascend by row. */
static int compare_rows(struct verify_ids *v, const struct id_entries *entries, int64_t after,
                        int64_t last) {
  sqlite3_stmt *stmt = NULL;
  char *sql = sqlite3_mprintf("SELECT rowid, \"%w\" FROM rows WHERE rowid > %lld AND "
                              "rowid <= %lld ORDER BY rowid", v->id, (long long) after,
                              (long long) last);
  int rc = sqlite3_prepare_v2(v->db, sql, -1, &stmt, NULL);
  sqlite3_free(sql);
  for (; rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW; rc = SQLITE_OK) {
    const char *id = (const char *) sqlite3_column_text(stmt, 1);
    size_t len = (size_t) sqlite3_column_bytes(stmt, 1);
    struct id_entry wanted = {(int64_t) hash_bytes(&v->seed, id, len),
                              sqlite3_column_int64(stmt, 0)};
    if (entries->len == 0 || bsearch(&wanted, entries->items, entries->len, sizeof wanted,
                                     by_row) == NULL)
      check_fault(v->check, "row %lld: its id is not among the ids: moonledger verify --repair "
                  "makes them anew", (long long) wanted.row);
    if (++v->check->seen % LOOK_ROWS == 0)
      atomic_store(&v->progress->done, v->check->seen);
  }
  sqlite3_finalize(stmt);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int verify_segment(struct verify_ids *v, int64_t segment, int64_t after, int64_t last) {
  struct id_entries entries = {0};
  int rc = segments_read_entries(v->db, segment, &entries);
  if (entries.len > 0)
    qsort(entries.items, entries.len, sizeof *entries.items, by_row);
  if (rc == SQLITE_OK)
    rc = compare_rows(v, &entries, after, last);
  id_entries_clear(&entries);
  return rc;
}

static int verify_segments(struct verify_ids *v) {
  struct segments segments;
  int64_t last = 0;
  int rc = segments_open(&segments, v->db, 0);
  if (rc == SQLITE_OK && segments.len > 0)
    upkeep_step(v->progress, "comparing ids", segments.items[segments.len - 1].last_row);
  for (size_t i = 0; i < segments.len && rc == SQLITE_OK; i++) {
    rc = verify_segment(v, segments.items[i].number, last, segments.items[i].last_row);
    last = segments.items[i].last_row;
  }
  segments_close(&segments);
  return rc;
}

int verify_ids(sqlite3 *db, const struct schema *schema, struct upkeep_progress *progress,
               struct upkeep_report *report) {
  struct verify_ids v = {.db = db, .id = schema->columns[schema->id].name, .progress = progress,
                         .check = check_begin(report, "ids")};
  struct buf seed = {0};
  int rc = meta_get_bytes(db, "seed", &seed);
  if (rc == SQLITE_OK && seed.len == sizeof v.seed) {
    memcpy(&v.seed, seed.data, sizeof v.seed);
    rc = verify_segments(&v);
  } else if (rc == SQLITE_OK || rc == SQLITE_DONE) {
    check_fault(v.check, "the seed of fingerprints is gone: restore a backup");
    rc = SQLITE_OK;
  }
  buf_clear(&seed);
  return rc;
}
