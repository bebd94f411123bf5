#ifndef MOONLEDGER_STORE_UPKEEP_VERIFY_ROWS_H
#define MOONLEDGER_STORE_UPKEEP_VERIFY_ROWS_H

#include <sqlite3.h>

#include "store/upkeep.h"

/* Checks what is made of rows against the rows, within a reading transaction of db, which may write
 * temporary tables.  SQLite's codes. */

/* Whether the segments have the fingerprint of each row's id. */
int verify_ids(sqlite3 *db, const struct schema *schema, struct upkeep_progress *progress,
               struct upkeep_report *report);

/* Whether the cells are what counting all rows anew makes of them, day by day; but for days that
 * are sealed or that retention has been at, and sets that are being made anew.  wrong: the sets
 * (bit per set) that are not. */
int verify_cells(sqlite3 *db, const struct schema *schema, struct upkeep_progress *progress,
                 struct upkeep_report *report, uint32_t *wrong);

#endif
