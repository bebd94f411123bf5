#ifndef MOONLEDGER_STORE_QUEUE_H
#define MOONLEDGER_STORE_QUEUE_H

#include <pthread.h>

#include "store/storage.h"

/* Writes that wait for the writer, bounded by bytes.  Any thread adds; one takes. */
struct queue {
  pthread_mutex_t lock;
  pthread_cond_t filled;
  struct write *first, **last;
  size_t bytes, count, max_bytes;
  bool stopping;
};

void queue_init(struct queue *q, size_t max_bytes);
void queue_clear(struct queue *q);

int queue_add(struct queue *q, struct write *w); /* UV_EAGAIN: full */
void queue_stop(struct queue *q);

/* What fits in one transaction, in order; a reset stands alone.  Waits at most wait_ms (-1: for ever) for
 * the first.  NULL: nothing came, or with *stopped nothing will. */
struct write *queue_take(struct queue *q, int64_t wait_ms, bool *stopped);

#endif
