#include "store/cold/scan.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/cold/matcher.h"

/* A part is walked group by group and page by page; a page's rows are narrowed down in turn by the
 * conditions, by the window, and by what counts of the part. */
struct walking {
  const struct cold_walk *walk;
  const struct cold_scan *scan;
  const struct schema *schema;
  struct cursor *c;
  struct matcher *match;
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
  enum filter_answer may = matcher_page(w->match, page);
  if (may != FILTER_SOME)
    return may == FILTER_NONE ? SQLITE_OK : SQLITE_CORRUPT;
  cursor_seek(w->c, group, page);
  w->n = parquet_page_row(w->c->file, group, page + 1) - first;
  for (size_t i = 0; i < w->n; i++)
    w->places[i] = (uint16_t) i;
  int rc = matcher_rows(w->match, w->places, &w->n);
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
  enum filter_answer may = matcher_group(w->match, group);
  if (may != FILTER_SOME)
    return may == FILTER_NONE ? SQLITE_OK : SQLITE_CORRUPT;
  for (size_t i = 0; i < pages && rc == SQLITE_OK; i++)
    rc = walk_page(w, group, w->walk->backwards ? pages - 1 - i : i);
  return rc;
}

static struct walking *walking_new(const struct cold_walk *walk) {
  struct walking *w = xcalloc(1, sizeof *w);
  w->walk = walk;
  w->scan = walk->scan;
  w->schema = view_schema(walk->scan->view);
  w->match = matcher_new(walk->scan->where, w->schema);
  return w;
}

static void walking_free(struct walking *w) {
  matcher_free(w->match);
  free(w);
}

static void enter_part(struct walking *w, struct cursor *c) {
  w->c = c;
  matcher_enter(w->match, w->scan->view, c);
}

int cold_walk_part(const struct cold_walk *walk, size_t part) {
  struct cursor *c = view_cursor(walk->scan->view, walk->scan->db, part);
  if (c == NULL)
    return SQLITE_CORRUPT;
  struct walking *w = walking_new(walk);
  size_t groups = parquet_groups(c->file);
  int rc = SQLITE_OK;
  enter_part(w, c);
  for (size_t i = 0; i < groups && rc == SQLITE_OK; i++)
    rc = walk_group(w, walk->backwards ? groups - 1 - i : i);
  walking_free(w);
  return rc;
}

struct shared_group {
  size_t part, group;
};

struct cold_share {
  struct view *view;    /* the cursors' */
  struct cursor *parts[COLD_SHARE_PARTS];
  size_t nparts, last;  /* the latter in the view */
  struct shared_group *groups; /* that may have rows in the window */
  size_t ngroups, cap;
  atomic_size_t next;
  atomic_bool failed;
};

static void share_groups(struct cold_share *share, const struct cold_scan *scan) {
  const struct cursor *c = share->parts[share->nparts - 1];
  int time = c->columns[view_schema(scan->view)->time];
  for (size_t i = 0; i < parquet_groups(c->file); i++) {
    struct parquet_range times;
    parquet_group_range(c->file, i, (size_t) time, &times);
    if (is_outside(scan, &times))
      continue;
    if (share->ngroups == share->cap) {
      share->cap = share->cap > 0 ? share->cap * 2 : 64;
      share->groups = xrealloc(share->groups, share->cap * sizeof *share->groups);
    }
    share->groups[share->ngroups++] = (struct shared_group){share->nparts - 1, i};
  }
}

int cold_share_new(const struct cold_scan *scan, size_t *part, struct cold_share **out) {
  struct cold_share *share = xcalloc(1, sizeof *share);
  share->view = scan->view;
  for (; *part < view_parts(scan->view) && share->nparts < COLD_SHARE_PARTS; ++*part) {
    if (!cold_overlaps(scan, view_part(scan->view, *part)))
      continue;
    struct cursor *c = view_open(scan->view, scan->db, *part);
    if (c == NULL) {
      cold_share_free(share);
      return SQLITE_CORRUPT;
    }
    share->last = *part;
    share->parts[share->nparts++] = c;
    share_groups(share, scan);
  }
  *out = share;
  return SQLITE_OK;
}

void cold_share_free(struct cold_share *share) {
  if (share == NULL)
    return;
  for (size_t i = 0; i < share->nparts; i++)
    view_close(share->view, share->parts[i]);
  free(share->groups);
  free(share);
}

size_t cold_share_groups(const struct cold_share *share) {
  return share->ngroups;
}

int cold_share_walk(struct cold_share *share, const struct cold_walk *walk) {
  if (share->ngroups == 1 && share->nparts == 1 && walk->scan->view == share->view)
    return cold_walk_part(walk, share->last); /* its cursor has been there before, often */
  struct walking *w = walking_new(walk);
  struct cursor *own = NULL;
  size_t entered = SIZE_MAX;
  int rc = SQLITE_OK;
  while (rc == SQLITE_OK && !atomic_load(&share->failed) &&
         (w->scan->leaves == NULL || !w->scan->leaves(w->scan->leaves_arg))) {
    size_t next = atomic_fetch_add(&share->next, 1);
    if (next >= share->ngroups)
      break;
    struct shared_group at = share->groups[next];
    if (at.part != entered) {
      own = cursor_copy(share->parts[at.part], own);
      enter_part(w, own);
      entered = at.part;
    }
    rc = walk_group(w, at.group);
  }
  if (rc != SQLITE_OK)
    atomic_store(&share->failed, true);
  cursor_copy_free(own);
  walking_free(w);
  return rc;
}
