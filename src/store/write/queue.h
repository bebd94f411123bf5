#ifndef MOONLEDGER_STORE_WRITE_QUEUE_H
#define MOONLEDGER_STORE_WRITE_QUEUE_H

#include <pthread.h>

#include "store/storage.h"

/* Submissions that wait for the writer, bounded by bytes.  Any thread adds; the
 * writer takes. */
struct queue {
  pthread_mutex_t lock;
  pthread_cond_t filled;
  struct submission *first, **last;
  size_t bytes, count, records, max_bytes;
  unsigned holds;
  bool woken, stopping;
};

void queue_init(struct queue *q, size_t max_bytes);
void queue_clear(struct queue *q);

/* Makes room for sub.  UV_EAGAIN: full. */
int queue_reserve(struct queue *q, struct submission *sub);

/* Submissions that have room, linked from first to the one whose next is *last. */
void queue_add(struct queue *q, struct submission *first, struct submission **last);

/* While held, groups wait until they have HELD_RECORDS.  Holds count.  The writer
 * holds the queue for every group that it hands to the syncer, which then calls the
 * other. */
void queue_hold(struct queue *q);
void queue_on_synced(void *queue); /* syncer's thread */

void queue_wake(struct queue *q); /* the next queue_take returns at once */
bool queue_is_empty(struct queue *q);
void queue_stop(struct queue *q); /* it is not held any more */

/* What fits in one transaction, in order; a reset stands alone.  Waits at most
 * wait_ms (-1: for ever) for the first.  NULL: nothing came, or with *stopped
 * nothing will. */
struct submission *queue_take(struct queue *q, int64_t wait_ms, bool *stopped);

/* Fills in what is queued; any thread. */
void queue_stats(struct queue *q, struct storage_stats *stats);

#endif
