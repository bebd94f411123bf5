#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/file/key.h"
#include "store/file/rollup_tables.h"
#include "store/file/rows.h"
#include "store/read/aggregate_state.h"
#include "store/read/page_figures.h"

enum { MEMO = 4096 };

/* One thread's. */
struct adding {
  struct aggregate *a;
  struct view *view;
  struct page_figures *figures;
  uint64_t by; /* columns that a question groups by */
  struct tally **tallies; /* PARQUET_PAGE_ROWS, of rows .. */
  struct tally **memo;    /* .. and MEMO, by the codes of what is grouped by */
};

/* A page, and the question that it is added for. */
struct page {
  struct cursor *c;
  const uint16_t *places;
  size_t n;
  struct planned *p;
  const struct parquet_vector *times, *rows; /* NULL: not needed */
  const struct parquet_vector *by[SCHEMA_MAX_BY];
};

static void put_value(struct buf *key, const struct column *c, const struct parquet_vector *v,
                      size_t place) {
  if (c->type == COLUMN_STRING) {
    struct parquet_text text = parquet_text_at(v, place);
    key_put_text(key, text.len > 0 ? text.data : "", text.len);
  } else if (c->type == COLUMN_FLOAT) {
    key_put_real(key, v->doubles[place]);
  } else {
    key_put_int(key, v->integers[place]);
  }
}

/* How many combinations of codes there are; 0: not all columns are in dictionaries, or too many. */
static size_t combinations(const struct page *page) {
  size_t n = 1;
  for (size_t j = 0; j < page->p->question->nby; j++) {
    const struct parquet_vector *v = page->by[j];
    if (v->codes == NULL || v->present != NULL || n * v->dictionary_size > MEMO)
      return 0;
    n *= v->dictionary_size;
  }
  return n;
}

static size_t combination_at(const struct page *page, size_t place) {
  size_t n = 0;
  for (size_t j = 0; j < page->p->question->nby; j++)
    n = n * page->by[j]->dictionary_size + page->by[j]->codes[place];
  return n;
}

/* Of the rows from .. to, whose bucket is the key's. */
static int find_tallies(struct adding *s, const struct page *page, size_t from, size_t to) {
  struct aggregate *a = s->a;
  size_t bucket_len = a->key.len, known = combinations(page);
  if (s->tallies == NULL) {
    s->tallies = xmalloc(PARQUET_PAGE_ROWS * sizeof(struct tally *));
    s->memo = xmalloc(MEMO * sizeof(struct tally *));
  }
  memset(s->memo, 0, known * sizeof(struct tally *));
  for (size_t i = from; i < to; i++) {
    size_t place = page->places[i];
    struct tally **memo = known > 0 ? &s->memo[combination_at(page, place)] : &s->tallies[i];
    if (known == 0 || *memo == NULL) {
      a->key.len = bucket_len;
      for (size_t j = 0; j < page->p->question->nby; j++)
        put_value(&a->key, &a->schema->columns[page->p->question->by[j]], page->by[j], place);
      *memo = aggregate_group(a, page->p);
      if (*memo == NULL)
        return SQLITE_TOOBIG;
    }
    s->tallies[i] = *memo;
  }
  return SQLITE_OK;
}

static int64_t second_of(const struct page *page, size_t i) {
  int64_t time = page->times != NULL ? page->times->integers[page->places[i]] : 0;
  return floor_to(time, 1000000) / 1000000;
}

/* Rows of one bucket and sign. */
static int add_run(struct adding *s, const struct page *page, size_t from, size_t to, int sign) {
  struct aggregate *a = s->a;
  struct tally *all = NULL;
  aggregate_bucket(a, page->p, second_of(page, from));
  if (page->p->question->nby == 0) {
    if ((all = aggregate_group(a, page->p)) == NULL)
      return SQLITE_TOOBIG;
    page_figures_add(s->figures, all, from, to, sign);
  } else {
    int rc = find_tallies(s, page, from, to);
    if (rc != SQLITE_OK)
      return rc;
    page_figures_spread(s->figures, s->tallies, from, to, sign);
  }
  assert(!page->p->question->seen || page->times != NULL);
  for (size_t i = from; page->p->question->seen && i < to; i++) {
    int64_t time = page->times->integers[page->places[i]];
    tally_seen(all != NULL ? all : s->tallies[i], time, time,
               page->rows->integers[page->places[i]]);
  }
  return SQLITE_OK;
}

static int sign_at(const struct aggregate *a, const struct page *page, size_t i) {
  size_t place = page->places[i];
  return aggregate_sign(a, page->p, page->times->integers[place],
                        page->rows != NULL ? page->rows->integers[place] : 0, false);
}

/* Rows of a page are in order of time, so that those of a bucket follow each other. */
static int add_runs(struct adding *s, const struct page *page) {
  struct aggregate *a = s->a;
  int rc = SQLITE_OK;
  for (size_t from = 0, to; from < page->n && rc == SQLITE_OK; from = to) {
    int sign = sign_at(a, page, from);
    int64_t bucket = aggregate_bucket_of(page->p, second_of(page, from));
    for (to = from + 1; to < page->n && sign_at(a, page, to) == sign &&
                        aggregate_bucket_of(page->p, second_of(page, to)) == bucket;)
      to++;
    if (sign != 0)
      rc = add_run(s, page, from, to, sign);
  }
  return rc;
}

/* Whether all rows of the page count for the same, whatever their times are. */
static bool have_same_sign(const struct adding *s, const struct page *page, int *sign) {
  const struct plan *plan = &page->p->plan;
  struct cursor *c = page->c;
  struct parquet_range times;
  int column = c->columns[s->a->schema->time];
  if (plan->ncells > 0 || !parquet_page_range(c->reader, c->page, (size_t) column, &times,
                                              view_begin_why(s->view)) || !times.known)
    return false;
  for (size_t i = 0; i < plan->nrows; i++) {
    struct span span = plan->rows[i].span;
    if (times.max.i < span.from || times.min.i >= span.to)
      continue;
    *sign = plan->rows[i].sign;
    return times.min.i >= span.from && times.max.i < span.to;
  }
  *sign = 0;
  return true;
}

static const struct parquet_vector *column_of(const struct adding *s, const struct page *page,
                                              int column) {
  return cursor_get(s->view, page->c, page->c->columns[column]);
}

static int add_question(struct adding *s, struct page *page) {
  const struct question *question = page->p->question;
  int sign;
  bool same = have_same_sign(s, page, &sign);
  if (same && sign == 0)
    return SQLITE_OK;
  page->times = page->rows = NULL;
  for (size_t j = 0; j < question->nby; j++)
    if ((page->by[j] = column_of(s, page, question->by[j])) == NULL)
      return SQLITE_CORRUPT;
  if (same && !question_has_time(question) && !question->seen)
    return add_run(s, page, 0, page->n, sign);
  page->times = column_of(s, page, s->a->schema->time);
  page->rows = page->times != NULL ? cursor_get(s->view, page->c, page->c->rowid) : NULL;
  return page->rows != NULL ? add_runs(s, page) : SQLITE_CORRUPT;
}

/* Of a part that is older than a column that is asked for, whose values are in extra. */
static int add_rows_alone(struct adding *s, const struct page *page) {
  struct aggregate *a = s->a;
  uint64_t columns = aggregate_columns(a);
  int rc = SQLITE_OK;
  for (size_t i = 0; i < page->n && rc == SQLITE_OK; i++) {
    struct batch *row = reader_page(a->reader);
    const struct record *r = cursor_read(s->view, page->c, page->places[i], row, columns,
                                         (columns & a->schema->in_extra) != 0);
    rc = r != NULL ? aggregate_row(a, r, &row->text, false) : SQLITE_CORRUPT;
  }
  return rc;
}

static int add_page(void *arg, struct cursor *c, const uint16_t *places, size_t n) {
  struct adding *s = arg;
  struct page page = {.c = c, .places = places, .n = n};
  if (!page_figures_can(s->figures, c) || (s->by & (c->missing | s->a->schema->in_extra)) != 0)
    return add_rows_alone(s, &page);
  int rc = page_figures_read(s->figures, s->view, c, places, n);
  for (size_t i = 0; i < s->a->nplanned && rc == SQLITE_OK; i++) {
    page.p = &s->a->planned[i];
    rc = add_question(s, &page);
  }
  return rc;
}

struct joint {
  struct aggregate *a; /* the asker's */
  struct cold_scan scan;
  struct span span;
  bool has_hot; /* rows of the table have been added */
  struct cold_share *share;
  struct aggregate **others; /* for those who help: so many have one */
  atomic_size_t nothers;
};

/* Without groups, for some other reader. */
static struct aggregate *copy_of(const struct aggregate *a) {
  struct aggregate *copy = xmemdup(a, sizeof *a);
  copy->key = (struct buf){0};
  copy->planned = xmemdup(a->planned, a->nplanned * sizeof *a->planned);
  for (size_t i = 0; i < a->nplanned; i++)
    copy->planned[i].groups = (struct tallies){.schema = a->schema};
  return copy;
}

static void free_copy(struct aggregate *copy) {
  for (size_t i = 0; i < copy->nplanned; i++)
    tallies_clear(&copy->planned[i].groups);
  free(copy->planned);
  buf_clear(&copy->key);
  free(copy);
}

static int walk_parts(struct joint *j, struct aggregate *a) {
  struct cold_scan scan = reader_share_scan(a->reader, &j->scan);
  struct adding s = {.a = a, .view = scan.view,
                     .figures = page_figures_new(a->schema, a->wanted)};
  struct cold_walk walk = {.scan = &scan, .page = add_page, .arg = &s};
  for (size_t i = 0; i < a->nplanned; i++)
    for (size_t k = 0; k < a->planned[i].question->nby; k++)
      s.by |= UINT64_C(1) << a->planned[i].question->by[k];
  int rc = cold_share_walk(j->share, &walk);
  page_figures_free(s.figures);
  free(s.tallies);
  free(s.memo);
  return rc;
}

static int add_share(struct reader *r, void *arg) {
  struct joint *j = arg;
  if (r != j->a->reader) {
    struct aggregate *other = j->others[atomic_fetch_add(&j->nothers, 1)];
    other->reader = r;
    return walk_parts(j, other);
  }
  int rc = j->has_hot ? SQLITE_OK : aggregate_hot_rows(j->a, j->span);
  j->has_hot = true;
  return rc == SQLITE_OK ? walk_parts(j, j->a) : rc;
}

static int merge(struct aggregate *a, const struct aggregate *other) {
  for (size_t i = 0; i < a->nplanned; i++) {
    const struct table *groups = &other->planned[i].groups.table;
    for (size_t k = 0; k < groups->cap; k++) {
      const struct tally *from = groups->slots[k].item;
      if (from == NULL)
        continue;
      a->key.len = 0;
      buf_append(&a->key, from->key, from->key_len);
      struct tally *into = aggregate_group(a, &a->planned[i]);
      if (into == NULL)
        return SQLITE_TOOBIG;
      tally_merge(into, from, a->schema);
    }
  }
  return SQLITE_OK;
}

static int share_out(struct joint *j) {
  struct aggregate *a = j->a;
  unsigned helpers = reader_helpers(a->reader, cold_share_groups(j->share));
  j->others = xcalloc(helpers + 1, sizeof(struct aggregate *));
  j->nothers = 0;
  for (size_t i = 0; i < helpers; i++)
    j->others[i] = copy_of(a);
  int rc = reader_together(a->reader, helpers, add_share, j);
  for (size_t i = 0; i < helpers; i++) {
    if (j->others[i]->error != NULL)
      a->error = j->others[i]->error;
    if (rc == SQLITE_OK)
      rc = merge(a, j->others[i]);
    free_copy(j->others[i]);
  }
  free(j->others);
  return rc;
}

int aggregate_rows(struct aggregate *a, struct span span) {
  struct joint j = {.a = a, .span = span, .scan = reader_cold_scan(a->reader, &a->others)};
  size_t part = 0;
  int rc = SQLITE_OK;
  j.scan.from = span.from;
  j.scan.to = span.to;
  do {
    rc = cold_share_new(&j.scan, &part, &j.share);
    if (rc != SQLITE_OK)
      break;
    rc = share_out(&j);
    cold_share_free(j.share);
  } while (rc == SQLITE_OK && part < view_parts(j.scan.view));
  return rc;
}
