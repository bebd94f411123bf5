#ifndef MOONLEDGER_STORE_WRITE_WRITER_H
#define MOONLEDGER_STORE_WRITE_WRITER_H

#include "store/storage.h"

struct ids;
struct writer; /* the one thread that writes and checkpoints */

/* What the writer tells about itself; any thread reads it. */
struct writer_counters {
  atomic_llong rows, last_row, committed_records, commits, merged, last_commit_ns, checkpoint_ns;
  atomic_bool writable;
  atomic_uint rebuilding; /* sets that cannot answer yet, bit per set */
};

/* Opens or makes the file; error as in storage_open. */
int writer_open(struct writer **writer, const struct schema *schema, const struct storage_options *options,
                struct metrics *metrics, struct hub *hub, struct buf *error);
int writer_start(struct writer *writer);
void writer_close(struct writer *writer); /* half-open is fine */

int writer_reserve(struct writer *writer, struct submission *w); /* as queue_reserve and queue_add */
void writer_submit(struct writer *writer, struct submission *first, struct submission **last);
const char *writer_database_name(const struct writer *writer);
struct ids *writer_ids(const struct writer *writer);
const struct writer_counters *writer_counters(const struct writer *writer);
void writer_queue_stats(struct writer *writer, struct storage_stats *stats);

#endif
