#ifndef MOONLEDGER_STORE_UPKEEP_PARTS_H
#define MOONLEDGER_STORE_UPKEEP_PARTS_H

#include <sqlite3.h>

#include "store/upkeep/disk.h"

/* The Parquet files that a database's manifest lists (store/cold/), as files. */

struct kept_part {
  char *file; /* below the folder NAME.cold */
  int64_t bytes;
  uint32_t crc32;
};

struct kept_parts {
  struct kept_part *items;
  size_t len;
  int64_t bytes; /* of all */
};

/* Those that readers see; none in a file that is older than parts.  SQLite's codes. */
int kept_parts_read(sqlite3 *db, struct kept_parts *parts);
void kept_parts_clear(struct kept_parts *parts);

/* Whether the file is what the manifest says.  UV_EIO: it is not. */
int kept_part_check(const struct kept_part *part, const char *path, const struct disk_sums *sums,
                    struct buf *error);

#endif
