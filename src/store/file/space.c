#include "store/file/space.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "store/file/database.h"
#include "store/file/place.h"

enum { BLOCK = 512 /* of st_blocks: POSIX leaves it open, Linux does not */ };

static int64_t allocated(const char *path, const char *suffix) {
  struct stat st;
  return place_stat(path, suffix, &st) ? (int64_t) st.st_blocks * BLOCK : 0;
}

int space_measure(sqlite3 *db, const char *path, struct space *s) {
  *s = (struct space){.disk_free = place_free(path)};
  int rc = database_int(db, "PRAGMA page_size", &s->page_bytes);
  if (rc == SQLITE_OK)
    rc = database_int(db, "PRAGMA page_count", &s->pages);
  if (rc == SQLITE_OK)
    rc = database_int(db, "PRAGMA freelist_count", &s->free_pages);
  if (rc == SQLITE_OK)
    rc = database_int(db, "SELECT coalesce(sum(bytes), 0) FROM parts WHERE state = 1",
                      &s->parts_bytes);
  if (rc == SQLITE_OK)
    rc = database_int(db, "SELECT coalesce(sum(rows), 0) FROM parts WHERE state = 1",
                      &s->parts_rows);
  if (rc == SQLITE_OK)
    rc = database_int(db, "SELECT coalesce(sum(bytes), 0) FROM parts WHERE state = 2",
                      &s->dropped_bytes);
  s->file_bytes = allocated(path, "");
  s->wal_bytes = allocated(path, "-wal");
  s->ballast_bytes = allocated(path, "-ballast");
  return rc;
}

/* Rows are numbered as they come. */
static int rows_since(sqlite3 *db, const struct schema *schema, int64_t since_us, int64_t *rows) {
  const char *time = schema->columns[schema->time].name;
  char *sql = sqlite3_mprintf("SELECT coalesce((SELECT max(rowid) FROM rows) - (SELECT rowid FROM "
                              "rows WHERE \"%w\" >= %lld ORDER BY \"%w\" LIMIT 1) + 1, 0)",
                              time, (long long) since_us, time);
  int rc = database_int(db, sql, rows);
  sqlite3_free(sql);
  return rc;
}

static int64_t share(int64_t bytes, int64_t part, int64_t whole) {
  return whole > 0 ? (int64_t) ((double) bytes * (double) part / (double) whole) : 0;
}

int space_growth(sqlite3 *db, const struct schema *schema, int64_t rows, const struct space *s,
                 int64_t now_us, struct growth *growth) {
  int64_t n = 0;
  int rc = rows_since(db, schema, now_us - DAY_US, &n);
  if (rc != SQLITE_OK)
    return rc;
  int64_t used = (s->pages - s->free_pages) * s->page_bytes, hot = rows - s->parts_rows;
  growth->rows = n < rows ? n : rows;
  growth->bytes = share(used + s->parts_bytes, growth->rows, rows);
  growth->file_bytes = share(used, growth->rows < hot ? growth->rows : hot, hot);
  return SQLITE_OK;
}

static void name_ballast(struct buf *name, const char *path) {
  buf_printf(name, "%s-ballast", path);
  buf_putc(name, '\0');
}

bool ballast_make(const char *path) {
  struct buf name = {0};
  name_ballast(&name, path);
  int fd = open(name.data, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  bool made = fd >= 0 && posix_fallocate(fd, 0, BALLAST_BYTES) == 0;
  if (!made)
    unlink(name.data); /* half of it is nothing to count on */
  if (fd >= 0)
    close(fd);
  buf_clear(&name);
  return made;
}

void ballast_release(const char *path) {
  struct buf name = {0};
  name_ballast(&name, path);
  unlink(name.data);
  buf_clear(&name);
}
