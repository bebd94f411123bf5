#ifndef MOONLEDGER_STORE_READ_READER_H
#define MOONLEDGER_STORE_READ_READER_H

#include <sqlite3.h>

#include "store/cold/scan.h"
#include "store/file/shared.h"

/* One reading thread: its connection, its statements and the query it runs.  The
 * functions below return SQLite's codes; a deadline or a cancelled asker ends a
 * statement with SQLITE_INTERRUPT. */
struct reader;
struct readers;

struct readers *readers_open(struct shared *shared); /* which outlives them */
void readers_close(struct readers *readers);
void readers_submit(struct readers *readers, struct query *q);

/* When the oldest query that runs began (clock_monotonic_ns), INT64_MAX: none runs.  Any thread. */
int64_t readers_oldest(void *readers);

/* A statement of this text, which is cleared; ready to be bound, and the reader's.
 * Reset it when done, so that no snapshot is held. */
int reader_statement(struct reader *r, struct buf *sql, sqlite3_stmt **stmt);

/* All statements between them see one snapshot. */
int reader_begin(struct reader *r);
void reader_end(struct reader *r);

sqlite3 *reader_database(struct reader *r);
/* Another one, for other people's SQL, with a view of its own. */
int reader_sql_database(struct reader *r, sqlite3 **db, struct view **view);
/* Runs work on this thread and on at most so many others that have no query, together: each takes
 * its share of what arg holds until there is none, and the others also leave when they are wanted
 * for a query.  Ends after all of them.  SQLITE_OK, or the code of one that failed;
 * SQLITE_CORRUPT: view_why() of this reader's view. */
typedef int reader_work(struct reader *r, void *arg);
int reader_together(struct reader *r, unsigned others, reader_work *work, void *arg);

/* The asker's scan as one of them reads it, who asks for nothing else of r meanwhile. */
struct cold_scan reader_share_scan(struct reader *r, const struct cold_scan *scan);
unsigned reader_helpers(const struct reader *r, size_t shares); /* worth asking for */

const struct schema *reader_schema(const struct reader *r);
const struct storage_options *reader_options(const struct reader *r);
struct ids *reader_ids(const struct reader *r);

/* Of the parts, in the snapshot of reader_begin. */
struct view *reader_view(struct reader *r);
struct cold_scan reader_cold_scan(struct reader *r, struct conditions *where);
/* sets that are not complete; ask before reader_begin */
uint32_t reader_rebuilding(const struct reader *r);
struct batch *reader_page(struct reader *r);        /* for one row at a time */

struct shared *reader_shared(const struct reader *r);

/* select.c, aggregate.c, sql.c, retained.c */
int query_select(struct reader *r, struct query *q);
int query_lookup(struct reader *r, struct query *q);
int query_count(struct reader *r, struct query *q);
int query_aggregate(struct reader *r, struct query *q);
int query_sql(struct reader *r, struct query *q);
int query_retained(struct reader *r, struct query *q);

#endif
