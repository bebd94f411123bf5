#ifndef MOONLEDGER_STORE_COLD_SCAN_H
#define MOONLEDGER_STORE_COLD_SCAN_H

#include "record/condition.h"
#include "store/cold/view.h"
#include "store/storage.h"

/* Reading the parts of a view: what cannot match is not read, a column that nobody asks for is not
 * decoded.  SQLite's codes; SQLITE_CORRUPT: view_why() tells; SQLITE_INTERRUPT: stopped. */
struct cold_scan {
  struct view *view;
  sqlite3 *db;
  struct conditions *where;       /* NULL: all */
  int64_t from, to;               /* times, to excluded; INT64_MIN and INT64_MAX: open */
  bool (*stopped)(void *arg);     /* asked now and then */
  void *stopped_arg;
  bool (*leaves)(void *arg);  /* of one of several threads, before each group; NULL: it stays */
  void *leaves_arg;
};

/* Rows of one page that match and count: their places, ascending.  What is not SQLITE_OK ends the
 * walk. */
typedef int cold_page(void *arg, struct cursor *c, const uint16_t *places, size_t n);

/* Whether a page may have rows that are wanted, by what is known of `key`, a column of the file. */
typedef bool cold_wanted(void *arg, const struct parquet_range *range);

struct cold_walk {
  const struct cold_scan *scan;
  bool backwards;       /* the last page of a part first */
  cold_page *page;
  int key;              /* column of the schema, or -1: the rowid; with wanted */
  cold_wanted *wanted;  /* or NULL: all are */
  void *arg;
};

/* All pages of one part of the view. */
int cold_walk_part(const struct cold_walk *walk, size_t part);

/* Whether a part may have rows in the window. */
bool cold_overlaps(const struct cold_scan *scan, const struct part *part);

/* Parts of a window, open, whose groups threads take one after the other. */
struct cold_share;

enum { COLD_SHARE_PARTS = 32 }; /* at most: each holds a file open */

/* Of the view's parts from *part on, which moves to where the next share begins: it is there when
 * that is view_parts(). */
int cold_share_new(const struct cold_scan *scan, size_t *part, struct cold_share **share);
void cold_share_free(struct cold_share *share); /* after all walks; NULL is allowed */

size_t cold_share_groups(const struct cold_share *share);

/* Any thread, with a view of its own in walk->scan, which tells why it failed: walks groups that
 * nobody has taken until there is none, another walk has failed, or the thread leaves. */
int cold_share_walk(struct cold_share *share, const struct cold_walk *walk);

struct cold_order {
  bool by_row;     /* ascending, above after.row; what follows is unused */
  int column;      /* of the schema; ties by time, then rowid */
  bool descending;
  bool has_after;  /* of an order by time */
  struct row_place after;
};

/* Where a row is, and what it is sorted by. */
struct cold_row {
  union value key; /* of texts a place in the list's text */
  struct row_place place;
  int64_t part;    /* its number */
  uint32_t group;
  uint16_t page, at;
};

struct cold_rows {
  struct cold_row *items;
  size_t len, cap;
  struct buf text;
};

/* At most n, in order. */
int cold_first_rows(const struct cold_scan *scan, const struct schema *schema,
                    const struct cold_order *order, size_t n, struct cold_rows *rows);

/* The same of groups that nobody has taken, as cold_share_walk; and into becomes the first n of
 * both. */
int cold_share_first_rows(struct cold_share *share, const struct cold_scan *scan,
                          const struct schema *schema, const struct cold_order *order, size_t n,
                          struct cold_rows *rows);
void cold_rows_merge(struct cold_rows *into, const struct cold_rows *more,
                     const struct schema *schema, const struct cold_order *order, size_t n);
void cold_rows_clear(struct cold_rows *rows);

/* The place of a row among those of the table: negative, it comes before one with this key. */
int cold_compare(const struct schema *schema, const struct cold_order *order,
                 const struct cold_rows *rows, const struct cold_row *row, union value key,
                 const char *key_text, struct row_place place);

#endif
