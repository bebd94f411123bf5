#include <stdlib.h>

#include "base/hash.h"
#include "store/file/database.h"
#include "store/file/id_segments.h"
#include "store/upkeep/check_file.h"
#include "store/upkeep/verify_rows.h"

enum { LOOK_ROWS = 4096 }; /* between two looks at progress */

struct verify_ids {
  sqlite3 *db;
  struct view *view;
  const char *id; /* name of the column */
  int column;     /* the same, of the schema */
  struct segments segments;
  struct hash_seed seed;
  struct upkeep_progress *progress;
  struct upkeep_check *check;
};

static int by_row(const void *a, const void *b) {
  const struct id_entry *x = a, *y = b;
  int order = (x->row > y->row) - (x->row < y->row);
  return order != 0 ? order : id_entry_same(a, b);
}

/* The entries ascend by row. */
static void compare_row(struct verify_ids *v, const struct id_entries *entries,
                        struct id_entry wanted) {
  if (entries->len == 0 || bsearch(&wanted, entries->items, entries->len, sizeof wanted,
                                   by_row) == NULL)
    check_fault(v->check, "row %lld: its id is not among the ids: moonledger verify --repair "
                "makes them anew", (long long) wanted.row);
  if (++v->check->seen % LOOK_ROWS == 0)
    atomic_store(&v->progress->done, v->check->seen);
}

/* Of the rows in (after, last]. */
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
    compare_row(v, entries, wanted);
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

/* Rows after the last segment: their ids are read from the rows themselves at every start. */
static int count_newer(struct verify_ids *v, int64_t last) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(v->db, "SELECT count(*) FROM rows WHERE rowid > ?", -1, &stmt, NULL);
  if (rc == SQLITE_OK)
    rc = sqlite3_bind_int64(stmt, 1, last);
  if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
    v->check->seen += sqlite3_column_int64(stmt, 0);
  sqlite3_finalize(stmt);
  return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int verify_table(struct verify_ids *v) {
  const struct segments *segments = &v->segments;
  int64_t last = 0;
  int rc = SQLITE_OK;
  if (segments->len > 0)
    upkeep_step(v->progress, "comparing ids", segments->items[segments->len - 1].last_row);
  for (size_t i = 0; i < segments->len && rc == SQLITE_OK; i++) {
    rc = verify_segment(v, segments->items[i].number, last, segments->items[i].last_row);
    last = segments->items[i].last_row;
  }
  return rc == SQLITE_OK ? count_newer(v, last) : rc;
}

static int compare_page(void *arg, struct cursor *c, const uint16_t *places, size_t n) {
  struct verify_ids *v = arg;
  int64_t fingerprints[PARQUET_PAGE_ROWS];
  struct id_entries found = {0};
  const struct parquet_vector *rows = cursor_get(v->view, c, c->rowid), *ids = NULL;
  if (rows != NULL)
    ids = cursor_get(v->view, c, c->columns[v->column]);
  if (ids == NULL)
    return SQLITE_CORRUPT;
  for (size_t i = 0; i < n; i++) {
    struct parquet_text id = parquet_text_at(ids, places[i]);
    fingerprints[i] = (int64_t) hash_bytes(&v->seed, id.len > 0 ? id.data : "", id.len);
  }
  int rc = segments_probe(&v->segments, INT64_MAX, fingerprints, n, &found);
  if (found.len > 0)
    qsort(found.items, found.len, sizeof *found.items, by_row);
  for (size_t i = 0; i < n && rc == SQLITE_OK; i++)
    compare_row(v, &found, (struct id_entry){fingerprints[i], rows->integers[places[i]]});
  id_entries_clear(&found);
  return rc;
}

static int verify_parts(struct verify_ids *v) {
  const struct cold_scan scan = verify_scan(v->view, v->db, v->progress);
  const struct cold_walk walk = {.scan = &scan, .page = compare_page, .arg = v};
  int rc = SQLITE_OK;
  upkeep_step(v->progress, "comparing ids of parts", 0);
  while (rc == SQLITE_OK && view_parts(v->view) > 0 && segments_have_unread(&v->segments))
    rc = segments_read_filter(&v->segments);
  for (size_t i = 0; i < view_parts(v->view) && rc == SQLITE_OK; i++) {
    rc = cold_walk_part(&walk, i);
    if (rc == SQLITE_CORRUPT && *view_why(v->view) != '\0')
      rc = verify_part_fault(v->view, v->check);
  }
  return rc;
}

static int verify_all(struct verify_ids *v) {
  int rc = segments_open(&v->segments, v->db, SIZE_MAX);
  if (rc == SQLITE_OK)
    rc = verify_table(v);
  if (rc == SQLITE_OK)
    rc = verify_parts(v);
  segments_close(&v->segments);
  return rc;
}

int verify_ids(sqlite3 *db, struct view *view, struct upkeep_progress *progress,
               struct upkeep_report *report) {
  const struct schema *schema = view_schema(view);
  struct verify_ids v = {.db = db, .view = view, .id = schema->columns[schema->id].name,
                         .column = schema->id, .progress = progress,
                         .check = check_begin(report, "ids")};
  int rc = meta_get_exactly(db, "seed", &v.seed, sizeof v.seed);
  if (rc == SQLITE_OK)
    return verify_all(&v);
  if (rc != SQLITE_DONE)
    return rc;
  check_fault(v.check, "the seed of fingerprints is gone: restore a backup");
  return SQLITE_OK;
}
