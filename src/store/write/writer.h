#ifndef MOONLEDGER_STORE_WRITE_WRITER_H
#define MOONLEDGER_STORE_WRITE_WRITER_H

#include "store/file/shared.h"
#include "store/sync/receipt.h"
#include "store/write/chores.h"
#include "store/write/queue.h"

struct writer; /* the one thread that writes and checkpoints, and its syncer */

/* Opens or makes the file, and sets shared->name, ids and parts; error as in
 * storage_open.  queue, chores and receipts outlive the writer. */
int writer_open(struct writer **writer, struct shared *shared, struct queue *queue,
                struct chores *chores, const struct receipts *receipts, struct buf *error);
int writer_start(struct writer *writer);
void writer_close(struct writer *writer); /* half-open is fine; shared->ids is gone afterwards */

#endif
