#ifndef MOONLEDGER_STORE_FILE_SPACE_H
#define MOONLEDGER_STORE_FILE_SPACE_H

#include <sqlite3.h>
#include <stdbool.h>

#include "record/schema.h"

/* What a database takes on its disk. */

struct space { /* bytes; what is allocated, not how long files are */
  int64_t page_bytes, pages, free_pages; /* of the file; the last are reused before it grows */
  int64_t file_bytes, wal_bytes;
  int64_t ballast_bytes, disk_free; /* the latter -1: nobody knows */
  int64_t parts_bytes, dropped_bytes, parts_rows; /* of cold days; dropped: soon gone */
};

/* On any connection to the file at path.  SQLite's codes. */
int space_measure(sqlite3 *db, const char *path, struct space *space);

/* What is in use, and would be if all free pages were given back. */
static inline int64_t space_used(const struct space *s) {
  return s->file_bytes + s->wal_bytes + s->parts_bytes - s->free_pages * s->page_bytes;
}

static inline int64_t space_left(const struct space *s) {
  int64_t soon = s->free_pages * s->page_bytes + s->dropped_bytes;
  return s->disk_free < 0 ? -1 : s->disk_free + soon;
}

/* What came in during the last 24 hours: rows, and the bytes that so many take, ids and cells
 * included, for good and at first in the file.  rows: how many there are. */
struct growth {
  int64_t rows, bytes, file_bytes;
};

int space_growth(sqlite3 *db, const struct schema *schema, int64_t rows, const struct space *space,
                 int64_t now_us, struct growth *growth);

/* Ballast: PATH-ballast, given up so that a full disk can still delete */

enum { BALLAST_BYTES = 32 << 20 };

bool ballast_make(const char *path);    /* false: there is no room */
void ballast_release(const char *path);

#endif
