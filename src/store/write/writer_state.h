#ifndef MOONLEDGER_STORE_WRITE_WRITER_STATE_H
#define MOONLEDGER_STORE_WRITE_WRITER_STATE_H

#include "store/cold/view.h"
#include "store/file/ids.h"
#include "store/file/rows.h"
#include "store/sync/syncer.h"
#include "store/write/chores.h"
#include "store/write/queue.h"
#include "store/write/retention.h"
#include "store/write/rollup.h"
#include "store/write/writer.h"

/* What the files of the writer share; its thread's alone once that runs, but for
 * queue, syncer and shared. */
struct writer {
  struct shared *shared;
  const struct schema *schema;     /* shared's, as metrics and ids */
  struct metrics *metrics;
  struct ids *ids;
  struct queue *queue;
  struct chores *chores;
  const struct receipts *receipts;

  int lock_fd;
  sqlite3 *db;
  bool synced;             /* the file's header and the log's name are on the disk */
  struct rows rows;
  struct batch *page;      /* the stored row of a merge, .. */
  struct told told;        /* .. and what it was told */
  int64_t from_part;       /* .. and the part that it was read from; 0: the table */
  struct view *view;       /* of the parts */
  struct part sealing;     /* that rows are on their way into; number 0: none */
  struct pace taking;      /* of these */
  bool parts_changed;      /* masks, in the open transaction */
  sqlite3_stmt *begin, *commit, *save_series, *insert_changes;

  struct buf series_changes;   /* of this transaction */
  int64_t changes_bytes;    /* in metric_log */

  struct rollups *rollups; /* of the complete sets */
  /* of those being rebuilt, or NULL; rows in (rebuilt, rebuild_upto] are not in them yet */
  struct rollups *fresh;
  int64_t rebuilt, rebuild_upto, rebuild_from_us; /* the last: a time; older ones are not needed */
  uint64_t filling; /* columns that fill from extra, bit per column: rows in (filled, fill_upto] are
                       not yet */
  int64_t filled, fill_upto;

  int64_t rolled_up_to;        /* later rows are in the cells in memory only, .. */
  bool stale;              /* .. and not even there: they must be read */
  /* rows alone do not tell what has changed: the cells go with this transaction */
  bool flush_due;
  int64_t rolling_up_to;       /* what rolled_up_to will be after COMMIT, or 0 */
  int64_t rolled_up_ns;

  int64_t inserted, last_row; /* of the open transaction */
  int wal_pages, checkpointed_pages;
  bool wrote;              /* the last transaction that was committed, into the log */
  struct retainer retainer;
  int64_t removed;         /* rows that retention has taken since the last reset */
  struct syncer syncer;    /* of DURABILITY_FULL */
  pthread_t thread;
  bool started;
};

enum { MANY_RECORDS = 1000 }; /* of the last transaction: a bulk load */

/* Much is coming in: what takes time is then done more rarely. */
static inline bool writer_is_busy(struct writer *w) {
  return w->inserted >= MANY_RECORDS || !queue_is_empty(w->queue);
}

/* writer_records.c: within the open transaction; SQLite's codes. */
int writer_apply(struct writer *w, struct submission *sub);
int writer_reset(struct writer *w);

/* writer_cells.c.  The first two within a transaction; SQLite's codes. */
typedef void writer_row(struct writer *w, const struct record *r, const struct buf *text);
int writer_flush_cells(struct writer *w);
/* Rows of the table in (after, last]. */
int writer_each_row(struct writer *w, int64_t after, int64_t last, writer_row *take);
/* writer_cold.c: of the parts */
int writer_each_cold_row(struct writer *w, int64_t after, int64_t last, writer_row *take);
int writer_begin(struct writer *w); /* with cells in memory that are up to date */
void writer_count(struct writer *w, const struct record *r, const struct buf *text, int sign);
bool writer_has_tail(const struct writer *w); /* rows that no cell in the file has */
bool writer_cells_due(struct writer *w);
void writer_cells_committed(struct writer *w);
void writer_roll_back(struct writer *w); /* and forgets what is in memory of it */

/* writer_series.c; SQLite's codes.  The first within a transaction, the second one
 * of its own, the third at start. */
int writer_save_changed_series(struct writer *w);
int writer_save_series(struct writer *w);
int writer_restore_series(struct writer *w);
void writer_series_rolled_back(struct writer *w);

/* writer_fill.c: one step, a transaction of its own; and at start, SQLite's code. */
void writer_fill(struct writer *w);
int writer_resume_fill(struct writer *w);

/* writer_maintenance.c: between transactions. */
bool writer_has_maintenance(const struct writer *w); /* more than waiting for the next write */
void writer_maintain(struct writer *w);
void writer_idle(struct writer *w);  /* nothing came for a while */
void writer_finish(struct writer *w);
int writer_flush_tail(struct writer *w);
int writer_checkpoint(struct writer *w, int mode, int patience_ms); /* SQLite's code */
int writer_restart_wal(struct writer *w); /* after a sync that failed; SQLite's code */
int writer_resume_rebuild(struct writer *w);

#endif
