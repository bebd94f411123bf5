#ifndef MOONLEDGER_STORE_FILE_PLACE_H
#define MOONLEDGER_STORE_FILE_PLACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/buf.h"

/* Where a database stands.  0 or UV_E, with the reason appended to error. */

/* UV_EINVAL: SQLite would take the name for something else than a file. */
int place_check(const char *path, struct buf *error);

int place_make_folders(const char *path, struct buf *error); /* that lead to the file */

/* Takes the lock that who writes a database has, PATH-lock, until the descriptor that it returns is
 * closed.  UV_EAGAIN: another has it. */
int place_lock(const char *path, struct buf *error);
bool place_is_locked(const char *path); /* whether somebody has it now */

char *place_folder(const char *path); /* that a file or folder stands in; the caller's to free */

/* Of the file, or of what stands beside it under its name with the suffix: false where none is. */
bool place_stat(const char *path, const char *suffix, struct stat *st);

/* To the disk: a file, or the names in a folder; the names beside a file.  0 or UV_E.  Not of a
 * file that SQLite has open: a descriptor that is closed drops its locks. */
int place_sync(const char *path);
int place_sync_folder(const char *path);

int64_t place_free(const char *path); /* bytes that its disk has left; -1: nobody knows */

/* What root makes belongs to whom its folder belongs to, so that a server that is not root can use
 * it.  Of the open file. */
void place_give(int fd, const char *path);

#endif
