#ifndef MOONLEDGER_STORE_UPKEEP_VERIFY_H
#define MOONLEDGER_STORE_UPKEEP_VERIFY_H

#include "store/upkeep.h"

/* Checks one moment of a database, which others may write meanwhile: its pages, its parts; with
 * full its indexes, the ids of all rows and all cells, made anew from rows.  What is wrong stands
 * in the report; with repair, which is full and takes the lock, what can be made anew is. 0 or
 * UV_E, with the reason appended to error, where it cannot be checked. */
int verify_database(const char *path, const struct schema *schema,
                    const struct upkeep_order *order, struct upkeep_progress *progress,
                    struct upkeep_report *report, struct buf *error);

#endif
