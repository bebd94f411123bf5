#include "store/upkeep/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>
#include <zlib.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "store/file/place.h"

enum { PIECE = 1 << 20, FOLDERS_OPEN = 16 };

static const char *remedy(int code) {
  switch (code) {
  case ENOSPC: case EDQUOT: return "; make room on its disk";
  case EACCES: case EPERM: case EROFS: return "; fix its permissions or name another place";
  case EEXIST: return "; name another place";
  default: return "";
  }
}

int disk_fail(const char *path, struct buf *error) {
  int code = errno;
  buf_printf(error, "%s: %s%s", path, strerror(code), remedy(code));
  return -code;
}

char *disk_join(const char *folder, const char *name) {
  struct buf path = {0};
  buf_printf(&path, "%s/%s", folder, name);
  buf_putc(&path, '\0');
  return path.data;
}

const char *disk_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

int disk_check_room(const char *path, int64_t bytes, struct buf *error) {
  int64_t left = place_free(path);
  if (left < 0 || left >= bytes)
    return 0;
  buf_printf(error, "%s: needs %lld bytes and its disk has %lld; make room or name another place",
             path, (long long) bytes, (long long) left);
  return UV_ENOSPC;
}

int disk_sync(const char *path, struct buf *error) {
  int status = place_sync(path);
  errno = -status;
  return status < 0 ? disk_fail(path, error) : 0;
}

int disk_sync_parent(const char *path, struct buf *error) {
  char *folder = place_folder(path);
  int status = disk_sync(folder, error);
  free(folder);
  return status;
}

static int sync_entry(const char *path, const struct stat *st, int kind, struct FTW *place) {
  (void) st, (void) place;
  struct buf unused = {0};
  int status = kind == FTW_F || kind == FTW_D || kind == FTW_DP ? disk_sync(path, &unused) : 0;
  buf_clear(&unused);
  errno = -status;
  return status;
}

int disk_sync_tree(const char *folder, struct buf *error) {
  return nftw(folder, sync_entry, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS) != 0
             ? disk_fail(folder, error)
             : 0;
}

int disk_replace(const char *fresh, const char *path, struct buf *error) {
  struct stat st;
  if (stat(path, &st) < 0)
    return disk_fail(path, error);
  if (chmod(fresh, st.st_mode & 07777) < 0)
    return disk_fail(fresh, error);
  /* who may not give files away owns them already */
  if (chown(fresh, st.st_uid, st.st_gid) < 0 && errno != EPERM)
    return disk_fail(fresh, error);
  int status = disk_sync(fresh, error);
  if (status == 0 && rename(fresh, path) < 0)
    status = disk_fail(path, error);
  return status == 0 ? disk_sync_parent(path, error) : status;
}

static int on_entry(const char *path, const struct stat *st, int kind, struct FTW *place) {
  (void) st, (void) kind, (void) place;
  return remove(path);
}

int disk_remove_folder(const char *path, struct buf *error) {
  if (nftw(path, on_entry, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT)
    return disk_fail(path, error);
  return 0;
}

static int write_piece(int fd, const char *data, size_t len) {
  while (len > 0) {
    ssize_t n = write(fd, data, len);
    if (n < 0 && errno != EINTR)
      return -1;
    data += n > 0 ? n : 0;
    len -= n > 0 ? (size_t) n : 0;
  }
  return 0;
}

/* What the source fails with is told of `from`, all else of `to`; out < 0: there is none. */
static int pump(int in, int out, const char *from, const char *to,
                struct upkeep_progress *progress, struct disk_sums *sums, struct buf *error) {
  static const char digits[] = "0123456789abcdef";
  unsigned char hash[SHA256_BYTES], *piece = xmalloc(PIECE);
  struct sha256 sha;
  ssize_t n;
  int status = 0;
  *sums = (struct disk_sums){.crc32 = (uint32_t) crc32(0, NULL, 0)};
  sha256_init(&sha);
  while (status == 0 && (n = read(in, piece, PIECE)) != 0) {
    if (n < 0)
      status = disk_fail(from, error);
    else if (out >= 0 && write_piece(out, (char *) piece, (size_t) n) < 0)
      status = disk_fail(to, error);
    else if (atomic_load(&progress->cancelled))
      status = UV_ECANCELED;
    if (status < 0)
      break;
    sha256_add(&sha, piece, (size_t) n);
    sums->crc32 = (uint32_t) crc32(sums->crc32, piece, (unsigned) n);
    sums->bytes += n;
    atomic_fetch_add(&progress->done, n);
  }
  free(piece);
  sha256_final(&sha, hash);
  for (size_t i = 0; i < sizeof hash; i++) {
    sums->sha256[2 * i] = digits[hash[i] >> 4];
    sums->sha256[2 * i + 1] = digits[hash[i] & 15];
  }
  return status;
}

int disk_sum(const char *path, struct upkeep_progress *progress, struct disk_sums *sums,
             struct buf *error) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return disk_fail(path, error);
  int status = pump(fd, -1, path, NULL, progress, sums, error);
  close(fd);
  return status;
}

int disk_copy(const char *from, const char *to, struct upkeep_progress *progress,
              struct disk_sums *sums, struct buf *error) {
  int in = open(from, O_RDONLY | O_CLOEXEC);
  if (in < 0)
    return disk_fail(from, error);
  int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  int status = out < 0 ? disk_fail(to, error) : pump(in, out, from, to, progress, sums, error);
  if (status == 0 && fsync(out) < 0)
    status = disk_fail(to, error);
  if (out >= 0) {
    place_give(out, to);
    close(out);
    if (status < 0)
      unlink(to);
  }
  close(in);
  return status;
}

int disk_write(const char *path, const char *data, size_t len, struct buf *error) {
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    return disk_fail(path, error);
  int status = write_piece(fd, data, len) < 0 || fsync(fd) < 0 ? disk_fail(path, error) : 0;
  place_give(fd, path);
  close(fd);
  return status;
}
