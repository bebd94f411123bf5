#ifndef MOONLEDGER_STORE_FILE_READING_H
#define MOONLEDGER_STORE_FILE_READING_H

#include "store/file/shared.h"

/* What readers need to know of a file that nobody in this program writes: sets shared->name, ids
 * (none is in memory: they are looked up in the file) and rebuilding.  0 or UV_E and why. */
int reading_open(struct shared *shared, struct buf *error);

#endif
