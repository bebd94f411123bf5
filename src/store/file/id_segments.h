#ifndef MOONLEDGER_STORE_FILE_ID_SEGMENTS_H
#define MOONLEDGER_STORE_FILE_ID_SEGMENTS_H

#include <sqlite3.h>

#include "store/file/id_epoch.h"
#include "store/file/id_filter.h"

/* The fingerprints of all ids, in sorted segments in the file: ids(segment, first fingerprint of
 * the chunk, chunk of struct id_entry), and segments(segment, last row, how many, when made,
 * filter).  A filter in memory says which segments need not be read.  SQLite's codes.  The writer
 * thread's alone, but for segments_probe_all. */

enum { SEGMENT_IDS = 256 * 1024 }; /* worth one */

int id_entry_compare(const void *a, const void *b);
int id_entry_same(const void *a, const void *b); /* as id_entry_compare, by fingerprint alone */

struct id_entries {
  struct id_entry *items;
  size_t len, cap;
};

void id_entries_push(struct id_entries *e, struct id_entry entry);
void id_entries_clear(struct id_entries *e);

struct segment {
  int64_t number, last_row;
  size_t ids;
  struct id_filter filter;
};

struct segments {
  sqlite3 *db;
  struct segment *items; /* oldest first */
  size_t len, cap;
  size_t bare;  /* so many of the oldest have no filter, yet or any more */
  bool gave_up; /* on reading them */
  size_t max_ids, filtered_ids;
  sqlite3_stmt *chunk;
};

/* Filters of more than max_ids ids are not kept: what is older is looked up in the file, every
 * time. */
int segments_open(struct segments *s, sqlite3 *db, size_t max_ids);
void segments_close(struct segments *s);
void segments_forget(struct segments *s); /* their rows are deleted */

bool segments_have_unread(const struct segments *s);
int segments_read_filter(struct segments *s); /* of one segment; after an error it gives up */

int64_t segments_row_before(const struct segments *s,
                            int64_t number); /* the last of older segments; 0: none */

/* Looks for fingerprints in the segments that have rows up to `upto`, and in the one after those,
 * which may have late ids of such rows; appends what has them to found. */
int segments_probe(struct segments *s, int64_t upto, const int64_t *fingerprints, size_t n,
                   struct id_entries *found);

/* On any connection: appends all entries of a segment. */
int segments_read_entries(sqlite3 *db, int64_t segment, struct id_entries *out);

/* On any connection: the newest row that any segment has for the fingerprint, or 0. */
int segments_probe_all(sqlite3 *db, int64_t fingerprint, int64_t *row);

/* Writes a segment of parts, each of which is sorted then, ascending from `first` and around.
 * Within the caller's transaction. */
int segments_write(struct segments *s, struct id_entries *parts, size_t nparts, size_t first,
                   int64_t last_row, int64_t now_us);

/* Reads the newest segment and deletes it.  Within the caller's transaction. */
int segments_take_newest(struct segments *s, struct id_entries *out);

/* What the segments are made of: row and id, and once more with its other id where a row has one
 * (other: its column, NULL: there is none), of the rows above ?1, ascending.  sqlite3_free it. */
char *segments_rows_sql(const char *id, const char *other);

void segments_drop_newest(struct segments *s); /* what was written is rolled back */

#endif
