#ifndef MOONLEDGER_STORE_COLD_ROWS_TABLE_H
#define MOONLEDGER_STORE_COLD_ROWS_TABLE_H

#include "store/cold/view.h"

/* People's SQL reads one table `rows`: with parts there is a virtual one of that name on the
 * connection, before SQLite's own, which has the rows of both.  It has the same columns. */

/* Whether it is there.  Where the file's schema has changed SQLite makes it anew, by statements
 * that an authorizer of people's SQL would not allow: call this before there is one. */
bool rows_table_connect(sqlite3 *db);

/* Outside a transaction; view belongs to db and outlives it.  SQLite's codes. */
int rows_table_make(sqlite3 *db, struct view *view);

#endif
