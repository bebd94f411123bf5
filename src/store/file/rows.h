#ifndef MOONLEDGER_STORE_FILE_ROWS_H
#define MOONLEDGER_STORE_FILE_ROWS_H

#include <sqlite3.h>

#include "record/record.h"
#include "store/file/rows_vtab.h"
#include "store/file/told.h"

/* The table of rows: records go in many at a time, straight from their batches, and
 * are read back one by one. SQLite's codes. */
struct rows {
  sqlite3 *db;
  const struct schema *schema;
  struct told_layout layout;
  struct rows_vtab vtab; /* inserted, but not in the table yet */
  sqlite3_stmt *insert, *insert_at, *update, *put_back, *get;
  int64_t next; /* rowid of the next row, which is never one that was used before */
  int64_t last; /* of the table; 0 when it may have another than next - 1, as after a reset */
};

/* Once the tables are prepared. */
int rows_init(struct rows *rows, sqlite3 *db, const struct schema *schema);
void rows_close(struct rows *rows);

/* Sets r->row.  The record is in the table after rows_flush at the latest, and until then its batch
 * must stay as it is.  Where it fails, that may be of records before it. */
int rows_insert(struct rows *rows, struct record *r, const struct buf *text);
int rows_flush(struct rows *rows);

/* After a rollback: what was not flushed is forgotten, and the next row has this
 * number. */
void rows_roll_back(struct rows *rows, int64_t next);

/* All flush first.  rows_put_back is for a row that the table does not have (any more); rows_get
 * appends the row to b and sets told; SQLITE_DONE when there is none. */
int rows_update(struct rows *rows, const struct record *r, const struct buf *text,
                const struct told *told);
int rows_put_back(struct rows *rows, const struct record *r, const struct buf *text,
                  const struct told *told);
int rows_get(struct rows *rows, int64_t row, struct batch *b, struct told *told);

/* Appends "rowid, column.., extra" of a SELECT that rows_read reads; columns not in
 * wanted (bit per column) are left out. */
void rows_write_columns(struct buf *sql, const struct schema *schema, uint64_t wanted,
                        bool with_extra);

/* Appends the row that stmt stands on to b.  Slots that were not selected have
 * their default. */
struct record *rows_read(sqlite3_stmt *stmt, struct batch *b, uint64_t wanted, bool with_extra);

/* Empties a batch that serves as a scratch page. */
void rows_forget(struct batch *b);

#endif
