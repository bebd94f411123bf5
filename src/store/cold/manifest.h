#ifndef MOONLEDGER_STORE_COLD_MANIFEST_H
#define MOONLEDGER_STORE_COLD_MANIFEST_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Which Parquet files are parts of this database: the tables parts and part_masks, the truth about
 * the folder of cold days, which stands beside the file and is named as it, with .cold.  SQLite's
 * codes; what changes something stands within the caller's transaction.
 *
 * A part begins pending, while its file is written; when it is live, readers see it; dropped, its
 * file is removed once nobody reads it, and then it is forgotten.  A row counts once:
 *
 *  - Of a part that was made of rows, those up to (taken_time, taken_row) are read in the part, and
 *    those after it in the table rows.  One transaction deletes rows and moves the place on.
 *  - A row that has changed since its part was read stands in the table rows, under the same
 *    rowid, and part_masks names it: the part's is void. */

#define COLD_UNFINISHED ".unfinished" /* what a part's name ends in while it is written */

enum part_state { PART_PENDING, PART_LIVE, PART_DROPPED };

struct part {
  int64_t number, day;  /* the latter in days since 1970, UTC */
  enum part_state state;
  char file[80];        /* below the folder: day=YYYY-MM-DD/DATABASE-NUMBER-RANDOM.parquet */
  int64_t upto;         /* made of rows up to this one */
  int64_t rows, bytes, checksum; /* CRC-32 of the file */
  int64_t min_time, max_time, min_row, max_row;
  int64_t taken_time, taken_row; /* INT64_MAX: all are read in the part */
};

struct part_list {
  struct part *items; /* by day, then number */
  size_t len, cap;
};

/* SQLITE_CORRUPT, and a line in the log, unless a name leads to a file below the folder of cold
 * days.  The database may be somebody else's, and what it lists is read, linked and removed. */
int manifest_check_file(const char *file);

/* Names are checked so. */
int manifest_read(sqlite3 *db, enum part_state state, struct part_list *list);
void part_list_clear(struct part_list *list);

/* Grows with every change of live parts and of their masks: who sets masks raises it, once in a
 * transaction. */
int manifest_version(sqlite3 *db, int64_t *version);
int manifest_raise(sqlite3 *db);

/* Gives part, of which day and upto are set, its number and file. */
int manifest_begin(sqlite3 *db, const char *database, struct part *part);

int manifest_set_live(sqlite3 *db, const struct part *part);
int manifest_set_taken(sqlite3 *db, const struct part *part);
int manifest_drop(sqlite3 *db, int64_t number);
int manifest_drop_all(sqlite3 *db);
int manifest_forget(sqlite3 *db, int64_t number); /* it is dropped and its file gone */

int manifest_mask(sqlite3 *db, int64_t number, int64_t row);
/* The rows of a part that are void, ascending int64_t. */
int manifest_masks(sqlite3 *db, int64_t number, struct buf *rows);

/* The folder of a database, which is the caller's to free; the path of a file below it. */
char *cold_folder(const char *database_path);
void cold_path(struct buf *path, const char *folder, const char *file);

#endif
