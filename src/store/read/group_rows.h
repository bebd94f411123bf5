#ifndef MOONLEDGER_STORE_READ_GROUP_ROWS_H
#define MOONLEDGER_STORE_READ_GROUP_ROWS_H

#include "store/file/tally.h"
#include "store/storage.h"

/* Writes the groups of a question into its result, in its order, as far as its limit.  A group's
 * key is its bucket in unix seconds, if the question has buckets, and then its by columns.  false:
 * they are too many. */
bool group_rows_write(struct question *question, const struct tallies *groups);

#endif
