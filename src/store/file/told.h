#ifndef MOONLEDGER_STORE_FILE_TOLD_H
#define MOONLEDGER_STORE_FILE_TOLD_H

#include <sqlite3.h>

#include "record/merge.h"

/* The column told of rows: what of a row its records told (record/merge.h).
 *
 * - an integer of a row that one record made: columns << 5 | quality << 3 | event; its time is the
 *   row's;
 * - a blob of any other, for each stamp, lowest first, little-endian: time int64, the same integer,
 *   members uint32, of which the highest bit is apart and the next seven are the basis (zeros in
 *   rows that are older than these);
 * - NULL in rows that are older than the column: what is not the default was told.
 *
 * Bits are places in meta's lists told_columns and told_events, which only grow: a schema may order
 * its columns anew. */
struct told_layout {
  const struct schema *schema;
  int8_t column[SCHEMA_MAX_COLUMNS]; /* bit of a column; -1: the list is full, and it is told unless
                                        it is default */
  int8_t event[SCHEMA_MAX_EVENTS];
  uint64_t unplaced; /* columns without a bit */
  uint64_t known;    /* bits of columns; those of others are of columns that the schema has lost */
  bool in_order;     /* bits are the columns' places in the schema, too */
};

/* Within a transaction of the writer: gives the schema's columns and events their bits in this
 * file. */
int told_layout_prepare(sqlite3 *db, const struct schema *schema);
int told_layout_read(struct told_layout *layout, sqlite3 *db, const struct schema *schema);

/* The integer of a record that comes as a new row. */
int64_t told_of_record(const struct told_layout *layout, const struct record *r,
                       const struct buf *text);

/* What the column holds: the integer, or the blob, which is its owner's, or neither. */
struct stored_told {
  bool is_integer;
  int64_t integer;
  const void *blob;
  size_t len;
};

struct stored_told told_column(sqlite3_stmt *stmt, int index); /* until the next step */

/* Reads it into told, which is emptied first; r is the row, with what it has in extra.  What it
 * has of its columns (present) is then what it was told. */
void told_read(struct told *told, const struct told_layout *layout, struct stored_told stored,
               struct record *r, const struct buf *text);

/* Binds it; r is the row as it is written. */
void told_bind(sqlite3_stmt *stmt, int index, const struct told *told,
               const struct told_layout *layout, const struct record *r);

#endif
