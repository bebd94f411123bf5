#ifndef MOONLEDGER_STORE_FILE_IDS_H
#define MOONLEDGER_STORE_FILE_IDS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/hash.h"

/* Which row has an id: seeded 64-bit fingerprints instead of an index with a random
 * key, which would make ingest 12 times slower at 3 million rows.  Recent ones
 * stand in two epochs of a hash table; all of them in sorted segments in the file:
 * ids(segment, first fingerprint of the chunk, chunk of struct id_entry).  What is
 * newer than the last segment follows from the rows.  A fingerprint names a
 * candidate: the caller compares the id that the row has.
 *
 * The writer thread owns it and alone changes it; ids_find is also for readers. */
struct ids;

struct id_entry {
  int64_t fingerprint, row;
};

enum { ID_CANDIDATES = 4 };

struct ids_options {
  int64_t window_us; /* ids younger than this are in memory .. */
  size_t max_ids;    /* .. as long as they are not more */
};

struct ids *ids_open(sqlite3 *db, const struct hash_seed *seed, const struct ids_options *options);
void ids_close(struct ids *ids);

/* Reads the ids of rows that no segment has.  id is the id column's name.  SQLite's
 * codes. */
int ids_load(struct ids *ids, const char *id, int64_t now_us);
bool ids_loaded(const struct ids *ids);

/* Then the segments of the window are read in steps of a millisecond or two at 10
 * million ids; until then they can be probed. */
bool ids_has_unread(const struct ids *ids);
int ids_read_some(struct ids *ids); /* after an error it gives up: nothing is unread */
/* as ids_probe_segments */
int ids_probe_unread(struct ids *ids, struct id_entry *wanted, size_t n);

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
void ids_commit(struct ids *ids, int64_t now_us);
void ids_rollback(struct ids *ids);

/* Looks for the fingerprints (ascending) in all segments; sets row to that of the
 * newest, leaves it 0 where there is none. */
int ids_probe_segments(sqlite3 *db, struct id_entry *wanted, size_t n);
int id_entry_compare(const void *a, const void *b);
int id_entry_same(const void *a, const void *b); /* as id_entry_compare, by fingerprint alone */

/* Writes what no segment has yet as one, in a transaction of its own, when that is
 * at least `least` ids. */
int ids_write_segment(struct ids *ids, size_t least, int64_t now_us);
bool ids_segment_due(const struct ids *ids);
int64_t ids_last_segment_row(sqlite3 *db);

/* Within the caller's transaction; ids_forget after its COMMIT. */
int ids_delete_all(struct ids *ids);
void ids_forget(struct ids *ids);

size_t ids_count(const struct ids *ids); /* in memory; any thread */

#endif
