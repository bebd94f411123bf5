#include "store/sync/receipt.h"

#include <stdio.h>

#include "base/clock.h"
#include "metrics/metrics.h"

static void count_group(const struct receipts *receipts, const struct group *group) {
  struct shared *shared = receipts->shared;
  int64_t accepted = 0, merged = 0;
  for (const struct submission *sub = group->first; sub != NULL; sub = sub->next) {
    accepted += sub->accepted;
    merged += sub->merged;
  }
  atomic_fetch_add(&shared->commits, 1);
  atomic_fetch_add(&shared->committed_records, accepted + merged);
  atomic_fetch_add(&shared->merged, merged);
  int64_t took_ns = clock_monotonic_ns() - group->started_ns;
  atomic_store(&shared->last_commit_ns, took_ns);
  if (shared->metrics != NULL)
    metric_observe(shared->metrics, receipts->commit_seconds, NULL, (double) took_ns / 1e9);
}

static void publish(const struct receipts *receipts, const struct batch *b, int64_t now_us) {
  struct metrics *metrics = receipts->shared->metrics;
  for (size_t i = 0; metrics != NULL && i < b->count; i++)
    metrics_track_active(metrics, batch_record(b, i), &b->text, now_us);
  if (receipts->committed != NULL)
    receipts->committed(receipts->arg, b);
}

void receipts_tell(const struct receipts *receipts, const struct batch *b) {
  atomic_fetch_add(&receipts->shared->committed_records, (int64_t) b->count);
  publish(receipts, b, clock_now_us());
}

static void tell_senders(const struct group *group) {
  for (struct submission *sub = group->first, *next; sub != NULL; sub = next) {
    next = sub->next;
    loop_post(sub->loop, &sub->done);
  }
}

void receipts_succeed(const struct receipts *receipts, const struct group *group) {
  int64_t now_us = clock_now_us();
  count_group(receipts, group);
  for (struct submission *sub = group->first; sub != NULL; sub = sub->next) {
    sub->status = 0;
    if (sub->kind == SUBMIT_RECORDS)
      publish(receipts, sub->batch, now_us);
  }
  tell_senders(group);
}

void receipts_fail(const struct receipts *receipts, const struct group *group, int status,
                   const char *error) {
  atomic_store(&receipts->shared->writable, false);
  for (struct submission *sub = group->first; sub != NULL; sub = sub->next) {
    sub->status = status;
    snprintf(sub->error, sizeof sub->error, "%s", error);
  }
  tell_senders(group);
}
