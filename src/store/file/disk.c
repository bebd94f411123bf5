#include "store/file/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/mem.h"

static int fail(const char *path, struct buf *error) {
  int status = -errno;
  buf_printf(error, "%s: %s", path, strerror(errno));
  return status;
}

static char *parent_of(const char *path) {
  const char *slash = strrchr(path, '/');
  if (slash == NULL)
    return xstrdup(".");
  size_t len = slash > path ? (size_t) (slash - path) : 1;
  char *folder = xmemdup(path, len + 1);
  folder[len] = '\0';
  return folder;
}

int64_t disk_free(const char *path) {
  char *folder = parent_of(path);
  struct statvfs fs;
  int rc = statvfs(folder, &fs);
  free(folder);
  return rc == 0 ? (int64_t) fs.f_bavail * (int64_t) fs.f_frsize : -1;
}

int disk_sync(const char *path, struct buf *error) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  int status = fd < 0 || fsync(fd) < 0 ? fail(path, error) : 0;
  if (fd >= 0)
    close(fd);
  return status;
}

int disk_sync_parent(const char *path, struct buf *error) {
  char *folder = parent_of(path);
  int status = disk_sync(folder, error);
  free(folder);
  return status;
}

int disk_replace(const char *fresh, const char *path, struct buf *error) {
  struct stat st;
  if (stat(path, &st) < 0)
    return fail(path, error);
  if (chmod(fresh, st.st_mode & 07777) < 0)
    return fail(fresh, error);
  /* who may not give files away owns them already */
  if (chown(fresh, st.st_uid, st.st_gid) < 0 && errno != EPERM)
    return fail(fresh, error);
  int status = disk_sync(fresh, error);
  if (status == 0 && rename(fresh, path) < 0)
    status = fail(path, error);
  return status == 0 ? disk_sync_parent(path, error) : status;
}
