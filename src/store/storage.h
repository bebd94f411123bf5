#ifndef MOONLEDGER_STORE_STORAGE_H
#define MOONLEDGER_STORE_STORAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/payload.h"
#include "loop/loop.h"
#include "record/condition.h"
#include "record/record.h"
#include "record/schema.h"

struct metrics;
struct storage; /* owned by the app; all functions here may be called from any loop thread */

enum durability {
  DURABILITY_NORMAL, /* an acknowledged record survives a crash of the process */
  DURABILITY_FULL,   /* .. and power loss: it is synced first */
};

/* What goes, and when: whichever comes first.  0: never. */
struct retention {
  int64_t rows_s, tiers_s[TIERS]; /* ages of rows and of rollup cells, in seconds */
  int64_t max_bytes; /* that file, WAL and parts take on the disk, together */
  int64_t min_free;  /* bytes that stay free on the disk */
};

/* What it did. */
struct retention_counts {
  int64_t rows, cells, parts, bytes; /* the last: given back to the disk, but for parts' */
};

struct storage_options {
  const char *path;         /* of the SQLite file; its folder exists or is made */
  enum durability durability;
  size_t queue_bytes;       /* of submissions that wait for the writer */
  unsigned readers;         /* threads */
  int64_t query_deadline_ms;
  uint32_t sql_max_rows;    /* of storage.sql */
  unsigned
      dedupe_hours; /* ids that are younger are kept in memory, others looked up in the file .. */
  size_t dedupe_max_ids;    /* .. as those beyond so many */
  unsigned hot_days; /* days that stay in the SQLite file, today included; 0: all */
  unsigned nloops;          /* that write */
  struct retention retention;
  bool read_only;           /* nothing is written, no lock taken, no table made */
};

/* How many descriptors a store takes at most, with so many readers. */
unsigned storage_descriptors(unsigned readers);

/* Whether somebody has the lock (PATH-lock) of whoever writes that database. */
bool storage_is_held(const char *path);

/* Opens or makes the file, migrates an older one, takes the lock (PATH-lock).
 * Counters of records are restored into metrics, which has been told of the schema
 * (metrics_declare) and may be NULL.  0 or UV_E; then error says what, where and
 * how to fix it (another server on this file, not a database, not ours, newer than
 * this program, folder not writable).  To read only, the file has to be there and as this program
 * and schema would have it; storage_start and storage_submit are not for it.
 *
 * People's own SQL (QUERY_SQL) reads rows(columns of the schema.., extra), times in unix
 * microseconds, and for each rollup set rollup_NAME(tier 0 minute, 1 hour, 2 day; bucket in unix
 * seconds; by..; row_count; measures in 1 / scale; NAME_sketch..), with the functions
 * sketch_merge(sketch) and sketch_quantile(sketch, q). */
int storage_open(struct storage **storage, const struct schema *schema,
                 const struct storage_options *options, struct metrics *metrics, struct buf *error);

/* Who is told of every batch of records that is committed (and synced, with
 * DURABILITY_FULL), in order of commit and before its sender is; records that
 * changed nothing are marked (unchanged).  One thread of the storage calls it; of what is only told
 * (storage_tell) whoever tells it, meanwhile.  Before storage_start. */
typedef void storage_committed(void *arg, const struct batch *batch);
void storage_on_committed(struct storage *storage, storage_committed *committed, void *arg);

/* Starts the writer's threads; until then submissions wait.  The writer loads
 * fingerprints and rebuilds rollups whose declaration has changed (queries read
 * rows until they are there).  0 or UV_E. */
int storage_start(struct storage *storage);

/* From now on days that close become parts, by a thread of its own.  Once, after storage_start, by
 * who keeps the file open for long.  0 or UV_E. */
int storage_seal(struct storage *storage);

/* Commits what is queued, checkpoints, ends the threads, frees.  Nothing may be
 * submitted meanwhile. */
void storage_close(struct storage *storage);

/* Writing: one thread, group commit, and one that syncs */

/* What scripts keep beside records: JSON by topic, in the order of arrival, in the table
 * journal(entry, topic, kind, time, data); or, keyed, under kind as the key in the table
 * kept(topic, key, data), where no data removes the key.  storage.sql reads both. */
struct script_rows {
  char topic[65];
  bool keyed;
  int64_t keep;    /* not keyed: the newest so many of the topic stay, and up to a sixteenth more */
  struct buf rows; /* script_rows.c */
};

void script_rows_add(struct script_rows *rows, int64_t time_us, const char *kind, size_t kind_len,
                     const char *data, size_t data_len);
void script_rows_clear(struct script_rows *rows);

enum submission_kind {
  SUBMIT_RECORDS,
  SUBMIT_RESET, /* deletes all rows, rollups, ids and the journal; metrics keep their counts */
  SUBMIT_SCRIPT_ROWS,
};

/* A batch on its way to the writer.  Embedded by the sender.  done.receive is
 * called once on loop, after COMMIT (and the sync of DURABILITY_FULL) or failure,
 * and owns it again.  Queries see the rows after COMMIT, a moment before the sync. */
struct submission {
  struct message done;
  struct loop *loop;
  enum submission_kind kind;
  struct batch *batch;   /* stays the sender's; complete records */
  struct script_rows *script_rows; /* the same; of SUBMIT_SCRIPT_ROWS */
  /* 0: stored.  UV_ENOSPC, ..: nothing of it is, and error says why.  UV_EIO after a sync
   * that failed: it may be; with ids it can be sent again. */
  int status;
  uint32_t accepted, merged;
  char error[160];

  struct storage *storage; /* private to the storage, as what follows */
  struct message turn_end;
  struct submission *next;
  size_t bytes;
  int64_t queued_ns;
};

/* On sub->loop's thread: hands sub to the writer, together with all that this turn
 * of the loop submits, so that they share a commit.  UV_EAGAIN: the queue is full,
 * sub stays the caller's and done is not called. */
int storage_submit(struct storage *storage, struct submission *sub);

/* Publishes a batch of which nothing is stored or counted, such as starts of requests: there is
 * nothing to wait for.  false: some of it is; nothing has been done.  Any thread. */
bool storage_tell(struct storage *storage, const struct batch *b);

/* From now on; any thread. */
void storage_set_retention(struct storage *storage, const struct retention *retention);

/* Reading: a pool of threads, one connection each */

enum query_kind {
  QUERY_SELECT,
  QUERY_COUNT,
  QUERY_LOOKUP,
  QUERY_AGGREGATE,
  QUERY_SQL,
  QUERY_RETAINED /* rows: name and value of what is kept, since when, and what space it takes
                    (read/retained.c) */
};

/* What becomes of selected rows: records of query.batch, or text in query.json, a
 * JSON array, lines of JSON or CSV lines (record/csv.h) without the head. */
enum rows_as { ROWS_BATCH, ROWS_JSON, ROWS_NDJSON, ROWS_CSV };

enum result_type { RESULT_NULL, RESULT_INTEGER, RESULT_REAL, RESULT_BOOLEAN, RESULT_TEXT };

struct result_value {
  enum result_type type;
  union value value; /* text: a place in the result's text */
};

/* A table of results. */
struct result {
  struct buf names;  /* of the columns, each ended by a NUL */
  struct buf values; /* struct result_value, row by row */
  struct buf text;
  size_t ncolumns, nrows;
};

void result_clear(struct result *r);

enum { QUERY_MAX_QUANTILES = 8, QUERY_MAX_QUESTIONS = 12, QUERY_MAX_BOUNDS = 100000 };

/* One question of an aggregate.  Its result has the by columns, "time" (unix seconds, float) if
 * there are buckets, all measures of the schema under their names (sums in the column's own unit:
 * floats for float columns, integers for integer ones), and a column NAME_p50 .. per quantile of
 * each sketch NAME: null where nothing was measured. */
struct question {
  int by[SCHEMA_MAX_BY];
  size_t nby;
  int64_t every_s; /* bucket width, a multiple of 60 that divides or is a multiple of 86400's tiers;
                      0: none */
  int64_t *bounds; /* instead of every_s: the buckets' ends in unix seconds, ascending; owned */
  size_t nbounds;
  uint32_t max_points; /* every_s grows to the smallest multiple of itself that gives at most as
                          many; 0: no limit */
  double quantiles[QUERY_MAX_QUANTILES];
  size_t nquantiles;
  unsigned sketches;     /* wanted ones, bit per sketch; 0: the first */
  uint64_t measures;     /* wanted ones, bit per measure; 0: all */
  uint64_t order_by;     /* the sum of these measures, wanted ones; 0: by the by columns */
  bool descending;
  uint32_t limit;        /* 0: none */
  bool seen;      /* with first_seen, last_seen (unix seconds) and last_row of each group, from rows
                     alone */
  bool with_rest; /* limit counts combinations of by, each with all its buckets; the rest is added
                     up */

  /* out */
  struct result rows;
  struct result other,
      totals; /* of with_rest: a row each, without by and time; none where they are of nothing */
  int64_t used_every_s;
  bool inexact; /* something stands under SCHEMA_OTHER, has gone with retention, or is more than a
                 * sum can hold */
  bool snapped; /* the window had to be another one, because rows or narrow cells have gone */
  int64_t used_from, used_to; /* that one: unix microseconds, INT64_MIN and INT64_MAX: open */
};

static inline bool question_has_time(const struct question *q) {
  return q->every_s > 0 || q->nbounds > 0;
}

static inline bool question_wants_sketch(const struct question *q, size_t sketch) {
  return q->nquantiles > 0 && (q->sketches == 0 ? sketch == 0 : q->sketches >> sketch & 1);
}

static inline bool question_wants(const struct question *q, size_t measure) {
  return q->measures == 0 || q->measures >> measure & 1;
}

/* A place between two rows of an order by time: rows after it in the direction of
 * reading. */
struct row_place {
  int64_t time, row;
};

struct query {
  struct message done;
  struct loop *loop;
  void *asker;                 /* the asker's own */
  enum query_kind kind;
  struct conditions *where;    /* a reference of the query's own; NULL: all */
  int64_t deadline_ms;         /* 0: the storage's */
  atomic_bool cancelled;       /* the asker sets it; the query then ends soon with UV_ECANCELED */

  /* SELECT */
  int order_by;                /* column; ties by time, then rowid */
  bool descending;
  uint32_t limit, offset;
  bool has_after;
  struct row_place after;
  /* in order of commit, oldest first, above after.row; order_by and its like unused */
  bool by_row;
  enum rows_as as;
  bool with_extra;
  int fields[SCHEMA_MAX_COLUMNS +
             1]; /* columns that rows as text show, in this order; FIELD_EXTRA is extra.  What a row
                  * does not know is null, in CSV empty */
  size_t nfields; /* 0: the public columns */
  /* LOOKUP */
  struct buf id;
  /* AGGREGATE: one snapshot for all questions */
  struct question *questions;  /* owned */
  size_t nquestions;
  /* SQL: one read-only statement with bound values */
  struct buf sql;
  struct result bound;         /* one row */

  /* out */
  int status;                  /* UV_ETIMEDOUT: too slow; UV_ECANCELED; UV_EINVAL: bad SQL; .. */
  char error[200];
  struct batch *batch;         /* SELECT, LOOKUP: rows, in order */
  struct buf json;             /* SELECT as text; all forms but ROWS_BATCH */
  uint32_t nrows;
  bool has_next;
  struct row_place next;
  int64_t count;
  struct result rows;          /* SQL, RETAINED */
  bool truncated;              /* SQL: the row cap cut it */

  struct query *queued;        /* private to the storage */
  int64_t started_ns;
};

struct query *query_new(enum query_kind kind);
void query_free(struct query *q);
void storage_query(struct storage *storage, struct query *q);

struct storage_stats {
  int64_t rows, file_bytes, wal_bytes, queued_bytes, queued_batches, ids, commits,
      committed_records, merged;
  struct retention retention;      /* in force */
  int64_t free_bytes; /* of the file system, for who may not use the last of it; -1: unknown */
  struct retention_counts removed; /* since the start */
  int64_t passes, last_pass_us;    /* of retention; when that ended in unix time, 0: none yet */
  double last_commit_seconds, oldest_queued_seconds, checkpoint_seconds, retention_seconds;
  bool writable;   /* the last commit did not fail, and there is no fault */
  const char *fault; /* of the files, and its repair; static; NULL: none */
  bool rebuilding; /* some rollups are being rebuilt; queries read rows meanwhile */
  char missing_part[512]; /* a file of cold days that is not there; "": all are, or nobody asked */
};

/* Cheap, never waits for the disk. */
void storage_stats(const struct storage *storage, struct storage_stats *stats);

const char *durability_name(const struct storage *storage);

/* Names this database in event ids; stable for the life of the file. */
enum { STORAGE_NAME_BYTES = 8 };
const char *storage_name(const struct storage *storage);

const char *storage_path(const struct storage *storage); /* as it was opened */

/* The newest row that was ever stored, also over a reset; 0: none. */
int64_t storage_last_row(const struct storage *storage);

#endif
