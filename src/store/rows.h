#ifndef MOONLEDGER_STORE_ROWS_H
#define MOONLEDGER_STORE_ROWS_H

#include <sqlite3.h>

#include "record/record.h"

/* The table of rows: statements that bind straight from records, and reading them back.  SQLite's codes. */
struct rows {
  const struct schema *schema;
  sqlite3_stmt *insert, *insert_at, *update, *get;
  int64_t next; /* rowid of the first row of an empty table, which is never one that was used before */
};

int rows_open(struct rows *rows, sqlite3 *db, const struct schema *schema);
void rows_close(struct rows *rows);

int rows_insert(struct rows *rows, struct record *r, const struct buf *text); /* sets r->row */
int rows_update(struct rows *rows, const struct record *r, const struct buf *text);

/* Appends the row to b.  SQLITE_DONE when there is none. */
int rows_get(struct rows *rows, int64_t row, struct batch *b);

/* Appends "rowid, column.., extra" of a SELECT that rows_read reads; columns not in wanted (bit per
 * column) are left out. */
void rows_write_columns(struct buf *sql, const struct schema *schema, uint64_t wanted, bool with_extra);

/* Appends the row that stmt stands on to b.  Slots that were not selected have their default. */
struct record *rows_read(sqlite3_stmt *stmt, struct batch *b, uint64_t wanted, bool with_extra);

/* Empties a batch that serves as a scratch page. */
void rows_forget(struct batch *b);

#endif
