#include "store/file/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <uv.h>

#include "base/mem.h"

/* Each of our connections would have a database of its own, or (file:x?mode=memory) what
 * SQLite reads into a name. */
int place_check(const char *path, struct buf *error) {
  if (*path != '\0' && strcmp(path, ":memory:") != 0 && strncmp(path, "file:", 5) != 0)
    return 0;
  buf_printf(error,
             "\"%s\": not a file; storage.path or --database names one, such as moonledger.db",
             path);
  return UV_EINVAL;
}

int place_make_folders(const char *path, struct buf *error) {
  char *folder = xstrdup(path);
  int status = 0;
  for (char *slash = strchr(folder + 1, '/'); slash != NULL && status == 0;
       slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    if (mkdir(folder, 0700) < 0 && errno != EEXIST) {
      status = -errno;
      buf_printf(error, "%s: cannot be made (%s)", folder, strerror(errno));
    }
    *slash = '/';
  }
  free(folder);
  return status;
}

char *place_folder(const char *path) {
  const char *slash = strrchr(path, '/');
  size_t len = slash != NULL ? (size_t) (slash - path) + (slash == path) : 0;
  char *folder = len > 0 ? xmemdup(path, len + 1) : xstrdup(".");
  folder[len > 0 ? len : 1] = '\0';
  return folder;
}

bool place_stat(const char *path, const char *suffix, struct stat *st) {
  struct buf name = {0};
  buf_printf(&name, "%s%s", path, suffix);
  buf_putc(&name, '\0');
  int rc = stat(name.data, st);
  buf_clear(&name);
  return rc == 0;
}

int place_sync(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return -errno;
  int status = fsync(fd) < 0 ? -errno : 0;
  close(fd);
  return status;
}

int place_sync_folder(const char *path) {
  char *folder = place_folder(path);
  int status = place_sync(folder);
  free(folder);
  return status;
}

int64_t place_free(const char *path) {
  char *folder = place_folder(path);
  struct statvfs fs;
  int rc = statvfs(folder, &fs);
  free(folder);
  return rc == 0 ? (int64_t) fs.f_bavail * (int64_t) fs.f_frsize : -1;
}

void place_give(int fd, const char *path) {
  struct stat st;
  char *folder = place_folder(path);
  if (geteuid() == 0 && stat(folder, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) < 0)
    errno = 0; /* a disk without owners */
  free(folder);
}

/* The lock is a file of its own: to open the database itself anywhere but in SQLite
 * would drop SQLite's locks.  It stands beside the file that a link leads to, so
 * that every name of a database has one lock. */
static struct buf lock_name(const char *path) {
  char *real = realpath(path, NULL);
  struct buf name = {0};
  buf_printf(&name, "%s-lock", real != NULL ? real : path);
  buf_putc(&name, '\0');
  free(real);
  return name;
}

bool place_is_locked(const char *path) {
  struct buf name = lock_name(path);
  int fd = open(name.data, O_RDONLY | O_CLOEXEC);
  bool locked = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
  if (fd >= 0)
    close(fd);
  buf_clear(&name);
  return locked;
}

int place_lock(const char *path, struct buf *error) {
  struct buf name = lock_name(path);
  int fd = open(name.data, O_RDWR | O_CREAT | O_CLOEXEC, 0600), status = fd;
  if (fd < 0) {
    status = -errno;
    buf_printf(error, "%s: cannot be written (%s); choose another path or fix its permissions",
               name.data, strerror(errno));
  } else if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
    status = -errno;
    close(fd);
    buf_printf(error,
               "%s: another Moonledger serves this database; stop it or choose another path",
               path);
  } else {
    place_give(fd, name.data);
  }
  buf_clear(&name);
  return status;
}
