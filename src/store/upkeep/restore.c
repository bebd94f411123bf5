#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/file.h"
#include "base/mem.h"
#include "store/cold/manifest.h"
#include "store/file/database.h"
#include "store/file/place.h"
#include "store/file/tables.h"
#include "store/upkeep/backup.h"
#include "store/upkeep/check_file.h"
#include "store/upkeep/parts.h"

enum { MOST_SUMS = 64 << 20, HASH = 64 };

/* A line of SHA256SUMS. */
struct item {
  const char *sha256, *name; /* of HASH letters; below the folder */
};

struct restore {
  const char *folder, *path; /* from, to */
  char *cold;                /* where parts go */
  struct buf sums;
  struct item *parts;
  size_t nparts, cap;
  struct item file; /* the database */
  struct upkeep_progress *progress;
  struct upkeep_report *report;
  struct buf *error;
};

static int refuse(struct restore *r, const char *what) {
  buf_printf(r->error, "%s/" BACKUP_SUMS ": %s; name the folder of a backup", r->folder, what);
  return UV_EINVAL;
}

/* "NAME.cold/day=../file" leads to NAME.cold of the new name. */
static const char *below_cold(const char *name) {
  const char *slash = strchr(name, '/');
  return slash != NULL && slash - name > 5 && memcmp(slash - 5, ".cold", 5) == 0 ? slash + 1 : NULL;
}

static int take_line(struct restore *r, char *line, size_t len) {
  struct item item = {line, line + HASH + 2};
  if (len <= HASH + 2 || strspn(line, "0123456789abcdef") != HASH ||
      memcmp(line + HASH, "  ", 2) != 0 || strstr(item.name, "..") != NULL)
    return refuse(r, "not as a backup has it");
  line[HASH] = '\0';
  if (strchr(item.name, '/') == NULL) {
    if (r->file.name != NULL)
      return refuse(r, "lists two databases");
    r->file = item;
    return 0;
  }
  if (below_cold(item.name) == NULL)
    return refuse(r, "lists what is no part");
  if (r->nparts == r->cap) {
    r->cap = r->cap * 2 + 64;
    r->parts = xrealloc(r->parts, r->cap * sizeof *r->parts);
  }
  r->parts[r->nparts++] = item;
  return 0;
}

static int read_sums(struct restore *r) {
  char *path = disk_join(r->folder, BACKUP_SUMS);
  const char *why = file_read_all(path, 0, MOST_SUMS, &r->sums);
  free(path);
  if (why != NULL)
    return refuse(r, why);
  buf_putc(&r->sums, '\0');
  int status = 0;
  for (char *line = r->sums.data, *end; status == 0 && (end = strchr(line, '\n')) != NULL;
       line = end + 1) {
    *end = '\0';
    status = take_line(r, line, (size_t) (end - line));
  }
  return status == 0 && r->file.name == NULL ? refuse(r, "lists no database") : status;
}

static int damaged(struct restore *r, const struct item *item) {
  buf_printf(r->error, "%s/%s: not what was written (its SHA-256 is another): take another backup",
             r->folder, item->name);
  return UV_EIO;
}

static int copy_item(struct restore *r, const struct item *item, const char *to) {
  char *from = disk_join(r->folder, item->name);
  struct disk_sums sums;
  unlink(to); /* of a restore that was killed */
  int status = disk_copy(from, to, r->progress, &sums, r->error);
  if (status == 0 && memcmp(sums.sha256, item->sha256, HASH) != 0) {
    unlink(to);
    status = damaged(r, item);
  }
  free(from);
  return status;
}

/* A part that is there already is the same, or another database's of the same name. */
static int compare_part(struct restore *r, const struct item *item, const char *there) {
  struct disk_sums sums;
  int status = disk_sum(there, r->progress, &sums, r->error);
  if (status == 0 && memcmp(sums.sha256, item->sha256, HASH) != 0) {
    buf_printf(r->error, "%s: stands where the backup's %s goes and is another; move it away",
               there, item->name);
    status = UV_EEXIST;
  }
  return status;
}

static int restore_part(struct restore *r, const struct item *item) {
  char *to = disk_join(r->cold, below_cold(item->name));
  char *unfinished = sqlite3_mprintf("%s.unfinished", to);
  int status = place_make_folders(to, r->error);
  if (status == 0 && access(to, F_OK) == 0) {
    status = compare_part(r, item, to);
  } else if (status == 0) {
    status = copy_item(r, item, unfinished);
    if (status == 0 && rename(unfinished, to) < 0)
      status = disk_fail(to, r->error);
  }
  sqlite3_free(unfinished);
  free(to);
  return status;
}

static int restore_parts(struct restore *r) {
  int status = 0;
  for (size_t i = 0; i < r->nparts && status == 0; i++)
    status = restore_part(r, &r->parts[i]);
  check_begin(r->report, "parts")->seen = (int64_t) r->nparts;
  return status == 0 && r->nparts > 0 ? disk_sync_tree(r->cold, r->error) : status;
}

static int check_file(struct restore *r, const char *path) {
  sqlite3 *db = NULL;
  bool empty;
  upkeep_step(r->progress, "checking", 0);
  int rc = database_open(&db, path, ACCESS_READER), status = 0;
  check_listens(db, r->progress);
  if (rc == SQLITE_OK)
    status = tables_identify(db, path, &empty, r->error);
  if (rc == SQLITE_OK && status == 0)
    rc = check_pages(db, false, r->report);
  if (rc == SQLITE_OK && status == 0)
    rc = database_int(db, "SELECT count(*) FROM rows", &check_begin(r->report, "rows")->seen);
  if (rc != SQLITE_OK) {
    database_explain(db, path, r->error);
    status = database_status(rc);
  }
  sqlite3_close(db);
  return status;
}

static int restore_file(struct restore *r) {
  char *fresh = sqlite3_mprintf("%s-restore", r->path);
  int status = copy_item(r, &r->file, fresh);
  if (status == 0)
    status = check_file(r, fresh);
  for (size_t i = 0; status == 0 && i < r->report->nchecks; i++)
    if (r->report->checks[i].faults > 0)
      status = damaged(r, &r->file);
  if (status == 0 && rename(fresh, r->path) < 0)
    status = disk_fail(r->path, r->error);
  if (status == 0)
    status = disk_sync_parent(r->path, r->error);
  if (status < 0)
    unlink(fresh);
  sqlite3_free(fresh);
  return status;
}

static int64_t size_of(const struct restore *r, const struct item *item) {
  char *path = disk_join(r->folder, item->name);
  struct stat st;
  int64_t bytes = stat(path, &st) == 0 ? (int64_t) st.st_size : 0;
  free(path);
  return bytes;
}

static int check_vacant(struct restore *r, const char *suffix) {
  char *path = sqlite3_mprintf("%s%s", r->path, suffix);
  int status = 0;
  if (access(path, F_OK) == 0) {
    buf_printf(r->error, "%s: stands where the database goes; move it away", path);
    status = UV_EEXIST;
  }
  sqlite3_free(path);
  return status;
}

static int check_place(struct restore *r) {
  int64_t bytes = size_of(r, &r->file);
  for (size_t i = 0; i < r->nparts; i++)
    bytes += size_of(r, &r->parts[i]);
  upkeep_step(r->progress, "copying", bytes);
  int status = check_vacant(r, "");
  if (status == 0)
    status = check_vacant(r, "-wal"); /* SQLite would take it for this file's */
  return status == 0 ? disk_check_room(r->path, size_of(r, &r->file), r->error) : status;
}

static int restore_all(struct restore *r) {
  int status = check_place(r);
  if (status == 0)
    status = restore_parts(r);
  return status == 0 ? restore_file(r) : status;
}

int backup_restore(const char *folder, const char *path, struct upkeep_progress *progress,
                   struct upkeep_report *report, struct buf *error) {
  struct restore r = {.folder = folder, .path = path, .progress = progress, .report = report,
                      .error = error};
  int status = read_sums(&r), lock = -1;
  if (status == 0)
    status = place_check(path, error);
  if (status == 0)
    status = place_make_folders(path, error);
  if (status == 0)
    status = lock = place_lock(path, error);
  if (status >= 0) {
    r.cold = cold_folder(path);
    status = restore_all(&r);
  }
  if (lock >= 0)
    close(lock);
  free(r.cold);
  free(r.parts);
  buf_clear(&r.sums);
  return status;
}
