#include "store/upkeep/parts.h"

#include <stdlib.h>
#include <uv.h>

#include "base/mem.h"
#include "store/cold/manifest.h"
#include "store/file/database.h"

static int add_part(struct kept_parts *parts, sqlite3_stmt *stmt) {
  const char *file = (const char *) sqlite3_column_text(stmt, 0);
  if (manifest_check_file(file) != SQLITE_OK)
    return SQLITE_CORRUPT;
  parts->items = xrealloc(parts->items, (parts->len + 1) * sizeof *parts->items);
  struct kept_part *part = &parts->items[parts->len++];
  *part = (struct kept_part){.file = xstrdup(file),
                             .bytes = sqlite3_column_int64(stmt, 1),
                             .crc32 = (uint32_t) sqlite3_column_int64(stmt, 2)};
  parts->bytes += part->bytes;
  return SQLITE_OK;
}

int kept_parts_read(sqlite3 *db, struct kept_parts *parts) {
  sqlite3_stmt *stmt = NULL;
  int64_t tables = 0;
  int rc = database_int(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'parts'", &tables);
  if (rc != SQLITE_OK || tables == 0)
    return rc;
  rc = sqlite3_prepare_v2(db, "SELECT file, bytes, checksum FROM parts WHERE state = 1", -1, &stmt,
                          NULL);
  while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
    rc = add_part(parts, stmt);
  sqlite3_finalize(stmt);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

void kept_parts_clear(struct kept_parts *parts) {
  for (size_t i = 0; i < parts->len; i++)
    free(parts->items[i].file);
  free(parts->items);
  *parts = (struct kept_parts){0};
}

int kept_part_check(const struct kept_part *part, const char *path, const struct disk_sums *sums,
                    struct buf *error) {
  if (sums->bytes == part->bytes && sums->crc32 == part->crc32)
    return 0;
  buf_printf(error, "%s: not what was written (%lld bytes, CRC-32 %08x instead of %lld, %08x): "
             "put it back from a backup", path, (long long) sums->bytes, (unsigned) sums->crc32,
             (long long) part->bytes, (unsigned) part->crc32);
  return UV_EIO;
}
