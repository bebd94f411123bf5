#ifndef MOONLEDGER_STORE_FILE_ROWS_VTAB_H
#define MOONLEDGER_STORE_FILE_ROWS_VTAB_H

#include <sqlite3.h>

#include "store/file/told.h"

/* Records on their way into the table of rows, as a table that SQL reads: its
 * columns are those of a row, its rowid the record's row.  One INSERT .. SELECT
 * from it takes two thirds of the instructions of a statement a record. */
struct rows_vtab {
  const struct told_layout *layout; /* and its schema */
  struct arrival {
    const struct record *record;
    const struct buf *text;
  } *items;
  size_t len, cap;
};

/* Makes it known to db as "new_rows"; it must outlive db.  SQLite's codes. */
int rows_vtab_register(struct rows_vtab *vtab, sqlite3 *db);
void rows_vtab_free(struct rows_vtab *vtab);

/* Both stay where they are until len is 0 again. */
void rows_vtab_add(struct rows_vtab *vtab, const struct record *record, const struct buf *text);

#endif
