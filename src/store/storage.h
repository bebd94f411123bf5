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

struct hub;
struct journal;  /* journal.h */
struct metrics;
struct storage; /* owned by main; all functions here may be called from any loop thread */

enum durability {
  DURABILITY_NORMAL, /* an answer survives a crash of the process */
  DURABILITY_FULL,   /* an answer survives power loss: fsync before it */
};

struct storage_options {
  const char *path;         /* of the SQLite file; its folder exists or is made */
  enum durability durability;
  size_t queue_bytes;       /* of batches that wait for the writer */
  unsigned readers;         /* threads */
  int64_t query_deadline_ms;
  uint32_t sql_max_rows;    /* of storage.sql */
  unsigned dedupe_hours;    /* how long a repeated id is recognised */
  size_t dedupe_max_ids;
  unsigned nloops;          /* that write */
};

/* Opens or makes the file, migrates an older one, takes the lock (PATH-lock).  Counters of records are restored into
 * metrics, which has been told of the schema (metrics_declare); metrics and hub may be NULL.  On failure 0 is not returned and error says what, where
 * and how to mend it (another server on this file, not a database, not ours, newer than this program, folder
 * not writable).
 *
 * People's own SQL (QUERY_SQL) reads rows(columns of the schema.., extra), times in unix microseconds, and
 * for each rollup set rollup_NAME(tier 0 minute, 1 hour, 2 day; bucket in unix seconds; by..; row_count;
 * measures in 1 / scale; sketch), with the functions sketch_merge(sketch) and sketch_quantile(sketch, q). */
int storage_open(struct storage **storage, const struct schema *schema, const struct storage_options *options,
                 struct metrics *metrics, struct hub *hub, struct buf *error);

/* Starts the writing thread; until then writes wait.  It loads fingerprints and makes rollups anew whose declaration
 * has changed (rows answer until they are).  0 or UV_E. */
int storage_start(struct storage *storage);

/* Commits what is queued, checkpoints, ends the threads, frees.  Nothing may be submitted meanwhile. */
void storage_close(struct storage *storage);

/* ---- Writing: one thread, group commit, and one that syncs ---- */

enum write_kind {
  WRITE_RECORDS,
  WRITE_RESET,   /* deletes all rows, rollups, ids and the journal; metrics keep their counts */
  WRITE_JOURNAL, /* keeps what scripts have beside records */
};

/* Embedded by the caller.  done.receive is called once on loop, after COMMIT (and the sync of DURABILITY_FULL) or failure,
 * and owns it again.  Queries see the rows after COMMIT, a moment before the sync. */
struct write {
  struct message done;
  struct loop *loop;
  enum write_kind kind;
  struct batch *batch;   /* stays the caller's; complete records */
  struct journal *journal; /* the same; of WRITE_JOURNAL */
  bool probe_all;        /* look for repeated ids among all stored ones, not only the recent: imports */
  int status;            /* 0: stored.  UV_ENOSPC, ..: nothing of it is, and error says why.  A sync that fails: UV_EIO,
                          * and it may be; with ids it can be sent again */
  uint32_t accepted, merged;
  char error[160];

  struct storage *storage; /* private to the storage, as what follows */
  struct message turn_end;
  struct write *next;
  size_t bytes;
  int64_t queued_ns;
};

/* On w->loop's thread: hands w to the writer, together with all that this turn of the loop writes, so that it shares
 * a commit.  UV_EAGAIN: the queue is full, w stays the caller's and done is not called. */
int storage_write(struct storage *storage, struct write *w);

/* ---- Reading: a pool of threads, one connection each ---- */

enum query_kind { QUERY_SELECT, QUERY_COUNT, QUERY_LOOKUP, QUERY_AGGREGATE, QUERY_SQL };

/* What becomes of selected rows: records of query.batch, or text in query.json, a JSON array, lines of
 * JSON or CSV lines (record/csv.h) without the head. */
enum rows_as { ROWS_BATCH, ROWS_JSON, ROWS_NDJSON, ROWS_CSV };

enum cell_type { CELL_NULL, CELL_INTEGER, CELL_REAL, CELL_BOOLEAN, CELL_TEXT };

struct cell {
  enum cell_type type;
  union value value; /* text: a place in the rowset's text */
};

/* A table of results. */
struct rowset {
  struct buf names;  /* of the columns, each ended by a NUL */
  struct buf cells;  /* struct cell, row by row */
  struct buf text;
  size_t ncolumns, nrows;
};

void rowset_clear(struct rowset *r);

enum { QUERY_MAX_QUANTILES = 8, QUERY_MAX_QUESTIONS = 12 };

/* One question of an aggregate.  Its rowset has the by columns, "time" (unix seconds, float) if every_s is
 * set, all measures of the schema under their names (sums in the column's own unit: floats for float
 * columns, integers for integer ones), and a column NAME_p50 .. per quantile of the sketch's column NAME. */
struct question {
  int by[SCHEMA_MAX_BY];
  size_t nby;
  int64_t every_s;       /* bucket width, a multiple of 60 that divides or is a multiple of 86400's tiers; 0: none */
  uint32_t max_points;   /* every_s grows to the smallest multiple of itself that gives at most as many; 0: no limit */
  double quantiles[QUERY_MAX_QUANTILES];
  size_t nquantiles;
  uint64_t measures;     /* wanted ones, bit per measure; 0: all */
  int order_by;          /* measure, a wanted one, or -1: by the by columns */
  bool descending;
  uint32_t limit;        /* 0: none */

  struct rowset rows;    /* out */
  int64_t used_every_s;  /* out */
};

static inline bool question_wants(const struct question *q, size_t measure) {
  return q->measures == 0 || q->measures >> measure & 1;
}

/* A place between two rows of an order by time: rows after it in the direction of reading. */
struct cursor {
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
  struct cursor after;
  bool by_row;                 /* in order of commit, oldest first, above after.row; order_by and its like unused */
  enum rows_as as;
  bool with_extra;
  /* LOOKUP */
  struct buf id;
  /* AGGREGATE: all questions answered from one snapshot */
  struct question *questions;  /* owned */
  size_t nquestions;
  /* SQL: one read-only statement with bound cells */
  struct buf sql;
  struct rowset bound;         /* one row */

  /* out */
  int status;                  /* UV_ETIMEDOUT: too slow; UV_ECANCELED; UV_EINVAL: bad SQL; .. */
  char error[200];
  struct batch *batch;         /* SELECT, LOOKUP: rows, in order */
  struct buf json;             /* SELECT as text; all forms but ROWS_BATCH */
  uint32_t nrows;
  bool has_next;
  struct cursor next;
  int64_t count;
  struct rowset rows;          /* SQL */
  bool truncated;              /* SQL: the row cap cut it */

  struct query *queued;        /* private to the storage */
  int64_t started_ns;
};

struct query *query_new(enum query_kind kind);
void query_free(struct query *q);
void storage_query(struct storage *storage, struct query *q);

struct storage_stats {
  int64_t rows, file_bytes, wal_bytes, queued_bytes, queued_batches, ids, commits, committed_records, merged;
  double last_commit_seconds, oldest_queued_seconds, checkpoint_seconds;
  bool writable;   /* the last commit did not fail */
  bool rebuilding; /* some rollups are being made anew; rows answer for them */
};

/* Cheap, never waits for the disk. */
void storage_stats(const struct storage *storage, struct storage_stats *stats);

const char *durability_name(const struct storage *storage);

/* Names this database in event ids; stable for the life of the file. */
const char *storage_name(const struct storage *storage);

/* The newest row that was ever stored, also over a reset; 0: none. */
int64_t storage_last_row(const struct storage *storage);

#endif
