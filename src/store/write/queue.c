#include "store/write/queue.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"

enum {
  GROUP_RECORDS = 5000,
  GROUP_BYTES = 4 << 20,
  HELD_RECORDS = 256, /* that are worth a commit of their own */
};

void queue_init(struct queue *q, size_t max_bytes) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  *q = (struct queue){.max_bytes = max_bytes};
  q->last = &q->first;
  pthread_mutex_init(&q->lock, NULL);
  pthread_cond_init(&q->filled, &attributes);
  pthread_condattr_destroy(&attributes);
}

void queue_clear(struct queue *q) {
  pthread_mutex_destroy(&q->lock);
  pthread_cond_destroy(&q->filled);
}

static size_t size_of(const struct submission *sub) {
  return sizeof *sub + (sub->batch != NULL ? sub->batch->text.len + sub->batch->records.len : 0) +
         (sub->script_rows != NULL ? sub->script_rows->rows.len : 0);
}

static size_t records_of(const struct submission *sub) {
  return sub->batch != NULL ? sub->batch->count : 0;
}

int queue_reserve(struct queue *q, struct submission *sub) {
  sub->bytes = size_of(sub);
  sub->queued_ns = clock_monotonic_ns();
  pthread_mutex_lock(&q->lock);
  bool full = q->count > 0 && q->bytes + sub->bytes > q->max_bytes;
  if (!full) {
    q->bytes += sub->bytes;
    q->records += records_of(sub);
    q->count++;
  }
  pthread_mutex_unlock(&q->lock);
  return full ? UV_EAGAIN : 0;
}

static bool is_ready(const struct queue *q) {
  return q->stopping || (q->first != NULL && (q->holds == 0 || q->records >= HELD_RECORDS));
}

static void wake_if_ready(struct queue *q) {
  if (is_ready(q))
    pthread_cond_signal(&q->filled);
}

void queue_add(struct queue *q, struct submission *first, struct submission **last) {
  pthread_mutex_lock(&q->lock);
  *q->last = first;
  q->last = last;
  wake_if_ready(q);
  pthread_mutex_unlock(&q->lock);
}

void queue_hold(struct queue *q) {
  pthread_mutex_lock(&q->lock);
  q->holds++;
  pthread_mutex_unlock(&q->lock);
}

void queue_on_synced(void *queue) {
  struct queue *q = queue;
  pthread_mutex_lock(&q->lock);
  q->holds--;
  wake_if_ready(q);
  pthread_mutex_unlock(&q->lock);
}

void queue_wake(struct queue *q) {
  pthread_mutex_lock(&q->lock);
  q->woken = true;
  pthread_cond_signal(&q->filled);
  pthread_mutex_unlock(&q->lock);
}

bool queue_is_empty(struct queue *q) {
  pthread_mutex_lock(&q->lock);
  bool is_empty = q->first == NULL;
  pthread_mutex_unlock(&q->lock);
  return is_empty;
}

void queue_stop(struct queue *q) {
  pthread_mutex_lock(&q->lock);
  q->stopping = true;
  pthread_cond_signal(&q->filled);
  pthread_mutex_unlock(&q->lock);
}

static void wait_until_ready(struct queue *q, int64_t wait_ms) {
  int64_t until = clock_monotonic_ns() + wait_ms * 1000000;
  struct timespec deadline = {until / 1000000000, until % 1000000000};
  int rc = 0;
  while (!is_ready(q) && !q->woken && rc != ETIMEDOUT && wait_ms != 0)
    rc = wait_ms < 0 ? pthread_cond_wait(&q->filled, &q->lock)
                     : pthread_cond_timedwait(&q->filled, &q->lock, &deadline);
}

static struct submission **end_of_group(struct queue *q) {
  size_t records = 0, bytes = 0;
  struct submission **end = &q->first;
  while (*end != NULL) {
    struct submission *sub = *end;
    bool alone = sub->kind == SUBMIT_RESET;
    if (end != &q->first && (alone || records >= GROUP_RECORDS || bytes + sub->bytes > GROUP_BYTES))
      break;
    records += records_of(sub);
    bytes += sub->bytes;
    q->count--;
    end = &sub->next;
    if (alone)
      break;
  }
  q->records -= records;
  q->bytes -= bytes;
  return end;
}

static struct submission *take_group(struct queue *q) {
  struct submission *group = q->first, **end = end_of_group(q);
  q->first = *end;
  *end = NULL;
  if (q->first == NULL)
    q->last = &q->first;
  return group;
}

struct submission *queue_take(struct queue *q, int64_t wait_ms, bool *stopped) {
  struct submission *group = NULL;
  pthread_mutex_lock(&q->lock);
  wait_until_ready(q, wait_ms);
  q->woken = false;
  if (is_ready(q))
    group = take_group(q);
  *stopped = group == NULL && q->stopping;
  pthread_mutex_unlock(&q->lock);
  return group;
}

void queue_stats(struct queue *q, struct storage_stats *stats) {
  pthread_mutex_lock(&q->lock);
  stats->queued_bytes = (int64_t) q->bytes;
  stats->queued_batches = (int64_t) q->count;
  if (q->first != NULL)
    stats->oldest_queued_seconds = (double) (clock_monotonic_ns() - q->first->queued_ns) / 1e9;
  pthread_mutex_unlock(&q->lock);
}
