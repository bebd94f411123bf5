#include "store/file/script_rows.h"

#include <string.h>

#include "store/file/database.h"

static const char table[] = "CREATE TABLE IF NOT EXISTS journal(entry INTEGER PRIMARY KEY AUTOINCREMENT, "
                            "topic TEXT, kind TEXT, time INTEGER, data TEXT);"
                            "CREATE INDEX IF NOT EXISTS journal_time ON journal(topic, time)";

void script_rows_add(struct script_rows *j, int64_t time_us, const char *kind, size_t kind_len, const char *data,
                 size_t data_len) {
  struct script_row entry = {
      .time_us = time_us, .kind_len = (uint32_t) kind_len, .data_len = (uint32_t) data_len};
  buf_append(&j->entries, &entry, sizeof entry);
  buf_append(&j->entries, kind, kind_len);
  buf_append(&j->entries, data, data_len);
}

void script_rows_clear(struct script_rows *j) {
  buf_clear(&j->entries);
}

static int insert_all(sqlite3_stmt *insert, const struct script_rows *j) {
  int rc = SQLITE_OK;
  const char *end = j->entries.data + j->entries.len;
  for (const char *p = j->entries.data; p < end && rc == SQLITE_OK;) {
    struct script_row entry;
    memcpy(&entry, p, sizeof entry);
    p += sizeof entry;
    sqlite3_bind_text(insert, 1, j->topic, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 2, p, (int) entry.kind_len, SQLITE_STATIC);
    sqlite3_bind_int64(insert, 3, entry.time_us);
    sqlite3_bind_text(insert, 4, p + entry.kind_len, (int) entry.data_len, SQLITE_STATIC);
    p += entry.kind_len + entry.data_len;
    rc = statement_run(insert);
  }
  return rc;
}

static int run(sqlite3 *db, const char *sql, int (*work)(sqlite3_stmt *stmt, const struct script_rows *j),
               const struct script_rows *j) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
  if (rc == SQLITE_OK)
    rc = work(stmt, j);
  sqlite3_finalize(stmt);
  return rc;
}

static int delete_old(sqlite3_stmt *delete, const struct script_rows *j) {
  sqlite3_bind_text(delete, 1, j->topic, -1, SQLITE_STATIC);
  sqlite3_bind_int64(delete, 2, j->keep);
  return statement_run(delete);
}

int script_rows_write(sqlite3 *db, const struct script_rows *j) {
  int rc = database_exec(db, table);
  if (rc == SQLITE_OK)
    rc = run(db, "INSERT INTO journal(topic, kind, time, data) VALUES(?, ?, ?, ?)", insert_all, j);
  if (rc == SQLITE_OK)
    rc = run(db, "DELETE FROM journal WHERE topic = ? AND entry <= (SELECT max(entry) FROM journal) - ?",
             delete_old, j);
  return rc;
}

int script_rows_delete_all(sqlite3 *db) {
  int64_t there = 0;
  int rc = database_int(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'journal'", &there);
  return rc == SQLITE_OK && there > 0 ? database_exec(db, "DELETE FROM journal") : rc;
}
