#include "store/cold/scan.h"

#include <stdlib.h>

#include "base/mem.h"
#include "store/cold/filter.h"

/* A part is walked group by group and page by page; a page's rows are narrowed down in turn by the
 * conditions, by the window, and by what counts of the part. */
struct walking {
  const struct cold_walk *walk;
  const struct cold_scan *scan;
  const struct schema *schema;
  struct cursor *c;
  struct filter *filter;
  struct batch *row; /* for conditions on columns that the part has not */
  uint16_t places[PARQUET_PAGE_ROWS];
  size_t n;
};

static bool is_outside(const struct cold_scan *scan, const struct parquet_range *times) {
  return times->known && (times->max.i < scan->from || times->min.i >= scan->to);
}

static bool is_inside(const struct cold_scan *scan, const struct parquet_range *times) {
  return times->known && times->min.i >= scan->from && times->max.i < scan->to;
}

bool cold_overlaps(const struct cold_scan *scan, const struct part *part) {
  return part->max_time >= scan->from && part->min_time < scan->to;
}

static int key_column(const struct walking *w) {
  return w->walk->key < 0 ? w->c->rowid : w->c->columns[w->walk->key];
}

/* ---- Rows of a page ---- */

/* Conditions on what is in extra, or younger than the part. */
static int match_rest(struct walking *w) {
  const struct conditions *where = w->scan->where;
  uint64_t columns = 0;
  size_t kept = 0;
  for (size_t i = 0; where != NULL && i < where->count; i++)
    columns |= UINT64_C(1) << where->items[i].column;
  bool with_extra = (columns & w->schema->in_extra) != 0;
  for (size_t i = 0; i < w->n; i++) {
    w->row->text.len = w->row->records.len = w->row->count = 0;
    const struct record *r =
        cursor_read(w->scan->view, w->c, w->places[i], w->row, columns, with_extra);
    if (r == NULL)
      return SQLITE_CORRUPT;
    if (conditions_match_row(where, w->schema, r, &w->row->text))
      w->places[kept++] = w->places[i];
  }
  w->n = kept;
  return SQLITE_OK;
}

static int match_rows(struct walking *w) {
  struct buf *why = view_begin_why(w->scan->view);
  if (!filter_rows(w->filter, w->places, &w->n, why))
    return view_fail(w->scan->view);
  return w->n == 0 || filter_is_whole(w->filter) ? SQLITE_OK : match_rest(w);
}

static int narrow_rows(struct walking *w, bool inside) {
  const struct parquet_vector *times, *rows = NULL;
  size_t kept = 0;
  if (w->n == 0 || (inside && cursor_is_whole(w->c)))
    return SQLITE_OK;
  times = cursor_get(w->scan->view, w->c, w->c->columns[w->schema->time]);
  if (times != NULL)
    rows = cursor_get(w->scan->view, w->c, w->c->rowid);
  if (rows == NULL)
    return SQLITE_CORRUPT;
  for (size_t i = 0; i < w->n; i++) {
    int64_t time = times->integers[w->places[i]];
    if (time >= w->scan->from && time < w->scan->to &&
        cursor_counts(w->c, time, rows->integers[w->places[i]]))
      w->places[kept++] = w->places[i];
  }
  w->n = kept;
  return SQLITE_OK;
}

/* ---- Pages ---- */

static bool page_range(struct walking *w, size_t page, int column, struct parquet_range *range) {
  struct buf why = {0};
  bool known = parquet_page_range(w->c->reader, page, (size_t) column, range, &why);
  if (!known)
    range->known = false; /* the page itself will tell what is wrong */
  buf_clear(&why);
  return known;
}

static bool is_unwanted(struct walking *w, size_t page) {
  struct parquet_range range;
  if (w->walk->wanted == NULL || key_column(w) < 0)
    return false;
  return page_range(w, page, key_column(w), &range) && !w->walk->wanted(w->walk->arg, &range);
}

static int walk_page(struct walking *w, size_t group, size_t page) {
  struct parquet_range times;
  size_t first = parquet_page_row(w->c->file, group, page);
  if (w->scan->stopped != NULL && w->scan->stopped(w->scan->stopped_arg))
    return SQLITE_INTERRUPT;
  page_range(w, page, w->c->columns[w->schema->time], &times);
  if (is_outside(w->scan, &times) || is_unwanted(w, page))
    return SQLITE_OK;
  enum filter_answer may = filter_page(w->filter, page, view_begin_why(w->scan->view));
  if (may != FILTER_SOME)
    return may == FILTER_NONE ? SQLITE_OK : view_fail(w->scan->view);
  cursor_seek(w->c, group, page);
  w->n = parquet_page_row(w->c->file, group, page + 1) - first;
  for (size_t i = 0; i < w->n; i++)
    w->places[i] = (uint16_t) i;
  int rc = match_rows(w);
  if (rc == SQLITE_OK)
    rc = narrow_rows(w, is_inside(w->scan, &times));
  return rc == SQLITE_OK && w->n > 0 ? w->walk->page(w->walk->arg, w->c, w->places, w->n) : rc;
}

static int walk_group(struct walking *w, size_t group) {
  struct parquet_range range;
  size_t pages = parquet_pages(w->c->file, group);
  int rc = SQLITE_OK;
  parquet_group_range(w->c->file, group, (size_t) w->c->columns[w->schema->time], &range);
  if (is_outside(w->scan, &range))
    return SQLITE_OK;
  if (w->walk->wanted != NULL && key_column(w) >= 0) {
    parquet_group_range(w->c->file, group, (size_t) key_column(w), &range);
    if (!w->walk->wanted(w->walk->arg, &range))
      return SQLITE_OK;
  }
  if (!w->c->placed || w->c->group != group)
    cursor_seek(w->c, group, w->walk->backwards ? pages - 1 : 0);
  enum filter_answer may = filter_group(w->filter, group, view_begin_why(w->scan->view));
  if (may != FILTER_SOME)
    return may == FILTER_NONE ? SQLITE_OK : view_fail(w->scan->view);
  for (size_t i = 0; i < pages && rc == SQLITE_OK; i++)
    rc = walk_page(w, group, w->walk->backwards ? pages - 1 - i : i);
  return rc;
}

int cold_walk_part(const struct cold_walk *walk, size_t part) {
  const struct cold_scan *scan = walk->scan;
  struct walking *w = xcalloc(1, sizeof *w);
  int rc = SQLITE_OK;
  w->walk = walk;
  w->scan = scan;
  w->schema = view_schema(scan->view);
  w->c = view_cursor(scan->view, scan->db, part);
  w->row = batch_new(w->schema);
  w->filter = filter_new(scan->where, w->schema);
  if (w->c != NULL)
    filter_bind(w->filter, w->c->file, w->c->reader, w->c->columns);
  size_t groups = w->c != NULL ? parquet_groups(w->c->file) : 0;
  for (size_t i = 0; i < groups && rc == SQLITE_OK; i++)
    rc = walk_group(w, walk->backwards ? groups - 1 - i : i);
  if (w->c == NULL)
    rc = SQLITE_CORRUPT;
  filter_free(w->filter);
  batch_free(w->row);
  free(w);
  return rc;
}

/* ---- Every row ---- */

struct each {
  const struct cold_scan *scan;
  uint64_t columns;
  bool with_extra;
  struct batch *page;
  cold_take *take;
  void *arg;
};

static int take_page(void *arg, struct cursor *c, const uint16_t *places, size_t n) {
  const struct each *each = arg;
  int rc = SQLITE_OK;
  for (size_t i = 0; i < n && rc == SQLITE_OK; i++) {
    struct batch *page = each->page;
    page->text.len = page->records.len = page->count = 0;
    const struct record *r =
        cursor_read(each->scan->view, c, places[i], page, each->columns, each->with_extra);
    rc = r != NULL ? each->take(each->arg, r, &page->text) : SQLITE_CORRUPT;
  }
  return rc;
}

int cold_each(const struct cold_scan *scan, uint64_t columns, bool with_extra, struct batch *page,
              cold_take *take, void *arg) {
  struct each each = {scan, columns, with_extra, page, take, arg};
  struct cold_walk walk = {.scan = scan, .page = take_page, .arg = &each};
  int rc = SQLITE_OK;
  for (size_t i = 0; i < view_parts(scan->view) && rc == SQLITE_OK; i++)
    if (cold_overlaps(scan, view_part(scan->view, i)))
      rc = cold_walk_part(&walk, i);
  return rc;
}
