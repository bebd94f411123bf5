#ifndef MOONLEDGER_STORE_COLD_CLEANING_H
#define MOONLEDGER_STORE_COLD_CLEANING_H

#include <sqlite3.h>
#include <stdbool.h>

struct part_files;

/* Makes folder and manifest agree again, at start and before anything else looks at them: files of
 * ours that were not finished, and parts that are pending or dropped, are removed; whatever else
 * the manifest does not know is told in the log and left, and what is missing is noted in files.
 * database: the name in files of ours.  SQLite's codes. */
int cold_clean(sqlite3 *db, struct part_files *files, const char *database);

/* Removes a part's file, for good, and, when it was the last, the day's folder.  false: it may be
 * there still, and the log says why. */
bool cold_remove(const char *folder, const char *file);

#endif
