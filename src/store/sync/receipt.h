#ifndef MOONLEDGER_STORE_SYNC_RECEIPT_H
#define MOONLEDGER_STORE_SYNC_RECEIPT_H

#include "store/file/shared.h"

struct metric;

/* The submissions of one commit, from first to the one whose next is NULL. */
struct group {
  struct submission *first;
  int64_t started_ns; /* monotonic: when its transaction began */
  bool wrote;         /* else there is nothing to sync: starts of requests, and repeats */
};

/* What happens to a group once its fate is known: it is counted and published, and its senders are
 * told.  On the syncer's thread where a sync decides (DURABILITY_FULL, but of a group that wrote
 * nothing while the syncer is idle), else on the writer's; never on both at once, so that rows
 * leave in order of commit. */
struct receipts {
  struct shared *shared;
  struct metric *commit_seconds; /* NULL without metrics */
  storage_committed *committed;  /* or NULL */
  void *arg;                     /* of committed */
};

/* Counts and publishes what is stored nowhere; any thread. */
void receipts_tell(const struct receipts *receipts, const struct batch *b);

/* The group is as durable as it was asked to be; its submissions belong to their
 * senders afterwards. */
void receipts_succeed(const struct receipts *receipts, const struct group *group);

/* status: UV_E, error: why. */
void receipts_fail(const struct receipts *receipts, const struct group *group, int status,
                   const char *error);

#endif
