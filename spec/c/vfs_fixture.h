#ifndef MOONLEDGER_SPEC_VFS_FIXTURE_H
#define MOONLEDGER_SPEC_VFS_FIXTURE_H

#include <sqlite3.h>
#include <stdint.h>

/* SQLite over the real file system, but for what a test makes of its calls.  The power stays on:
 * nothing is synced. */

enum vfs_call {
  VFS_OPEN,
  VFS_READ,
  VFS_WRITE,      /* size: where it ends */
  VFS_TRUNCATE,
  VFS_SYNC,
  VFS_SIZE,
  VFS_LOCK,
  VFS_MAP,
  VFS_MAP_LOCK,   /* size: which; 0 is the one of who writes to the log */
  VFS_MAP_UNLOCK, /* cannot fail */
};

/* Before each call, from any thread: a code of SQLite, which is the call's unless it is SQLITE_OK.
 * name is the file's path. */
typedef int vfs_on_call(enum vfs_call call, const char *name, int64_t size);

static vfs_on_call *vfs_hook;
static sqlite3_vfs *vfs_real, vfs_ours;

struct vfs_file {
  sqlite3_file base;
  const char *name;
  sqlite3_file *real; /* right behind */
};

static inline sqlite3_file *vfs_of(sqlite3_file *file) {
  return ((struct vfs_file *) file)->real;
}

static inline int vfs_tell(enum vfs_call call, sqlite3_file *f, int64_t size) {
  return vfs_hook(call, ((struct vfs_file *) f)->name, size);
}

static inline int vfs_close(sqlite3_file *f) {
  return vfs_of(f)->pMethods->xClose(vfs_of(f));
}

static inline int vfs_read(sqlite3_file *f, void *data, int n, sqlite3_int64 at) {
  int rc = vfs_tell(VFS_READ, f, at + n);
  return rc != SQLITE_OK ? rc : vfs_of(f)->pMethods->xRead(vfs_of(f), data, n, at);
}

static inline int vfs_write(sqlite3_file *f, const void *data, int n, sqlite3_int64 at) {
  int rc = vfs_tell(VFS_WRITE, f, at + n);
  return rc != SQLITE_OK ? rc : vfs_of(f)->pMethods->xWrite(vfs_of(f), data, n, at);
}

static inline int vfs_truncate(sqlite3_file *f, sqlite3_int64 size) {
  int rc = vfs_tell(VFS_TRUNCATE, f, size);
  return rc != SQLITE_OK ? rc : vfs_of(f)->pMethods->xTruncate(vfs_of(f), size);
}

static inline int vfs_sync(sqlite3_file *f, int flags) {
  (void) flags;
  return vfs_tell(VFS_SYNC, f, 0);
}

static inline int vfs_size(sqlite3_file *f, sqlite3_int64 *size) {
  int rc = vfs_tell(VFS_SIZE, f, 0);
  return rc != SQLITE_OK ? rc : vfs_of(f)->pMethods->xFileSize(vfs_of(f), size);
}

static inline int vfs_lock(sqlite3_file *f, int level) {
  int rc = vfs_tell(VFS_LOCK, f, 0);
  return rc != SQLITE_OK ? rc : vfs_of(f)->pMethods->xLock(vfs_of(f), level);
}

static inline int vfs_unlock(sqlite3_file *f, int level) {
  return vfs_of(f)->pMethods->xUnlock(vfs_of(f), level);
}

static inline int vfs_reserved(sqlite3_file *f, int *result) {
  return vfs_of(f)->pMethods->xCheckReservedLock(vfs_of(f), result);
}

static inline int vfs_control(sqlite3_file *f, int what, void *arg) {
  return vfs_of(f)->pMethods->xFileControl(vfs_of(f), what, arg);
}

static inline int vfs_sector(sqlite3_file *f) {
  return vfs_of(f)->pMethods->xSectorSize(vfs_of(f));
}

static inline int vfs_traits(sqlite3_file *f) {
  return vfs_of(f)->pMethods->xDeviceCharacteristics(vfs_of(f));
}

static inline int vfs_map(sqlite3_file *f, int page, int size, int extend, void volatile **p) {
  int rc = vfs_tell(VFS_MAP, f, page);
  return rc != SQLITE_OK ? rc : vfs_of(f)->pMethods->xShmMap(vfs_of(f), page, size, extend, p);
}

static inline int vfs_map_lock(sqlite3_file *f, int at, int n, int flags) {
  int rc = vfs_tell(flags & SQLITE_SHM_LOCK ? VFS_MAP_LOCK : VFS_MAP_UNLOCK, f, at);
  return rc != SQLITE_OK ? rc : vfs_of(f)->pMethods->xShmLock(vfs_of(f), at, n, flags);
}

static inline void vfs_barrier(sqlite3_file *f) {
  vfs_of(f)->pMethods->xShmBarrier(vfs_of(f));
}

static inline int vfs_unmap(sqlite3_file *f, int delete) {
  return vfs_of(f)->pMethods->xShmUnmap(vfs_of(f), delete);
}

static inline int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                           int *got) {
  static const sqlite3_io_methods methods = {
      2,            vfs_close,   vfs_read,     vfs_write,   vfs_truncate, vfs_sync,   vfs_size,
      vfs_lock,     vfs_unlock,  vfs_reserved, vfs_control, vfs_sector,   vfs_traits, vfs_map,
      vfs_map_lock, vfs_barrier, vfs_unmap,    NULL,        NULL,
  };
  struct vfs_file *f = (struct vfs_file *) file;
  (void) vfs;
  f->base.pMethods = NULL;
  f->name = name != NULL ? name : "";
  f->real = (sqlite3_file *) (f + 1);
  int rc = vfs_hook(VFS_OPEN, f->name, 0);
  if (rc == SQLITE_OK)
    rc = vfs_real->xOpen(vfs_real, name, f->real, flags, got);
  if (rc == SQLITE_OK)
    f->base.pMethods = &methods;
  return rc;
}

static inline void vfs_use(vfs_on_call *hook) {
  vfs_hook = hook;
  vfs_real = sqlite3_vfs_find(NULL);
  vfs_ours = *vfs_real;
  vfs_ours.zName = "ours";
  vfs_ours.szOsFile = (int) sizeof(struct vfs_file) + vfs_real->szOsFile;
  vfs_ours.xOpen = vfs_open;
  sqlite3_vfs_register(&vfs_ours, 1);
}

#endif
