#ifndef MOONLEDGER_STORE_UPKEEP_VERIFY_ROWS_H
#define MOONLEDGER_STORE_UPKEEP_VERIFY_ROWS_H

#include <sqlite3.h>

#include "store/cold/scan.h"
#include "store/upkeep.h"

/* Checks what is made of rows, those in parts too, against the rows, within a reading transaction
 * of db, which may write temporary tables.  view is refreshed.  SQLite's codes. */

/* Whether the segments have the fingerprint of each row's id. */
int verify_ids(sqlite3 *db, struct view *view, struct upkeep_progress *progress,
               struct upkeep_report *report);

/* Whether the cells are what counting all rows anew makes of them, day by day; but for days that
 * retention has been at, and sets that are being made anew.  wrong: the sets (bit per set) that
 * are not. */
int verify_cells(sqlite3 *db, struct view *view, struct upkeep_progress *progress,
                 struct upkeep_report *report, uint32_t *wrong);

/* Makes the segments anew of all rows, in one transaction of db, which writes.  SQLite's codes. */
int remake_ids(sqlite3 *db, struct view *view);

/* Of all parts, until the work is cancelled. */
struct cold_scan verify_scan(struct view *view, sqlite3 *db, struct upkeep_progress *progress);

/* What cannot be read of a part is a fault, and the rest goes on: SQLITE_OK. */
int verify_part_fault(struct view *view, struct upkeep_check *check);

#endif
