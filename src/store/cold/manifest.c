#include "store/cold/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "record/timestamp.h"
#include "store/file/database.h"

void part_list_clear(struct part_list *list) {
  free(list->items);
  *list = (struct part_list){0};
}

static struct part *add_part(struct part_list *list) {
  if (list->len == list->cap) {
    list->cap = list->cap > 0 ? list->cap * 2 : 16;
    list->items = xrealloc(list->items, list->cap * sizeof *list->items);
  }
  return &list->items[list->len++];
}

int manifest_check_file(const char *file) {
  size_t len = file != NULL ? strlen(file) : 0;
  if (len > 0 && len < sizeof ((struct part *) 0)->file && strchr("/.", *file) == NULL &&
      strstr(file, "/.") == NULL)
    return SQLITE_OK;
  log_error("the database lists a part outside of its folder, which Moonledger never writes: "
            "do not use it", log_str("file", len > 0 ? file : ""));
  return SQLITE_CORRUPT;
}

static int read_part(struct part *part, sqlite3_stmt *stmt) {
  int64_t *const numbers[] = {&part->number,   &part->day,      &part->upto,    &part->rows,
                              &part->bytes,    &part->checksum, &part->min_time, &part->max_time,
                              &part->min_row,  &part->max_row,  &part->taken_time,
                              &part->taken_row};
  int next = 2;
  *part = (struct part){.state = (enum part_state) sqlite3_column_int(stmt, 0)};
  const char *file = (const char *) sqlite3_column_text(stmt, 1);
  if (manifest_check_file(file) != SQLITE_OK)
    return SQLITE_CORRUPT;
  strcpy(part->file, file);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    *numbers[i] = sqlite3_column_int64(stmt, next++);
  return SQLITE_OK;
}

int manifest_read(sqlite3 *db, enum part_state state, struct part_list *list) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(db,
                              "SELECT state, file, part, day, upto, rows, bytes, checksum, "
                              "min_time, max_time, min_row, max_row, taken_time, taken_row "
                              "FROM parts WHERE state = ? ORDER BY day, part",
                              -1, &stmt, NULL);
  sqlite3_bind_int(stmt, 1, state);
  while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
    rc = read_part(add_part(list), stmt);
  sqlite3_finalize(stmt);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int manifest_version(sqlite3 *db, int64_t *version) {
  *version = 0;
  int rc = meta_get_int(db, "parts_version", version);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Runs sql with the numbers bound, and text, if there is one, first. */
static int change(sqlite3 *db, const char *sql, const char *text, const int64_t *numbers,
                  size_t n) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), next = 1;
  if (text != NULL)
    sqlite3_bind_text(stmt, next++, text, -1, SQLITE_STATIC);
  for (size_t i = 0; i < n; i++)
    sqlite3_bind_int64(stmt, next++, numbers[i]);
  if (rc == SQLITE_OK)
    rc = sqlite3_step(stmt);
  sqlite3_finalize(stmt);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int manifest_raise(sqlite3 *db) {
  int64_t version;
  int rc = manifest_version(db, &version);
  return rc == SQLITE_OK ? meta_set_int(db, "parts_version", version + 1) : rc;
}

static int next_number(sqlite3 *db, int64_t *number) {
  *number = 0;
  int rc = meta_get_int(db, "last_part", number);
  ++*number;
  return rc == SQLITE_OK || rc == SQLITE_DONE ? meta_set_int(db, "last_part", *number) : rc;
}

/* From now on a program that knows no parts must not open the file: it would miss rows.  The random
 * part of the name: a database that an older copy replaced must not meet its own later files. */
int manifest_begin(sqlite3 *db, const char *database, struct part *part) {
  struct buf day = {0};
  uint32_t random;
  int rc = next_number(db, &part->number);
  random_bytes(&random, sizeof random);
  timestamp_write(&day, part->day * DAY_US);
  snprintf(part->file, sizeof part->file, "day=%.10s/%s-%lld-%08x.parquet", day.data, database,
           (long long) part->number, random);
  buf_clear(&day);
  part->state = PART_PENDING;
  if (rc == SQLITE_OK)
    rc = database_exec(db, "PRAGMA user_version=2");
  if (rc != SQLITE_OK)
    return rc;
  return change(db, "INSERT INTO parts(file, part, day, upto, state) VALUES(?, ?, ?, ?, 0)",
                part->file, (int64_t[]){part->number, part->day, part->upto}, 3);
}

int manifest_set_live(sqlite3 *db, const struct part *part) {
  int rc = change(db,
                  "UPDATE parts SET state = 1, rows = ?, bytes = ?, checksum = ?, min_time = ?, "
                  "max_time = ?, min_row = ?, max_row = ?, taken_time = ?, taken_row = ? "
                  "WHERE part = ? AND state = 0",
                  NULL,
                  (int64_t[]){part->rows, part->bytes, part->checksum, part->min_time,
                              part->max_time, part->min_row, part->max_row, part->taken_time,
                              part->taken_row, part->number},
                  10);
  return rc == SQLITE_OK ? manifest_raise(db) : rc;
}

int manifest_set_taken(sqlite3 *db, const struct part *part) {
  int rc = change(db, "UPDATE parts SET taken_time = ?, taken_row = ? WHERE part = ?", NULL,
                  (int64_t[]){part->taken_time, part->taken_row, part->number}, 3);
  return rc == SQLITE_OK ? manifest_raise(db) : rc;
}

int manifest_drop(sqlite3 *db, int64_t number) {
  int rc = change(db, "DELETE FROM part_masks WHERE part = ?", NULL, &number, 1);
  if (rc == SQLITE_OK)
    rc = change(db, "UPDATE parts SET state = 2 WHERE part = ?", NULL, &number, 1);
  return rc == SQLITE_OK ? manifest_raise(db) : rc;
}

int manifest_drop_all(sqlite3 *db) {
  int rc = database_exec(db, "DELETE FROM part_masks; UPDATE parts SET state = 2");
  return rc == SQLITE_OK ? manifest_raise(db) : rc;
}

int manifest_forget(sqlite3 *db, int64_t number) {
  return change(db, "DELETE FROM parts WHERE part = ? AND state = 2", NULL, &number, 1);
}

int manifest_mask(sqlite3 *db, int64_t number, int64_t row) {
  return change(db, "INSERT OR IGNORE INTO part_masks VALUES(?, ?)", NULL,
                (int64_t[]){number, row}, 2);
}

int manifest_masks(sqlite3 *db, int64_t number, struct buf *rows) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(db, "SELECT row FROM part_masks WHERE part = ? ORDER BY row", -1,
                              &stmt, NULL);
  sqlite3_bind_int64(stmt, 1, number);
  for (; rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW; rc = SQLITE_OK) {
    int64_t row = sqlite3_column_int64(stmt, 0);
    buf_append(rows, &row, sizeof row);
  }
  sqlite3_finalize(stmt);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

char *cold_folder(const char *database_path) {
  char *real = realpath(database_path, NULL);
  const char *file = real != NULL ? real : database_path;
  struct buf path = {0};
  size_t len = strlen(file);
  if (len > 3 && strcmp(file + len - 3, ".db") == 0)
    len -= 3;
  buf_printf(&path, "%.*s.cold", (int) len, file);
  buf_putc(&path, '\0');
  free(real);
  return path.data;
}

void cold_path(struct buf *path, const char *folder, const char *file) {
  path->len = 0;
  buf_printf(path, "%s/%s", folder, file);
  buf_putc(path, '\0');
}
