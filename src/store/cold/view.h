#ifndef MOONLEDGER_STORE_COLD_VIEW_H
#define MOONLEDGER_STORE_COLD_VIEW_H

#include "record/record.h"
#include "store/cold/part_files.h"
#include "store/file/told.h"

/* The parts as one connection sees them in its snapshot, and the places in them where it reads.
 * One thread's.  SQLite's codes; what goes wrong with a part (SQLITE_CORRUPT) is told in why. */
struct view;

enum { VIEW_CURSORS = 8 }; /* that stay where they are, each with its part's file open */

struct view *view_new(struct part_files *files, const struct schema *schema);
void view_free(struct view *view); /* NULL is allowed */

/* Within the transaction of db that is then asked about: what is live. */
int view_refresh(struct view *view, sqlite3 *db);

/* What was read within a transaction that is rolled back is read anew. */
void view_forget(struct view *view);

size_t view_parts(const struct view *view);
const struct part *view_part(const struct view *view, size_t i); /* by day, then number */
const struct schema *view_schema(const struct view *view);

/* Why something could not be read.  Who reads otherwise than by what is here has it told to what
 * view_begin_why returns, then calls view_fail, which answers SQLITE_CORRUPT. */
const char *view_why(const struct view *view);
struct buf *view_begin_why(struct view *view);
int view_fail(struct view *view);

/* A reader of one part, on one page of it.  It stays where it is for who asks for the part next. */
struct cursor {
  struct part part;
  struct part_file *held;
  const struct parquet_file *file;
  struct parquet_reader *reader;
  int columns[SCHEMA_MAX_COLUMNS]; /* of the file, by column of the schema; -1: it is missing */
  int kept[SCHEMA_MAX_COLUMNS];    /* of those: the file has it with another type, or as one that
                                      the schema had lost; -1: not at all */
  uint64_t missing;  /* stored columns whose values are kept, or in extra, or not there */
  int rowid, extra, told, stamps;
  bool placed;
  size_t group, page;
  struct buf masks;  /* ascending rows that are void */
  uint64_t last_used;
};

/* The part's cursor, the view's until its next refresh or some other cursors later.  NULL: why. */
struct cursor *view_cursor(struct view *view, sqlite3 *db, size_t part);
struct cursor *view_cursor_of(struct view *view, sqlite3 *db, int64_t number);

/* The same, the caller's, who closes it. */
struct cursor *view_open(struct view *view, sqlite3 *db, size_t part);
void view_close(struct view *view, struct cursor *c); /* NULL is allowed */

/* As any thread reads it until it is closed.  copy: of another one, which becomes this one's;
 * NULL: a new one. */
struct cursor *cursor_copy(const struct cursor *c, struct cursor *copy);
void cursor_copy_free(struct cursor *copy); /* NULL is allowed */

/* To a page, of which nothing is read yet. */
void cursor_seek(struct cursor *c, size_t group, size_t page);

/* Whether a column of the file is neither one of the schema nor one of ours. */
bool cursor_is_beyond(const struct cursor *c, const struct schema *schema, size_t column);

/* A column of the page by its number in the file; NULL: view_why() tells. */
const struct parquet_vector *cursor_get(struct view *view, struct cursor *c, int column);

/* Whether the row at a place of the page counts; times and rows are those columns. */
bool cursor_counts(const struct cursor *c, int64_t time, int64_t row);

/* Whether all of its rows do. */
static inline bool cursor_is_whole(const struct cursor *c) {
  return c->masks.len == 0 && c->part.taken_time == INT64_MAX;
}

/* Appends the row at a place of the page to b, as rows_read does.  NULL: view_why(). */
struct record *cursor_read(struct view *view, struct cursor *c, size_t place, struct batch *b,
                           uint64_t wanted, bool with_extra);

/* What the place's row was told (file/told.h), as it stands in the column of the table; false:
 * view_why(). */
bool cursor_told(struct view *view, struct cursor *c, size_t place, struct stored_told *told);

/* Where a row is that counts: its part's cursor is then on the page.  SQLITE_DONE: in none. */
int view_find(struct view *view, sqlite3 *db, int64_t row, struct cursor **cursor, size_t *place);

#endif
