#include "store/cold/cleaning.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "store/cold/manifest.h"
#include "store/cold/part_files.h"
#include "store/file/database.h"
#include "store/file/place.h"

enum { TOLD_FILES = 10 }; /* strangers that the log names */

struct cleaning {
  const char *folder, *database;
  struct part_list live;
  size_t strangers;
};

bool cold_remove(const char *folder, const char *file) {
  struct buf path = {0};
  cold_path(&path, folder, file);
  bool gone = unlink(path.data) == 0 || errno == ENOENT;
  int status = gone ? place_sync_folder(path.data) : 0;
  if (status < 0 && status != -ENOENT) {
    errno = -status;
    gone = false;
  }
  if (!gone)
    log_error("a file of cold days cannot be removed: remove it by hand",
              log_str("file", path.data), log_str("error", strerror(errno)));
  char *slash = strrchr(path.data, '/');
  *slash = '\0';
  rmdir(path.data); /* it goes when it is empty */
  buf_clear(&path);
  return gone;
}

/* Those of a state lose their files, and then their entries. */
static int remove_parts(sqlite3 *db, enum part_state state, const char *folder) {
  struct part_list parts = {0};
  int rc = manifest_read(db, state, &parts);
  for (size_t i = 0; i < parts.len && rc == SQLITE_OK; i++) {
    if (!cold_remove(folder, parts.items[i].file))
      continue;
    rc = manifest_drop(db, parts.items[i].number);
    if (rc == SQLITE_OK)
      rc = manifest_forget(db, parts.items[i].number);
  }
  part_list_clear(&parts);
  return rc;
}

static bool ends_in(const char *name, const char *end) {
  size_t len = strlen(name), n = strlen(end);
  return len >= n && strcmp(name + len - n, end) == 0;
}

static bool is_ours_unfinished(const struct cleaning *c, const char *name) {
  size_t len = strlen(c->database);
  return strncmp(name, c->database, len) == 0 && name[len] == '-' &&
         ends_in(name, COLD_UNFINISHED);
}

static bool is_live(const struct cleaning *c, const char *file) {
  for (size_t i = 0; i < c->live.len; i++)
    if (strcmp(c->live.items[i].file, file) == 0)
      return true;
  return false;
}

static void look_at_file(struct cleaning *c, const char *day, const char *name) {
  char file[sizeof(struct part) + 512];
  snprintf(file, sizeof file, "%s%s%s", day, *day != '\0' ? "/" : "", name);
  if (is_ours_unfinished(c, name)) {
    cold_remove(c->folder, file);
  } else if (!is_live(c, file) && c->strangers++ < TOLD_FILES) {
    log_warn("a file among the cold days is no part of this database, and is left as it is",
             log_str("folder", c->folder), log_str("file", file));
  }
}

static void look_into(struct cleaning *c, const char *day) {
  struct buf path = {0};
  cold_path(&path, c->folder, day);
  DIR *dir = opendir(path.data);
  for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
    const char *name = entry->d_name;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
      continue;
    if (*day == '\0' && strncmp(name, "day=", 4) == 0)
      look_into(c, name);
    else
      look_at_file(c, day, name);
  }
  if (dir != NULL)
    closedir(dir);
  buf_clear(&path);
}

static void tell_missing(const struct cleaning *c, struct part_files *files) {
  for (size_t i = 0; i < c->live.len; i++)
    if (part_files_miss(files, &c->live.items[i]))
      log_error("a part of this database cannot be read: put it back from a backup",
                log_str("folder", c->folder), log_str("file", c->live.items[i].file),
                log_str("error", strerror(errno)));
}

int cold_clean(sqlite3 *db, struct part_files *files, const char *database) {
  const char *folder = part_files_folder(files);
  struct cleaning c = {.folder = folder, .database = database};
  int64_t unwanted = 0;
  int rc = database_int(db, "SELECT count(*) FROM parts WHERE state <> 1", &unwanted);
  if (rc == SQLITE_OK && unwanted > 0) { /* on the disk it must say so before the file goes */
    rc = database_sync(db);
    if (rc == SQLITE_OK)
      rc = database_exec(db, "BEGIN IMMEDIATE");
    if (rc == SQLITE_OK)
      rc = remove_parts(db, PART_PENDING, folder);
    if (rc == SQLITE_OK)
      rc = remove_parts(db, PART_DROPPED, folder);
    if (rc == SQLITE_OK)
      rc = database_exec(db, "COMMIT");
  }
  if (rc == SQLITE_OK)
    rc = manifest_read(db, PART_LIVE, &c.live);
  if (rc == SQLITE_OK) {
    look_into(&c, "");
    tell_missing(&c, files);
  }
  part_list_clear(&c.live);
  return rc;
}
