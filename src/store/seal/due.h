#ifndef MOONLEDGER_STORE_SEAL_DUE_H
#define MOONLEDGER_STORE_SEAL_DUE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "record/schema.h"

enum { DUE_MOST_JOINED = 8 };

/* Which day is to be sealed next, or which parts joined.
 *
 *  - A day that has closed and has rows in the table is due at once when it has no part; when it
 *    has one, its late rows are due once they are 4,096, or an hour after they were first seen.
 *  - Parts of a day are joined when there are four of them, or when an eighth of their rows is
 *    void. */
struct due_days {
  const struct schema *schema;
  unsigned hot_days; /* 0: none is due; parts are joined */
  int64_t put_off_until_us; /* after a failure */
  int64_t late_since_us; /* when rows of days that have parts were first seen; 0: none wait */
};

/* false: nothing is due.  With *njoined these parts of the day are to be joined. */
bool due_next(struct due_days *due, sqlite3 *db, int64_t now_us, int64_t *day, int64_t *joined,
              size_t *njoined);

void due_put_off(struct due_days *due); /* the next one is due in some time */

#endif
