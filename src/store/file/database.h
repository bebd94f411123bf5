#ifndef MOONLEDGER_STORE_FILE_DATABASE_H
#define MOONLEDGER_STORE_FILE_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/buf.h"
#include "record/schema.h"

/* The file: how connections are opened and what tables it has.  Functions answer SQLite's codes unless they say so.
 *
 *   rows(columns of the schema.., extra)      rowid in order of commit, index on the time; times in unix microseconds
 *   rollup_NAME(tier, bucket, by.., row_count, measures.., sketch)
 *                                             one per set; tier 0 minute, 1 hour, 2 day; bucket in unix seconds
 *   ids(segment, first, data), segments(..)   fingerprints of ids (store/file/ids.h)
 *   metric_series(key, value)                 counters over records, as the writer saved them
 *   meta(key, value)                          name, seed and the state of maintenance */

enum { DATABASE_APPLICATION_ID = 0x6d6f6f6e, DATABASE_VERSION = 1 };

enum access { ACCESS_WRITER, ACCESS_READER };

/* Opens a connection with the settings of its kind; a writer's are made by database_prepare, once the file
 * is known to be ours.  Only one writer exists, and it alone checkpoints: SQLite before 3.51.3 can lose
 * frames when another connection resets the log ("WAL-reset bug", sqlite.org/wal.html). */
int database_open(sqlite3 **db, const char *path, enum access access);

/* Appends what went wrong with the file and how to mend it. */
void database_explain(sqlite3 *db, const char *path, struct buf *error);

/* Makes or migrates the tables to fit the schema.  0 or UV_E with the reason appended to error. */
int database_prepare(sqlite3 *db, const char *path, const struct schema *schema, struct buf *error);

/* Has the file itself and the log on the disk, names included.  The file's header must be there before the first commit
 * is answered: SQLite throws the log of a file without one away. */
int database_sync(sqlite3 *db);

const char *database_wal_path(sqlite3 *db); /* SQLite's; it exists once the database is prepared */

int database_exec(sqlite3 *db, const char *sql);
int database_int(sqlite3 *db, const char *sql, int64_t *value); /* of the one row; SQLITE_DONE when there is none */
int database_statement(sqlite3 *db, const struct buf *sql, sqlite3_stmt **stmt); /* for the life of the connection */

/* Steps a statement that answers no rows and readies it for its next use. */
int statement_run(sqlite3_stmt *stmt);

int meta_get_int(sqlite3 *db, const char *key, int64_t *value); /* SQLITE_DONE when there is none */
int meta_set_int(sqlite3 *db, const char *key, int64_t value);
int meta_get_bytes(sqlite3 *db, const char *key, struct buf *value);
int meta_set_bytes(sqlite3 *db, const char *key, const void *value, size_t len);

/* UV_E for a code of SQLite; 0 for OK, ROW and DONE. */
int database_status(int code);

#endif
