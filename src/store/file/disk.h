#ifndef MOONLEDGER_STORE_FILE_DISK_H
#define MOONLEDGER_STORE_FILE_DISK_H

#include <stdint.h>

#include "base/buf.h"

/* Files as the disk has them.  None may be open in SQLite: a descriptor that is closed drops its
 * locks.  0 or UV_E with the reason appended to error. */

int64_t disk_free(const char *path); /* bytes where the file is or will be; -1: nobody knows */

/* Syncs a file or a folder's names. */
int disk_sync(const char *path, struct buf *error);
int disk_sync_parent(const char *path, struct buf *error);

/* Renames a file over another one, whose mode and owner it takes, so that after a power cut one of
 * both is there. */
int disk_replace(const char *fresh, const char *path, struct buf *error);

#endif
