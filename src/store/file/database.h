#ifndef MOONLEDGER_STORE_FILE_DATABASE_H
#define MOONLEDGER_STORE_FILE_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/buf.h"

/* Connections to the file, and what SQLite lacks.  Functions return SQLite's codes
 * unless they say so. */

enum access { ACCESS_WRITER, ACCESS_READER };

/* Opens a connection with the settings of its kind; a writer's are made by
 * tables_prepare, once the file is known to be ours.  Only one writer exists, and
 * it alone checkpoints: SQLite before 3.51.3 can lose frames when another
 * connection resets the log ("WAL-reset bug", sqlite.org/wal.html). */
int database_open(sqlite3 **db, const char *path, enum access access);

/* The words for what a call on the connection has just answered, which need not be SQLite's own: a
 * damaged part or cell says SQLITE_CORRUPT, too. */
const char *database_why(sqlite3 *db, int rc);

/* Appends what went wrong with the file and how to fix it. */
void database_explain(sqlite3 *db, const char *path, struct buf *error);

/* Syncs the file itself and the WAL, names included.  The file's header must be
 * there before the first commit is acknowledged: SQLite throws the WAL of a file
 * without one away. */
int database_sync(sqlite3 *db);

const char *database_wal_path(sqlite3 *db); /* SQLite's; it exists once the tables are prepared */

int database_exec(sqlite3 *db, const char *sql);
/* of the one row; SQLITE_DONE: no such row */
int database_int(sqlite3 *db, const char *sql, int64_t *value);
/* for the life of the connection */
int database_statement(sqlite3 *db, const struct buf *sql, sqlite3_stmt **stmt);

/* Steps a statement that returns no rows and readies it for its next use. */
int statement_run(sqlite3_stmt *stmt);

int meta_get_int(sqlite3 *db, const char *key, int64_t *value); /* SQLITE_DONE: no such row */
int meta_set_int(sqlite3 *db, const char *key, int64_t value);
int meta_get_bytes(sqlite3 *db, const char *key, struct buf *value);
/* Just so many: SQLITE_DONE where there is no such row, or one of others. */
int meta_get_exactly(sqlite3 *db, const char *key, void *bytes, size_t len);
int meta_set_bytes(sqlite3 *db, const char *key, const void *value, size_t len);

/* UV_E for a code of SQLite; 0 for OK, ROW and DONE. */
int database_status(int code);

#endif
