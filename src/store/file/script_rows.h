#ifndef MOONLEDGER_STORE_FILE_SCRIPT_ROWS_H
#define MOONLEDGER_STORE_FILE_SCRIPT_ROWS_H

#include <sqlite3.h>

#include "store/storage.h"

/* Both within the writer's open transaction.  SQLite's codes. */
int script_rows_write(sqlite3 *db, const struct script_rows *rows);

/* Those of the journal: what is kept by key is no log of requests, and a reset leaves it. */
int script_rows_delete_all(sqlite3 *db);

#endif
