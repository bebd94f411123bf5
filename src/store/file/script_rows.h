#ifndef MOONLEDGER_STORE_FILE_SCRIPT_ROWS_H
#define MOONLEDGER_STORE_FILE_SCRIPT_ROWS_H

#include <sqlite3.h>

#include "store/storage.h"

/* Both within the writer's open transaction; the table is made by the first row.
 * SQLite's codes. */
int script_rows_write(sqlite3 *db, const struct script_rows *rows);
int script_rows_delete_all(sqlite3 *db);

#endif
