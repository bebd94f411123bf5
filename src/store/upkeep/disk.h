#ifndef MOONLEDGER_STORE_UPKEEP_DISK_H
#define MOONLEDGER_STORE_UPKEEP_DISK_H

#include "store/upkeep.h"

/* Files as the disk has them.  None may be open in SQLite: a descriptor that is closed drops its
 * locks.  0 or UV_E with the reason appended to error, unless they say something else. */

/* "PATH: why; what helps", of errno. */
int disk_fail(const char *path, struct buf *error);

/* FOLDER/NAME; the caller's to free. */
char *disk_join(const char *folder, const char *name);
const char *disk_name(const char *path); /* what stands after its last slash */

int disk_check_room(const char *path, int64_t bytes, struct buf *error);

int disk_sync(const char *path, struct buf *error); /* a file, or the names in a folder */
int disk_sync_parent(const char *path, struct buf *error);
int disk_sync_tree(const char *folder, struct buf *error); /* and all that is below it */

/* Renames a file over another one, whose mode and owner it takes, so that after a power cut one of
 * both is there. */
int disk_replace(const char *fresh, const char *path, struct buf *error);

/* Removes what a folder holds, links not followed, and the folder; nothing there is fine. */
int disk_remove_folder(const char *path, struct buf *error);

struct disk_sums {
  int64_t bytes;
  uint32_t crc32;  /* ISO 3309, as zlib has it */
  char sha256[65]; /* hexadecimal */
};

/* Adds what it has read to progress; UV_ECANCELED. */
int disk_sum(const char *path, struct upkeep_progress *progress, struct disk_sums *sums,
             struct buf *error);

/* Copies a file to one that is not there yet, and syncs it; what fails leaves nothing. */
int disk_copy(const char *from, const char *to, struct upkeep_progress *progress,
              struct disk_sums *sums, struct buf *error);

/* A new file of these bytes, on the disk. */
int disk_write(const char *path, const char *data, size_t len, struct buf *error);

#endif
