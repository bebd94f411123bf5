#ifndef MOONLEDGER_STORE_WRITE_MERGE_H
#define MOONLEDGER_STORE_WRITE_MERGE_H

#include "record/record.h"

/* Makes of a stored row, the last record of its batch, what it is after the same id
 * came again: what the later record brought wins (record_changes), members of extra
 * too.  false when nothing has changed. */
bool merge_record(struct batch *row, const struct record *later, const struct buf *later_text);

#endif
