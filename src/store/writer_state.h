#ifndef MOONLEDGER_STORE_WRITER_STATE_H
#define MOONLEDGER_STORE_WRITER_STATE_H

#include "store/ids.h"
#include "store/queue.h"
#include "store/rollup.h"
#include "store/rows.h"
#include "store/writer.h"

/* What the files of the writer share; its thread's alone once that runs, but for queue, ids and counters. */
struct writer {
  const struct schema *schema;
  struct storage_options options;
  struct metrics *metrics; /* or NULL, as hub */
  struct metric *commit_seconds;
  struct hub *hub;
  char name[24];

  int lock_fd;
  sqlite3 *db;
  struct rows rows;
  struct ids *ids;
  struct batch *page;      /* the stored row of a merge */
  sqlite3_stmt *begin, *commit, *save_series;

  struct rollups *rollups; /* of the sets that can answer */
  struct rollups *fresh;   /* of those being rebuilt, or NULL; rows in (rebuilt, rebuild_upto] are not in them yet */
  int64_t rebuilt, rebuild_upto;

  int64_t inserted, last_row; /* of the open transaction */
  int wal_pages, checkpointed_pages;
  struct queue queue;
  pthread_t thread;
  bool started;
  struct writer_counters counters;
};

/* writer_records.c: within the open transaction; SQLite's codes. */
int writer_apply(struct writer *w, struct write *write);
int writer_reset(struct writer *w);

/* writer_upkeep.c: between transactions. */
bool writer_has_upkeep(const struct writer *w); /* more than waiting for the next write */
void writer_upkeep(struct writer *w);
void writer_idle(struct writer *w);  /* nothing came for a while */
void writer_finish(struct writer *w);
int writer_resume_rebuild(struct writer *w);

#endif
