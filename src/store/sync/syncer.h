#ifndef MOONLEDGER_STORE_SYNC_SYNCER_H
#define MOONLEDGER_STORE_SYNC_SYNCER_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/storage.h"

/* What a COMMIT has put into the log, from first to the write whose next is NULL. */
struct commit {
  struct submission *group;
  int64_t started_ns; /* monotonic: when its transaction began */
};

/* Takes a commit over once it is on the disk.  status: 0, or UV_E when it may not be there.  Syncer's thread. */
typedef void syncer_done(void *arg, const struct commit *commit, int status);

/* Has SQLite's log on the disk (fdatasync) on a thread of its own: the writer, whose COMMIT does not wait for the disk,
 * applies the next group meanwhile. */
struct syncer {
  int wal_fd; /* our own: SQLite locks other files, so that closing it gives none of its locks away */
  syncer_done *done;
  void *arg;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  struct commit waiting;
  bool stopping;
  atomic_bool failed; /* what was committed since may stand behind a gap in the log: see syncer_push */
};

/* wal_path: the log that exists for as long as the syncer does.  0 or UV_E. */
int syncer_start(struct syncer *syncer, const char *wal_path, syncer_done *done, void *arg);

/* Commits are done in their order.  Waits until the one pushed before is being synced, so that two are on their way at
 * most.  After one that failed all fail (the kernel reports a lost page once), until the writer has brought the log's
 * content into the database itself and unsets failed. */
void syncer_push(struct syncer *syncer, const struct commit *commit);

/* Ends the thread when all is done. */
void syncer_stop(struct syncer *syncer);

#endif
