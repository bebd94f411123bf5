#ifndef MOONLEDGER_STORE_READ_WHERE_H
#define MOONLEDGER_STORE_READ_WHERE_H

#include <sqlite3.h>

#include "record/condition.h"

/* Conditions as SQL.  Both functions walk the same items in the same order: all of
 * c, or (skip >= 0) those that are not about column skip. */

/* Appends " AND term" for each. */
void where_write(struct buf *sql, const struct conditions *c, const struct schema *schema,
                 int skip);

/* Binds their values from parameter index on; returns the index after the last. */
int where_bind(sqlite3_stmt *stmt, int index, const struct conditions *c,
               const struct schema *schema, int skip);

#endif
