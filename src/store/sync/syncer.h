#ifndef MOONLEDGER_STORE_SYNC_SYNCER_H
#define MOONLEDGER_STORE_SYNC_SYNCER_H

#include <pthread.h>

#include "store/sync/receipt.h"

/* Syncs the WAL (fdatasync) while the writer applies the next group, and then has
 * the group's senders told. Of DURABILITY_FULL: with NORMAL a COMMIT is enough. */
struct syncer {
  int wal_fd; /* our own: SQLite locks other files, so closing it drops none of its locks */
  const struct receipts *receipts;
  /* after every sync, failed or not, before anybody is told; syncer's thread */
  void (*synced)(void *arg);
  void *arg;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  struct group waiting;
  bool busy; /* with the one before */
  bool stopping;
  /* what was committed since may stand behind a gap in the WAL: see syncer_push */
  atomic_bool failed;
};

/* wal_path: the WAL, which exists for as long as the syncer does.  0 or UV_E. */
int syncer_start(struct syncer *syncer, const char *wal_path, const struct receipts *receipts,
                 void (*synced)(void *arg), void *arg);

/* A group that is committed; groups are synced, and told, in their order.  Waits until the one
 * pushed before is being synced, so that at most two are on their way.  After a
 * sync that failed all fail (the kernel reports a lost page once), until the writer
 * has checkpointed the WAL into the database and clears failed. */
void syncer_push(struct syncer *syncer, const struct group *group);

/* Whether all that was pushed is synced and told, so that a group that wrote nothing need not go
 * this way.  For who pushes. */
bool syncer_is_idle(struct syncer *syncer);

/* Ends the thread when all is done. */
void syncer_stop(struct syncer *syncer);

#endif
