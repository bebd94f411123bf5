#include "store/upkeep/upgrade.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "store/file/database.h"
#include "store/file/place.h"
#include "store/file/tables.h"
#include "store/upkeep/check_file.h"
#include "store/upkeep/disk.h"

enum { STEPS = 20000 }; /* of SQLite's machine between two looks, some milliseconds */

/* Measured on two cores and a virtual disk, with the check of what was written. */
static const double BYTES_PER_SECOND = 60e6;

struct upgrade {
  sqlite3 *db; /* the old file */
  const char *path;
  char *fresh; /* where the new one is written */
  struct upkeep_progress *progress;
  struct buf *error;
};

static int fail(struct upgrade *u, const char *path, sqlite3 *db) {
  database_explain(db, path, u->error);
  return database_status(sqlite3_extended_errcode(db));
}

static int check_exists(const char *path, struct buf *error) {
  if (access(path, F_OK) == 0)
    return 0;
  int status = -errno;
  buf_printf(error, "%s: %s; --database names another file", path, strerror(errno));
  return status;
}

static int read_cost(sqlite3 *db, struct upgrade_cost *cost) {
  int64_t page = 0, pages = 0, unused = 0;
  int rc = database_int(db, "PRAGMA page_size", &page);
  if (rc == SQLITE_OK)
    rc = database_int(db, "PRAGMA page_count", &pages);
  if (rc == SQLITE_OK)
    rc = database_int(db, "PRAGMA freelist_count", &unused);
  cost->needed = !tables_can_shrink(db);
  cost->file_bytes = page * pages;
  cost->disk_bytes = page * (pages - unused);
  cost->seconds = (double) cost->disk_bytes / BYTES_PER_SECOND;
  return rc;
}

int upgrade_cost(const char *path, struct upgrade_cost *cost, struct buf *error) {
  sqlite3 *db = NULL;
  int status = check_exists(path, error), rc = SQLITE_OK;
  if (status < 0)
    return status;
  *cost = (struct upgrade_cost){.free_bytes = place_free(path)};
  rc = database_open(&db, path, ACCESS_READER);
  bool empty = false;
  if (rc == SQLITE_OK)
    status = tables_identify(db, path, &empty, error);
  if (rc == SQLITE_OK && status == 0)
    rc = read_cost(db, cost);
  if (rc != SQLITE_OK) {
    database_explain(db, path, error);
    status = database_status(rc);
  }
  sqlite3_close(db);
  return status;
}

static int check_room(struct upgrade *u) {
  struct upgrade_cost cost;
  if (read_cost(u->db, &cost) != SQLITE_OK)
    return fail(u, u->path, u->db);
  atomic_store(&u->progress->total, cost.disk_bytes);
  return disk_check_room(u->fresh, cost.disk_bytes, u->error);
}

static int on_steps(void *arg) {
  struct upgrade *u = arg;
  struct stat st;
  if (stat(u->fresh, &st) == 0)
    atomic_store(&u->progress->done, (long long) st.st_size);
  return atomic_load(&u->progress->cancelled);
}

/* Leaving WAL fails while anybody else has the file open; from then on nobody can open it. */
static int take_alone(struct upgrade *u) {
  int rc = database_exec(u->db, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=DELETE;"
                                "BEGIN EXCLUSIVE; COMMIT");
  return rc == SQLITE_OK ? 0 : fail(u, u->path, u->db);
}

static int write_fresh(struct upgrade *u) {
  char *sql = sqlite3_mprintf("PRAGMA auto_vacuum=INCREMENTAL; VACUUM INTO %Q", u->fresh);
  sqlite3_progress_handler(u->db, STEPS, on_steps, u);
  int rc = database_exec(u->db, sql);
  int status = rc == SQLITE_OK ? 0 : fail(u, u->fresh, u->db);
  sqlite3_progress_handler(u->db, 0, NULL, NULL);
  sqlite3_free(sql);
  return status;
}

/* Rowids name rows to ids, cells and streams: SQLite keeps them where it writes INTO another file,
 * but promises it only of keys that are declared. */
static int same_rows(sqlite3 *old, sqlite3 *fresh, bool *same) {
  static const char *const figures[] = {"SELECT count(*) FROM rows", "SELECT min(rowid) FROM rows",
                                        "SELECT max(rowid) FROM rows"};
  int rc = SQLITE_OK;
  *same = true;
  for (size_t i = 0; i < 3 && rc == SQLITE_OK; i++) {
    int64_t was = 0, is = 0;
    rc = database_int(old, figures[i], &was);
    if (rc == SQLITE_OK)
      rc = database_int(fresh, figures[i], &is);
    *same = *same && was == is;
  }
  return rc;
}

static int check_fresh(struct upgrade *u) {
  sqlite3 *db = NULL;
  bool same = false;
  struct upkeep_report report = {0};
  upkeep_step(u->progress, "checking", 0);
  int rc = database_open(&db, u->fresh, ACCESS_READER);
  check_listens(db, u->progress);
  if (rc == SQLITE_OK)
    rc = check_pages(db, false, &report);
  if (rc == SQLITE_OK)
    rc = same_rows(u->db, db, &same);
  int status = rc == SQLITE_OK ? 0 : fail(u, u->fresh, db);
  if (status == 0 && (report.checks[0].faults > 0 || !same)) {
    buf_printf(u->error, "%s: the copy is not what the file is: moonledger verify tells whether "
               "that is damaged", u->path);
    status = UV_EIO;
  }
  sqlite3_close(db);
  return status;
}

static int write_and_check(struct upgrade *u) {
  upkeep_step(u->progress, "writing", 0);
  int status = take_alone(u);
  if (status == 0)
    status = check_room(u);
  if (status == 0)
    status = write_fresh(u);
  if (status == 0)
    status = check_fresh(u);
  if (status == 0)
    status = disk_replace(u->fresh, u->path, u->error);
  if (status < 0)
    unlink(u->fresh);
  return status;
}

static int open_old(struct upgrade *u) {
  bool empty = false;
  int rc = database_open(&u->db, u->path, ACCESS_WRITER);
  return rc == SQLITE_OK ? tables_identify(u->db, u->path, &empty, u->error)
                         : fail(u, u->path, u->db);
}

int upgrade_file(const char *path, struct upkeep_progress *progress, struct buf *error) {
  char *real = realpath(path, NULL); /* a link stays one */
  struct upgrade u = {.path = real != NULL ? real : path, .progress = progress, .error = error};
  u.fresh = sqlite3_mprintf("%s-upgrade", u.path);
  int status = check_exists(path, error), lock = status == 0 ? place_lock(u.path, error) : status;
  if (lock >= 0) {
    unlink(u.fresh); /* of an upgrade that was killed */
    status = open_old(&u);
    if (status == 0 && !tables_can_shrink(u.db))
      status = write_and_check(&u);
    sqlite3_close(u.db);
    close(lock);
  }
  sqlite3_free(u.fresh);
  free(real);
  return lock < 0 ? lock : status;
}
