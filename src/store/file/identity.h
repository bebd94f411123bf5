#ifndef MOONLEDGER_STORE_FILE_IDENTITY_H
#define MOONLEDGER_STORE_FILE_IDENTITY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/stat.h>

/* Whether the paths of the database and its log still lead to the files that SQLite has
 * open.  It writes on into files that were removed, and what it says is durable then goes
 * with the process. */
struct identity {
  const char *path, *wal_path; /* NULL: no file has been opened yet */
  dev_t device;
  ino_t file, wal;
  pthread_mutex_t resizing;
  int64_t bytes;               /* under resizing: what the file had at least */
  atomic_bool was_cut;         /* what was in it is gone, whatever is written since */
};

/* Both files are open; the paths live as long. */
void identity_take(struct identity *id, const char *path, const char *wal_path);

/* NULL, or what happened to the files and how to repair it, below 160 bytes.  Any thread. */
const char *identity_fault(struct identity *id);

/* The writer's thread: between these the size may change. */
void identity_resize(struct identity *id);
void identity_resized(struct identity *id);

#endif
