#ifndef MOONLEDGER_STORE_FILE_IDS_H
#define MOONLEDGER_STORE_FILE_IDS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/hash.h"
#include "store/file/id_segments.h"

/* Which row has an id: seeded 64-bit fingerprints instead of an index with a random key, which
 * would make ingest 12 times slower at 3 million rows.  Recent ones stand in two epochs of a hash
 * table; all of them in segments in the file (id_segments.h), which are looked into for what has
 * left the table.  What is newer than the last segment follows from the rows; what rows of that
 * segment and before got since then stands in late_ids.  A fingerprint names a candidate: the
 * caller compares the id that the row has.  Ids are kept until a reset: one whose row is gone was
 * a request that retention took.  Who takes rows sees to it that a segment has their ids
 * (ids_write_segment, ids_last_segment_row).
 *
 * The writer thread owns it and alone changes it; ids_find is also for readers. */
struct ids;

enum { ID_CANDIDATES = 4 };

struct ids_options {
  int64_t window_us; /* ids younger than this are in memory .. */
  size_t max_ids;    /* .. as long as they are not more */
};

struct ids *ids_open(sqlite3 *db, const struct hash_seed *seed, const struct ids_options *options);
void ids_close(struct ids *ids);

/* Reads the ids of rows that no segment has.  id is the id column's name, other that of other ids,
 * which stand in extra, or NULL.  SQLite's codes. */
int ids_load(struct ids *ids, const char *id, const char *other, int64_t now_us);
bool ids_loaded(const struct ids *ids);

/* Then filters and the segments of the window are read in steps of a millisecond or two at 10
 * million ids; until then they are looked into. */
bool ids_has_unread(const struct ids *ids);
int ids_read_some(struct ids *ids); /* after an error it gives up: they are always looked into */

int64_t ids_fingerprint(const struct ids *ids, const char *id, size_t len);

/* Brings what ids_find_pending will look at into the cache; for some tens at once.
 * Writer only. */
void ids_touch(const struct ids *ids, const int64_t *fingerprints, size_t n);

/* Rows whose id may have the fingerprint, newest first; at most ID_CANDIDATES.  The
 * writer also sees the pending ones. */
size_t ids_find(struct ids *ids, int64_t fingerprint, int64_t rows[ID_CANDIDATES]);
size_t ids_find_pending(struct ids *ids, int64_t fingerprint, int64_t rows[ID_CANDIDATES]);

/* Ids of the open transaction. */
void ids_add(struct ids *ids, int64_t fingerprint, int64_t row);
/* One that its row had not when it was stored, within the caller's transaction: rows that a segment
 * has are not read again at a start.  SQLite's codes. */
int ids_add_late(struct ids *ids, int64_t fingerprint, int64_t row);
void ids_commit(struct ids *ids, int64_t now_us);
void ids_rollback(struct ids *ids);

/* Looks for fingerprints in what memory does not hold; appends what has them to found.  Writer
 * only. */
int ids_probe(struct ids *ids, const int64_t *fingerprints, size_t n, struct id_entries *found);

/* Writes what no segment has yet as one, in a transaction of its own, when that is at least `least`
 * ids; joins small ones to it where `join` says so: not while they are being read, since the chunks
 * become others.  SQLite's codes; a failure is logged. */
int ids_write_segment(struct ids *ids, size_t least, bool join, int64_t now_us);
bool ids_segment_due(const struct ids *ids);
int64_t ids_last_segment_row(sqlite3 *db); /* any connection */

/* Within the caller's transaction; ids_forget after its COMMIT. */
int ids_delete_all(struct ids *ids);
void ids_forget(struct ids *ids);

size_t ids_count(const struct ids *ids); /* in memory; any thread */

#endif
