#include "store/upkeep/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/mem.h"
#include "store/cold/manifest.h"
#include "store/file/database.h"
#include "store/file/place.h"
#include "store/file/tables.h"
#include "store/upkeep/check_file.h"
#include "store/upkeep/parts.h"

enum {
  PAGES = 256, /* between two looks */
  TRIES = 5,   /* a part that is listed may be joined with others, and gone, before it is linked */
};

struct backup {
  const char *path, *folder; /* from, to */
  char *unfinished, *file;   /* FOLDER.unfinished; the database in it */
  sqlite3 *from, *to;
  struct kept_parts parts;
  int64_t rows;
  struct buf sums; /* the text of SHA256SUMS */
  int lock;
  struct upkeep_progress *progress;
  struct upkeep_report *report;
  struct buf *error;
};

static int explain(struct backup *b, const char *path, sqlite3 *db, int rc) {
  if ((rc & 0xff) != SQLITE_INTERRUPT)
    database_explain(db, path, b->error);
  return database_status(rc);
}

/* Who writes there has it locked. */
static int lock_folder(struct backup *b) {
  b->lock = open(b->unfinished, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (b->lock < 0)
    return disk_fail(b->unfinished, b->error);
  if (flock(b->lock, LOCK_EX | LOCK_NB) == 0)
    return 0;
  buf_printf(b->error, "%s: another backup writes there; let it end", b->unfinished);
  return UV_EBUSY;
}

/* What a backup left that was killed. */
static int remove_old(struct backup *b) {
  if (access(b->unfinished, F_OK) < 0)
    return 0;
  int status = lock_folder(b);
  if (status == 0)
    status = disk_remove_folder(b->unfinished, b->error);
  if (b->lock >= 0)
    close(b->lock);
  b->lock = -1;
  return status;
}

static int make_folder(struct backup *b) {
  struct stat st;
  if (lstat(b->folder, &st) == 0) {
    errno = EEXIST;
    return disk_fail(b->folder, b->error);
  }
  int status = place_make_folders(b->folder, b->error);
  if (status == 0)
    status = remove_old(b);
  if (status < 0)
    return status;
  if (mkdir(b->unfinished, 0700) < 0)
    return disk_fail(b->unfinished, b->error);
  return lock_folder(b);
}

static int64_t pages_bytes(sqlite3 *db) {
  int64_t size = 0, pages = 0;
  database_int(db, "PRAGMA page_size", &size);
  database_int(db, "PRAGMA page_count", &pages);
  return size * pages;
}

/* The sums of a file go into SHA256SUMS by its name in the folder. */
static void note_sums(struct backup *b, const char *file, const struct disk_sums *sums) {
  buf_printf(&b->sums, "%s  %s\n", sums->sha256, file + strlen(b->unfinished) + 1);
}

/* UV_ENOENT: it is gone. */
static int keep_part(struct backup *b, const struct kept_part *part, const char *from,
                     const char *to) {
  struct disk_sums sums;
  int status = place_make_folders(to, b->error);
  if (status < 0)
    return status;
  if (link(from, to) == 0)
    status = disk_sum(to, b->progress, &sums, b->error);
  else if (errno == ENOENT)
    return UV_ENOENT;
  else
    status = disk_copy(from, to, b->progress, &sums, b->error);
  if (status == 0)
    status = kept_part_check(part, from, &sums, b->error);
  if (status == 0)
    note_sums(b, to, &sums);
  return status;
}

static int keep_parts(struct backup *b) {
  char *from = cold_folder(b->path), *to = cold_folder(b->file);
  int status = 0;
  upkeep_step(b->progress, "linking parts", b->parts.bytes);
  for (size_t i = 0; i < b->parts.len && status == 0; i++) {
    char *source = disk_join(from, b->parts.items[i].file);
    char *target = disk_join(to, b->parts.items[i].file);
    status = keep_part(b, &b->parts.items[i], source, target);
    free(source);
    free(target);
  }
  free(from);
  free(to);
  return status;
}

static int begin_moment(struct backup *b) {
  kept_parts_clear(&b->parts);
  b->sums.len = 0;
  int rc = database_exec(b->from, "BEGIN");
  if (rc == SQLITE_OK)
    rc = kept_parts_read(b->from, &b->parts);
  if (rc == SQLITE_OK)
    rc = database_int(b->from, "SELECT count(*) FROM rows", &b->rows);
  return rc == SQLITE_OK ? 0 : explain(b, b->path, b->from, rc);
}

/* The parts of a moment can be gone: joined with others, or too old.  Then another one is taken. */
static int take_moment(struct backup *b) {
  for (int i = 0; i < TRIES; i++) {
    int status = begin_moment(b);
    if (status == 0)
      status = keep_parts(b);
    if (status != UV_ENOENT)
      return status;
    database_exec(b->from, "ROLLBACK");
  }
  buf_printf(b->error, "%s: parts that it lists are not there; moonledger verify names them",
             b->path);
  return UV_ENOENT;
}

static int copy_pages(struct backup *b) {
  sqlite3_backup *copy = sqlite3_backup_init(b->to, "main", b->from, "main");
  int rc = copy != NULL ? SQLITE_OK : sqlite3_errcode(b->to);
  int64_t page = 0;
  database_int(b->from, "PRAGMA page_size", &page);
  upkeep_step(b->progress, "copying", pages_bytes(b->from));
  while (rc == SQLITE_OK && (rc = sqlite3_backup_step(copy, PAGES)) == SQLITE_OK) {
    int64_t left = sqlite3_backup_remaining(copy);
    atomic_store(&b->progress->done, atomic_load(&b->progress->total) - left * page);
    if (atomic_load(&b->progress->cancelled))
      rc = SQLITE_INTERRUPT;
  }
  sqlite3_backup_finish(copy);
  return rc == SQLITE_DONE ? 0 : explain(b, b->file, b->to, rc);
}

/* Without a log of its own; and it claims no file that is not whole. */
static int settle_copy(struct backup *b) {
  int64_t tables = 0;
  int rc = database_exec(b->to, "PRAGMA journal_mode=DELETE");
  if (rc == SQLITE_OK)
    rc = database_int(b->to, "SELECT count(*) FROM sqlite_schema WHERE name = 'parts'", &tables);
  if (rc == SQLITE_OK && tables > 0)
    rc = database_exec(b->to, "DELETE FROM parts WHERE state <> 1");
  return rc == SQLITE_OK ? 0 : explain(b, b->file, b->to, rc);
}

static int check_copy(struct backup *b) {
  int64_t rows = 0;
  upkeep_step(b->progress, "checking", 0);
  check_listens(b->to, b->progress);
  int rc = check_pages(b->to, false, b->report);
  if (rc == SQLITE_OK)
    rc = database_int(b->to, "SELECT count(*) FROM rows", &rows);
  if (rc != SQLITE_OK)
    return explain(b, b->file, b->to, rc);
  const struct upkeep_check *pages = &b->report->checks[b->report->nchecks - 1];
  if (pages->faults > 0 || rows != b->rows) {
    buf_printf(b->error, "%s: the copy is damaged (%s); moonledger verify tells of the file",
               b->path, pages->faults > 0 ? pages->detail : "rows are missing");
    return UV_EIO;
  }
  check_begin(b->report, "rows")->seen = rows;
  check_begin(b->report, "parts")->seen = (int64_t) b->parts.len;
  return 0;
}

static int copy_file(struct backup *b) {
  int rc = sqlite3_open_v2(b->file, &b->to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                           SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
  if (rc == SQLITE_OK)
    rc = database_exec(b->to, "PRAGMA synchronous=OFF; PRAGMA journal_mode=OFF");
  int status = rc == SQLITE_OK ? copy_pages(b) : explain(b, b->file, b->to, rc);
  database_exec(b->from, "ROLLBACK");
  if (status == 0)
    status = settle_copy(b);
  return status == 0 ? check_copy(b) : status;
}

static int write_sums(struct backup *b) {
  char *path = disk_join(b->unfinished, BACKUP_SUMS);
  int status = disk_write(path, b->sums.data, b->sums.len, b->error);
  free(path);
  return status;
}

static int finish_folder(struct backup *b) {
  struct disk_sums sums;
  upkeep_step(b->progress, "summing up", pages_bytes(b->to));
  sqlite3_close(b->to);
  b->to = NULL;
  int status = disk_sum(b->file, b->progress, &sums, b->error);
  if (status == 0) {
    note_sums(b, b->file, &sums);
    status = write_sums(b);
  }
  if (status == 0)
    status = disk_sync_tree(b->unfinished, b->error);
  if (status == 0 && rename(b->unfinished, b->folder) < 0)
    status = disk_fail(b->folder, b->error);
  return status == 0 ? disk_sync_parent(b->folder, b->error) : status;
}

static int open_source(struct backup *b) {
  bool empty = false;
  if (access(b->path, F_OK) < 0)
    return disk_fail(b->path, b->error);
  int rc = database_open(&b->from, b->path, ACCESS_READER);
  if (rc != SQLITE_OK)
    return explain(b, b->path, b->from, rc);
  check_listens(b->from, b->progress);
  int status = tables_identify(b->from, b->path, &empty, b->error);
  if (status == 0 && empty) {
    buf_printf(b->error, "%s: nothing is in it yet", b->path);
    status = UV_ENOENT;
  }
  return status == 0 ? disk_check_room(b->folder, pages_bytes(b->from), b->error) : status;
}

static int make_backup(struct backup *b) {
  int status = open_source(b);
  if (status == 0)
    status = make_folder(b);
  if (status < 0)
    return status;
  status = take_moment(b);
  if (status == 0)
    status = copy_file(b);
  if (status == 0)
    status = finish_folder(b);
  sqlite3_close(b->to);
  if (status < 0)
    disk_remove_folder(b->unfinished, b->error);
  return status;
}

int backup_make(const char *path, const char *folder, struct upkeep_progress *progress,
                struct upkeep_report *report, struct buf *error) {
  char *real = realpath(path, NULL), *target = xstrdup(folder);
  struct backup b = {.path = real != NULL ? real : path, .folder = target, .lock = -1,
                     .progress = progress, .report = report, .error = error};
  for (size_t len = strlen(target); len > 1 && target[len - 1] == '/'; len--)
    target[len - 1] = '\0';
  b.unfinished = sqlite3_mprintf("%s.unfinished", target);
  b.file = disk_join(b.unfinished, disk_name(b.path));
  int status = make_backup(&b);
  if (b.lock >= 0)
    close(b.lock);
  sqlite3_close(b.from);
  kept_parts_clear(&b.parts);
  buf_clear(&b.sums);
  free(b.file);
  sqlite3_free(b.unfinished);
  free(target);
  free(real);
  return status;
}
