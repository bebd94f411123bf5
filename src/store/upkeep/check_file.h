#ifndef MOONLEDGER_STORE_UPKEEP_CHECK_FILE_H
#define MOONLEDGER_STORE_UPKEEP_CHECK_FILE_H

#include <sqlite3.h>

#include "store/upkeep.h"

/* Lets long statements of db be cancelled: they fail with SQLITE_INTERRUPT. */
void check_listens(sqlite3 *db, struct upkeep_progress *progress);

/* The next check of a report. */
struct upkeep_check *check_begin(struct upkeep_report *report, const char *name);

/* Counts a fault; the first one's words stay. */
void check_fault(struct upkeep_check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* SQLite's own check of the file's pages, and with full of its indexes too.  SQLite's codes. */
int check_pages(sqlite3 *db, bool full, struct upkeep_report *report);

#endif
