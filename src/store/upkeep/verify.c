#include "store/upkeep/verify.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "store/cold/manifest.h"
#include "store/file/coverage.h"
#include "store/file/database.h"
#include "store/file/place.h"
#include "store/file/tables.h"
#include "store/upkeep/check_file.h"
#include "store/upkeep/parts.h"
#include "store/upkeep/verify_rows.h"

struct verify {
  const struct schema *schema;
  const char *path;
  sqlite3 *db;
  struct upkeep_progress *progress;
  struct upkeep_report *report;
  struct buf *error;
  struct view *view; /* of the parts */
  uint32_t wrong_sets;
};

/* What cannot be read at all is a fault, and the last one that is found. */
static int explain(struct verify *v, int rc) {
  if ((rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB) {
    check_fault(check_begin(v->report, "file"), "%s: restore a backup", sqlite3_errmsg(v->db));
    return UV_EILSEQ;
  }
  if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_INTERRUPT)
    database_explain(v->db, v->path, v->error);
  return database_status(rc);
}

/* UV_ECANCELED, else 0: what is wrong is in the check. */
static int check_part(struct verify *v, const struct kept_part *part, const char *path,
                      struct upkeep_check *check) {
  struct disk_sums sums;
  struct buf why = {0};
  int status = disk_sum(path, v->progress, &sums, &why);
  if (status == 0)
    status = kept_part_check(part, path, &sums, &why);
  if (status < 0 && status != UV_ECANCELED)
    check_fault(check, "%.*s", (int) why.len, why.data);
  buf_clear(&why);
  check->seen++;
  return status == UV_ECANCELED ? status : 0;
}

static int check_parts(struct verify *v) {
  struct kept_parts parts = {0};
  struct upkeep_check *check = check_begin(v->report, "parts");
  char *folder = cold_folder(v->path);
  int status = explain(v, kept_parts_read(v->db, &parts));
  upkeep_step(v->progress, "reading parts", parts.bytes);
  for (size_t i = 0; i < parts.len && status == 0; i++) {
    char *path = disk_join(folder, parts.items[i].file);
    status = check_part(v, &parts.items[i], path, check);
    free(path);
  }
  kept_parts_clear(&parts);
  free(folder);
  return status;
}

static bool is_cancelled(void *progress) {
  return atomic_load(&((struct upkeep_progress *) progress)->cancelled);
}

struct cold_scan verify_scan(struct view *view, sqlite3 *db, struct upkeep_progress *progress) {
  return (struct cold_scan){.view = view, .db = db, .from = INT64_MIN, .to = INT64_MAX,
                            .stopped = is_cancelled, .stopped_arg = progress};
}

int verify_part_fault(struct view *view, struct upkeep_check *check) {
  check_fault(check, "%s: restore a backup", view_why(view));
  return SQLITE_OK;
}

/* Temporary tables are written; the file is open for reading. */
static int compare_rows(struct verify *v) {
  int rc = database_exec(v->db, "PRAGMA query_only=0");
  if (rc == SQLITE_OK)
    rc = view_refresh(v->view, v->db);
  if (rc == SQLITE_OK)
    rc = verify_ids(v->db, v->view, v->progress, v->report);
  if (rc == SQLITE_OK)
    rc = verify_cells(v->db, v->view, v->progress, v->report, &v->wrong_sets);
  return rc;
}

static int check_all(struct verify *v, bool full) {
  upkeep_step(v->progress, "reading pages", 0);
  int status = explain(v, check_pages(v->db, full, v->report));
  if (status == 0)
    status = check_parts(v);
  return status == 0 && full ? explain(v, compare_rows(v)) : status;
}

static int open_moment(struct verify *v) {
  bool empty = false;
  if (access(v->path, F_OK) < 0)
    return disk_fail(v->path, v->error);
  int rc = database_open(&v->db, v->path, ACCESS_READER);
  check_listens(v->db, v->progress);
  if (rc == SQLITE_OK)
    rc = database_exec(v->db, "BEGIN; SELECT count(*) FROM sqlite_schema");
  if (rc != SQLITE_OK)
    return explain(v, rc);
  int status = tables_identify(v->db, v->path, &empty, v->error);
  if (status == 0 && empty) {
    check_fault(check_begin(v->report, "file"), TABLES_NOTHING);
    status = UV_EILSEQ;
  }
  return status;
}

static struct upkeep_check *wrong_check(struct verify *v, const char *name) {
  for (size_t i = 0; i < v->report->nchecks; i++)
    if (strcmp(v->report->checks[i].name, name) == 0 && v->report->checks[i].faults > 0)
      return &v->report->checks[i];
  return NULL;
}

/* The next start makes a set's cells of rows where it does not find the layout that they have. */
static int remake_cells(struct verify *v, sqlite3 *db) {
  struct upkeep_check *check = wrong_check(v, "cells");
  int rc = SQLITE_OK;
  for (size_t s = 0; s < v->schema->nsets && rc == SQLITE_OK; s++) {
    char *sql = sqlite3_mprintf("DELETE FROM meta WHERE key = 'layout:%q'",
                                v->schema->sets[s].name);
    rc = v->wrong_sets >> s & 1 ? database_exec(db, sql) : SQLITE_OK;
    sqlite3_free(sql);
  }
  if (check != NULL)
    check->repaired = rc == SQLITE_OK;
  return rc;
}

/* Those of rows that retention has taken stand nowhere else. */
static int repair_ids(struct verify *v, sqlite3 *db) {
  struct upkeep_check *check = wrong_check(v, "ids");
  struct coverage coverage;
  int rc = coverage_read(db, v->schema, &coverage);
  if (rc != SQLITE_OK || check == NULL || coverage.rows != COVERS_EVER)
    return rc;
  upkeep_step(v->progress, "writing ids", 0);
  rc = remake_ids(db, v->view);
  check->repaired = rc == SQLITE_OK;
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* An index that lacks rows makes no other page wrong. */
static int remake_index(struct verify *v, sqlite3 *db) {
  struct upkeep_check *check = wrong_check(v, "pages");
  struct upkeep_report again = {0};
  if (check == NULL)
    return SQLITE_OK;
  upkeep_step(v->progress, "writing indexes", 0);
  int rc = database_exec(db, "REINDEX");
  if (rc == SQLITE_OK)
    rc = check_pages(db, true, &again);
  check->repaired = rc == SQLITE_OK && again.checks[0].faults == 0;
  return (rc & 0xff) == SQLITE_CORRUPT ? SQLITE_OK : rc;
}

static int repair(struct verify *v) {
  sqlite3 *db = NULL;
  sqlite3_close(v->db);
  v->db = NULL;
  int rc = database_open(&db, v->path, ACCESS_WRITER);
  check_listens(db, v->progress);
  if (rc == SQLITE_OK)
    rc = remake_index(v, db);
  if (rc == SQLITE_OK)
    rc = repair_ids(v, db);
  if (rc == SQLITE_OK)
    rc = remake_cells(v, db);
  if (rc != SQLITE_OK)
    database_explain(db, v->path, v->error);
  sqlite3_close(db);
  return database_status(rc);
}

static bool is_wrong(const struct upkeep_report *report) {
  for (size_t i = 0; i < report->nchecks; i++)
    if (report->checks[i].faults > 0)
      return true;
  return false;
}

static int verify_and_repair(struct verify *v, const struct upkeep_order *order) {
  int status = open_moment(v);
  if (status == 0)
    status = check_all(v, order->full || order->repair);
  if (status == UV_EILSEQ) /* it stands in the report */
    return 0;
  return status == 0 && order->repair && is_wrong(v->report) ? repair(v) : status;
}

int verify_database(const char *path, const struct schema *schema,
                    const struct upkeep_order *order, struct upkeep_progress *progress,
                    struct upkeep_report *report, struct buf *error) {
  struct verify v = {.path = path, .schema = schema, .progress = progress, .report = report,
                     .error = error};
  struct part_files *files = part_files_new(path);
  int lock = order->repair ? place_lock(path, error) : 0, status = lock;
  v.view = view_new(files, schema);
  if (lock >= 0)
    status = verify_and_repair(&v, order);
  view_free(v.view);
  part_files_free(files);
  sqlite3_close(v.db);
  if (order->repair && lock >= 0)
    close(lock);
  return status;
}
