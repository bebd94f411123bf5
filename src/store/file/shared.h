#ifndef MOONLEDGER_STORE_FILE_SHARED_H
#define MOONLEDGER_STORE_FILE_SHARED_H

#include "store/file/identity.h"
#include "store/storage.h"

struct ids;
struct part_files;

/* What the store's threads share.  Set while it is opened and then constant, but
 * for the counters and for what ids.h says. */
struct shared {
  const struct schema *schema;
  struct storage_options options; /* path is owned */
  struct metrics *metrics;        /* or NULL */
  char name[STORAGE_NAME_BYTES + 1]; /* of the database, first part of event ids */
  struct ids *ids;
  struct part_files *parts; /* of cold days, that are open (cold/part_files.h) */
  bool has_parts;           /* at start */

  /* The writer and the syncer count, any thread reads. */
  atomic_llong rows, last_row, committed_records, commits, merged, last_commit_ns, checkpoint_ns;
  atomic_llong removed_rows, removed_cells, removed_parts, given_back_bytes, passes, retention_ns;
  atomic_llong last_pass_us; /* unix time; 0: none yet */
  pthread_mutex_t retention_lock;
  struct retention retention; /* in force; under its lock */
  atomic_bool writable;
  struct identity identity;
  atomic_llong asked_ns; /* set by readers, monotonic: when one last added cells and rows up */
  atomic_uint rebuilding; /* rollup sets that are not complete yet, bit per set */
};

static inline struct retention shared_retention(struct shared *shared) {
  pthread_mutex_lock(&shared->retention_lock);
  struct retention retention = shared->retention;
  pthread_mutex_unlock(&shared->retention_lock);
  return retention;
}

#endif
