#ifndef MOONLEDGER_SPEC_DISK_LOG_H
#define MOONLEDGER_SPEC_DISK_LOG_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* One log of all calls that change files below a folder, SQLite's and ours: this program's own
 * open, write, fsync and their like stand in front of the C library's.  Of the log a folder can be
 * made as a disk might hold it when the power fails after so many calls: what was synced is there,
 * the rest all, not at all, or in pieces.
 *
 * What is assumed of the disk: a sector of 512 bytes is written or not; names change in the order
 * of the calls, and those up to one are lasting once the folder of that one was synced. */

enum { DISK_SECTOR = 512, DISK_MAX_FDS = 1024, DISK_MAX_NAMES = 256 };

struct disk_call {
  enum { DISK_CREATE, DISK_LINK, DISK_WRITE, DISK_TRUNCATE, DISK_SYNC, DISK_RENAME, DISK_UNLINK,
         DISK_SYNC_NAMES } kind;
  int file;     /* its number; of names those that follow: the folder's of DISK_SYNC_NAMES */
  int64_t at;   /* DISK_WRITE; DISK_TRUNCATE: the size */
  size_t len;
  char *data;
  char *name, *to;
};

/* Which names lead to files. */
struct disk_names {
  char *name[DISK_MAX_NAMES];
  int file[DISK_MAX_NAMES];
  int count;
};

static struct {
  pthread_mutex_t lock;
  char folder[64]; /* empty: nothing is logged */
  struct disk_call *calls;
  size_t ncalls;
  struct disk_names now;
  int nfiles;
  int file_of[DISK_MAX_FDS]; /* 1 + file, by descriptor; 0: not ours */
  char *folder_of[DISK_MAX_FDS]; /* its name; NULL: none */
  int64_t place[DISK_MAX_FDS]; /* of write */
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* NULL: not below the folder, or a file that no crash leaves anything in. */
static inline const char *disk_name(const char *path) {
  static const char *const passing[] = {"-shm", "-lock", "-ballast"};
  size_t n = strlen(disk.folder), len = strlen(path);
  if (n == 0 || strncmp(path, disk.folder, n) != 0)
    return NULL;
  for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
    if (len >= strlen(passing[i]) && strcmp(path + len - strlen(passing[i]), passing[i]) == 0)
      return NULL;
  return path + n;
}

static inline int disk_find(const struct disk_names *names, const char *name) {
  for (int i = 0; i < names->count; i++)
    if (strcmp(names->name[i], name) == 0)
      return i;
  return -1;
}

static inline void disk_forget(struct disk_names *names, const char *name) {
  int i = disk_find(names, name);
  if (i < 0)
    return;
  free(names->name[i]);
  names->name[i] = names->name[--names->count];
  names->file[i] = names->file[names->count];
}

static inline void disk_lead(struct disk_names *names, const char *name, int file) {
  disk_forget(names, name);
  if (names->count == DISK_MAX_NAMES)
    abort();
  names->name[names->count] = strdup(name);
  names->file[names->count++] = file;
}

/* Of a file, or of a folder with all that is in it. */
static inline void disk_move(struct disk_names *names, const char *from, const char *to) {
  size_t len = strlen(from);
  disk_forget(names, to);
  for (int i = 0; i < names->count; i++) {
    const char *name = names->name[i];
    char moved[300];
    if (strncmp(name, from, len) != 0 || (name[len] != '\0' && name[len] != '/'))
      continue;
    snprintf(moved, sizeof moved, "%s%s", to, name + len);
    free(names->name[i]);
    names->name[i] = strdup(moved);
  }
}

static inline void disk_apply(struct disk_names *names, const struct disk_call *c) {
  if (c->kind == DISK_CREATE)
    disk_lead(names, c->name, c->file);
  else if (c->kind == DISK_LINK)
    disk_lead(names, c->to, c->file);
  else if (c->kind == DISK_RENAME)
    disk_move(names, c->name, c->to);
  else if (c->kind == DISK_UNLINK)
    disk_forget(names, c->name);
}

static inline void disk_clear_names(struct disk_names *names) {
  while (names->count > 0)
    free(names->name[--names->count]);
}

static inline struct disk_call *disk_add(struct disk_call call) {
  if (disk.ncalls % 1024 == 0)
    disk.calls = realloc(disk.calls, (disk.ncalls + 1024) * sizeof *disk.calls);
  disk.calls[disk.ncalls] = call;
  disk_apply(&disk.now, &call);
  return &disk.calls[disk.ncalls++];
}

static inline size_t disk_calls(void) {
  pthread_mutex_lock(&disk.lock);
  size_t n = disk.ncalls;
  pthread_mutex_unlock(&disk.lock);
  return n;
}

static inline int disk_file_named(const char *name) {
  int i = disk_find(&disk.now, name);
  return i < 0 ? -1 : disk.now.file[i];
}

static inline void disk_opened(int fd, const char *path, int flags) {
  struct stat is;
  const char *name = disk_name(path);
  if (fd < 0 || fd >= DISK_MAX_FDS || name == NULL)
    return;
  pthread_mutex_lock(&disk.lock);
  disk.place[fd] = 0;
  if (fstat(fd, &is) == 0 && S_ISDIR(is.st_mode)) {
    disk.folder_of[fd] = strdup(name);
  } else {
    int file = disk_file_named(name);
    if (file < 0 && (flags & O_CREAT) != 0) {
      file = disk.nfiles++;
      disk_add((struct disk_call){.kind = DISK_CREATE, .file = file, .name = strdup(name)});
    }
    disk.file_of[fd] = 1 + file;
  }
  pthread_mutex_unlock(&disk.lock);
}

static inline void disk_wrote(int fd, const void *data, ssize_t len, int64_t at, bool append) {
  if (len <= 0 || fd >= DISK_MAX_FDS || disk.file_of[fd] == 0)
    return;
  pthread_mutex_lock(&disk.lock);
  if (append) {
    at = disk.place[fd];
    disk.place[fd] += len;
  }
  struct disk_call *c = disk_add((struct disk_call){
      .kind = DISK_WRITE, .file = disk.file_of[fd] - 1, .at = at, .len = (size_t) len});
  c->data = malloc((size_t) len);
  memcpy(c->data, data, (size_t) len);
  pthread_mutex_unlock(&disk.lock);
}

static inline void disk_did(int fd, int kind, int64_t size) {
  if (fd >= DISK_MAX_FDS || (disk.file_of[fd] == 0 && disk.folder_of[fd] == NULL))
    return;
  pthread_mutex_lock(&disk.lock);
  struct disk_call call = {.kind = kind, .file = disk.file_of[fd] - 1, .at = size};
  if (disk.folder_of[fd] != NULL) {
    call.kind = DISK_SYNC_NAMES;
    call.name = strdup(disk.folder_of[fd]);
  }
  disk_add(call);
  pthread_mutex_unlock(&disk.lock);
}

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  int fd = (int) syscall(SYS_openat, AT_FDCWD, path, flags, va_arg(rest, int));
  va_end(rest);
  disk_opened(fd, path, flags);
  return fd;
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  int fd = open(path, flags, va_arg(rest, int));
  va_end(rest);
  return fd;
}

int close(int fd) {
  if (fd >= 0 && fd < DISK_MAX_FDS && disk.folder[0] != '\0') {
    pthread_mutex_lock(&disk.lock);
    disk.file_of[fd] = 0;
    free(disk.folder_of[fd]);
    disk.folder_of[fd] = NULL;
    pthread_mutex_unlock(&disk.lock);
  }
  return (int) syscall(SYS_close, fd);
}

ssize_t write(int fd, const void *data, size_t len) {
  ssize_t n = syscall(SYS_write, fd, data, len);
  disk_wrote(fd, data, n, 0, true);
  return n;
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at) {
  ssize_t n = syscall(SYS_pwrite64, fd, data, len, at);
  disk_wrote(fd, data, n, at, false);
  return n;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at) {
  return pwrite64(fd, data, len, at);
}

int ftruncate64(int fd, off64_t size) {
  int rc = (int) syscall(SYS_ftruncate, fd, size);
  if (rc == 0)
    disk_did(fd, DISK_TRUNCATE, size);
  return rc;
}

int ftruncate(int fd, off_t size) {
  return ftruncate64(fd, size);
}

/* The power stays on here: nothing has to reach the disk. */
int fsync(int fd) {
  disk_did(fd, DISK_SYNC, 0);
  return 0;
}

int fdatasync(int fd) {
  return fsync(fd);
}

static inline void disk_named(int kind, const char *from, const char *to) {
  pthread_mutex_lock(&disk.lock);
  disk_add((struct disk_call){.kind = kind,
                              .file = disk_file_named(disk_name(from)),
                              .name = strdup(disk_name(from)),
                              .to = strdup(disk_name(to))});
  pthread_mutex_unlock(&disk.lock);
}

int rename(const char *from, const char *to) {
  int rc = (int) syscall(SYS_rename, from, to);
  if (rc == 0 && disk_name(from) != NULL)
    disk_named(DISK_RENAME, from, to);
  return rc;
}

int link(const char *from, const char *to) {
  int rc = (int) syscall(SYS_link, from, to);
  if (rc == 0 && disk_name(from) != NULL)
    disk_named(DISK_LINK, from, to);
  return rc;
}

int unlink(const char *path) {
  int rc = (int) syscall(SYS_unlink, path);
  if (rc == 0 && disk_name(path) != NULL) {
    pthread_mutex_lock(&disk.lock);
    disk_add((struct disk_call){.kind = DISK_UNLINK, .name = strdup(disk_name(path))});
    pthread_mutex_unlock(&disk.lock);
  }
  return rc;
}

/* The folder is empty. */
static inline void disk_log_start(const char *folder) {
  for (size_t i = 0; i < disk.ncalls; i++) {
    free(disk.calls[i].data);
    free(disk.calls[i].name);
    free(disk.calls[i].to);
  }
  free(disk.calls);
  disk.calls = NULL;
  disk.ncalls = 0;
  disk.nfiles = 0;
  disk_clear_names(&disk.now);
  snprintf(disk.folder, sizeof disk.folder, "%s", folder);
}

static inline void disk_log_stop(void) {
  disk.folder[0] = '\0';
}

/* Of what was not synced: none, all, or some, by chance. */
enum disk_fate { DISK_NONE, DISK_ALL, DISK_SOME };

struct disk_file {
  char *data;
  size_t len;
};

static inline void disk_put(struct disk_file *f, int64_t at, const char *data, size_t len) {
  if ((size_t) at + len > f->len) {
    f->data = realloc(f->data, (size_t) at + len);
    memset(f->data + f->len, 0, (size_t) at + len - f->len);
    f->len = (size_t) at + len;
  }
  memcpy(f->data + at, data, len);
}

static inline void disk_put_some(struct disk_file *f, const struct disk_call *c, unsigned *seed) {
  unsigned fate = (unsigned) rand_r(seed) % 4; /* as it is, not at all, torn twice as often */
  if (fate == 0)
    disk_put(f, c->at, c->data, c->len);
  for (size_t at = 0; fate > 1 && at < c->len; at += DISK_SECTOR)
    if (rand_r(seed) % 2 == 0)
      disk_put(f, c->at + (int64_t) at, c->data + at,
               c->len - at < DISK_SECTOR ? c->len - at : DISK_SECTOR);
}

/* The last sync of a file among so many calls; 0: none. */
static inline size_t disk_synced(int file, size_t ncalls) {
  for (size_t i = ncalls; i > 0; i--)
    if (disk.calls[i - 1].kind == DISK_SYNC && disk.calls[i - 1].file == file)
      return i;
  return 0;
}

static inline bool disk_is_in(const char *name, const char *folder) {
  size_t len = strlen(folder);
  const char *slash = strrchr(name, '/');
  return slash != NULL && (size_t) (slash - name) == len && strncmp(name, folder, len) == 0;
}

/* How many of the calls have changed names for good. */
static inline size_t disk_lasting_names(size_t ncalls) {
  for (size_t i = ncalls; i > 0; i--) {
    const struct disk_call *c = &disk.calls[i - 1];
    if (c->kind != DISK_CREATE && c->kind != DISK_LINK && c->kind != DISK_RENAME &&
        c->kind != DISK_UNLINK)
      continue;
    for (size_t j = i; j < ncalls; j++)
      if (disk.calls[j].kind == DISK_SYNC_NAMES &&
          disk_is_in(c->to != NULL ? c->to : c->name, disk.calls[j].name))
        return i;
  }
  return 0;
}

static inline void disk_replay(struct disk_file *files, struct disk_names *at_last, size_t ncalls,
                               enum disk_fate fate, unsigned *seed) {
  size_t *synced = calloc((size_t) disk.nfiles + 1, sizeof *synced);
  size_t names = disk_lasting_names(ncalls);
  for (int i = 0; i < disk.nfiles; i++)
    synced[i] = disk_synced(i, ncalls);
  if (fate == DISK_ALL)
    names = ncalls;
  else if (fate == DISK_SOME)
    names += (size_t) rand_r(seed) % (ncalls - names + 1);
  for (size_t i = 0; i < ncalls; i++) {
    const struct disk_call *c = &disk.calls[i];
    bool lasting = fate == DISK_ALL || (c->file >= 0 && i < synced[c->file]);
    if (c->kind == DISK_WRITE && lasting)
      disk_put(&files[c->file], c->at, c->data, c->len);
    else if (c->kind == DISK_WRITE && fate == DISK_SOME)
      disk_put_some(&files[c->file], c, seed);
    else if (c->kind == DISK_TRUNCATE &&
             (lasting || (fate == DISK_SOME && rand_r(seed) % 2 == 0)) &&
             (size_t) c->at < files[c->file].len)
      files[c->file].len = (size_t) c->at;
    else if (i < names)
      disk_apply(at_last, c);
  }
  free(synced);
}

static inline void disk_make_file(const char *folder, const char *name, const struct disk_file *f) {
  char path[300];
  size_t left = f->len;
  snprintf(path, sizeof path, "%s%s", folder, name);
  for (char *p = path + strlen(folder) + 1; (p = strchr(p, '/')) != NULL; p++) {
    *p = '\0';
    mkdir(path, 0700);
    *p = '/';
  }
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  while (fd >= 0 && left > 0) {
    ssize_t n = write(fd, f->data + f->len - left, left);
    if (n <= 0)
      abort();
    left -= (size_t) n;
  }
  if (fd >= 0)
    close(fd);
}

/* Makes the folder as the disk may hold it after the first ncalls. */
static inline void disk_make(const char *folder, size_t ncalls, enum disk_fate fate,
                             unsigned seed) {
  struct disk_file *files = calloc((size_t) disk.nfiles + 1, sizeof *files);
  struct disk_names names = {0};
  disk_replay(files, &names, ncalls, fate, &seed);
  for (int i = 0; i < names.count; i++)
    disk_make_file(folder, names.name[i], &files[names.file[i]]);
  for (int i = 0; i < disk.nfiles; i++)
    free(files[i].data);
  free(files);
  disk_clear_names(&names);
}

#endif
