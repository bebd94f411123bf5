#include "store/read/page_figures.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/number.h"
#include "record/condition.h"
#include "store/cold/matcher.h"

/* A measure or a sketch, its condition, and what the rows that were read add to it: an entry for
 * each. */
struct figure {
  size_t number;
  struct matcher *when; /* NULL: every row */
  enum filter_answer may; /* in the group that was read last */
  int64_t *values;
  uint8_t *counts; /* of a sketch, whose values are its buckets; 0: the row is not in it */
};

struct page_figures {
  const struct schema *schema;
  struct figure measures[SCHEMA_MAX_MEASURES], sketches[SCHEMA_MAX_SKETCHES];
  size_t nmeasures, nsketches;
  int64_t part; /* that was read last, and its group; 0: none */
  size_t group;
  const uint16_t *places; /* of the rows, while they are read */
  size_t n, room;
  uint16_t kept[PARQUET_PAGE_ROWS]; /* places that match, and .. */
  size_t nkept;
  uint16_t rows[PARQUET_PAGE_ROWS]; /* .. which of the rows they are */
};

static void add_figure(struct figure *figures, size_t *n, size_t number, struct conditions *when,
                       const struct schema *schema) {
  figures[(*n)++] = (struct figure){
      .number = number,
      .when = when != NULL ? matcher_new(when, schema) : NULL,
  };
}

struct page_figures *page_figures_new(const struct schema *schema, struct figures wanted) {
  struct page_figures *f = xcalloc(1, sizeof *f);
  f->schema = schema;
  for (size_t i = 0; i < schema->nmeasures; i++)
    if (wanted.measures >> i & 1)
      add_figure(f->measures, &f->nmeasures, i, schema->measures[i].when, schema);
  for (size_t i = 0; i < schema->nsketches; i++)
    if (wanted.sketches >> i & 1)
      add_figure(f->sketches, &f->nsketches, i, schema->sketches[i].when, schema);
  return f;
}

static void clear_figures(struct figure *figures, size_t n) {
  for (size_t i = 0; i < n; i++) {
    matcher_free(figures[i].when);
    free(figures[i].values);
    free(figures[i].counts);
  }
}

void page_figures_free(struct page_figures *f) {
  if (f == NULL)
    return;
  clear_figures(f->measures, f->nmeasures);
  clear_figures(f->sketches, f->nsketches);
  free(f);
}

bool page_figures_can(const struct page_figures *f, const struct cursor *c) {
  uint64_t columns = 0;
  for (size_t i = 0; i < f->nmeasures; i++) {
    const struct measure *m = &f->schema->measures[f->measures[i].number];
    if (m->kind == MEASURE_SUM)
      columns |= UINT64_C(1) << m->column;
  }
  for (size_t i = 0; i < f->nsketches; i++) {
    const struct sketched *k = &f->schema->sketches[f->sketches[i].number];
    columns |= UINT64_C(1) << k->value | (k->per >= 0 ? UINT64_C(1) << k->per : 0);
  }
  return (columns & (c->missing | f->schema->in_extra)) == 0;
}

static const struct parquet_vector *column_of(struct view *view, struct cursor *c, int column) {
  return cursor_get(view, c, c->columns[column]);
}

static double number_at(const struct parquet_vector *v, size_t place) {
  return v->doubles != NULL ? v->doubles[place] : (double) v->integers[place];
}

/* Which rows a figure is about: f->nkept of them. */
static int choose(struct page_figures *f, struct figure *figure, struct view *view,
                  struct cursor *c) {
  memcpy(f->kept, f->places, f->n * sizeof *f->kept);
  f->nkept = f->n;
  if (figure->when != NULL) {
    if (f->part != c->part.number)
      matcher_enter(figure->when, view, c);
    if (f->part != c->part.number || f->group != c->group)
      figure->may = matcher_group(figure->when, c->group);
    if (figure->may == FILTER_FAILED)
      return SQLITE_CORRUPT;
    if (figure->may == FILTER_NONE)
      f->nkept = 0;
    else if (matcher_rows(figure->when, f->kept, &f->nkept) != SQLITE_OK)
      return SQLITE_CORRUPT;
  }
  for (size_t i = 0, k = 0; k < f->nkept; i++) {
    f->rows[k] = (uint16_t) i;
    k += f->places[i] == f->kept[k];
  }
  return SQLITE_OK;
}

static int read_measure(struct page_figures *f, struct figure *figure, struct view *view,
                        struct cursor *c) {
  const struct measure *m = &f->schema->measures[figure->number];
  int64_t *values = figure->values;
  if (choose(f, figure, view, c) != SQLITE_OK)
    return SQLITE_CORRUPT;
  if (f->nkept < f->n)
    memset(values, 0, f->n * sizeof *values);
  if (m->kind == MEASURE_COUNT) {
    for (size_t k = 0; k < f->nkept; k++)
      values[f->rows[k]] = 1;
    return SQLITE_OK;
  }
  if (f->nkept == 0)
    return SQLITE_OK;
  const struct parquet_vector *v = column_of(view, c, m->column);
  if (v == NULL)
    return SQLITE_CORRUPT;
  bool plain = f->schema->columns[m->column].type == COLUMN_INTEGER && m->scale == 1;
  for (size_t k = 0; k < f->nkept; k++)
    values[f->rows[k]] = plain ? v->integers[f->kept[k]]
                               : number_saturate(number_at(v, f->kept[k]) * m->scale);
  return SQLITE_OK;
}

static int read_sketch(struct page_figures *f, struct figure *figure, struct view *view,
                       struct cursor *c) {
  const struct sketched *s = &f->schema->sketches[figure->number];
  const struct parquet_vector *v, *per = NULL;
  if (choose(f, figure, view, c) != SQLITE_OK)
    return SQLITE_CORRUPT;
  memset(figure->counts, 0, f->n);
  if (f->nkept == 0)
    return SQLITE_OK;
  v = column_of(view, c, s->value);
  if (v != NULL && s->per >= 0)
    per = column_of(view, c, s->per);
  if (v == NULL || (per == NULL && s->per >= 0))
    return SQLITE_CORRUPT;
  for (size_t k = 0; k < f->nkept; k++) {
    double n = number_at(v, f->kept[k]);
    if (per != NULL)
      n /= number_at(per, f->kept[k]);
    figure->values[f->rows[k]] = sketch_bucket(n);
    figure->counts[f->rows[k]] = 1;
  }
  return SQLITE_OK;
}

/* Memory that is touched for the first time is dear, and most pages have few rows that match. */
static void make_room(struct page_figures *f, size_t n) {
  if (n <= f->room)
    return;
  f->room = n < 2 * f->room ? 2 * f->room : n;
  for (size_t i = 0; i < f->nmeasures; i++)
    f->measures[i].values = xrealloc(f->measures[i].values, f->room * sizeof(int64_t));
  for (size_t i = 0; i < f->nsketches; i++) {
    f->sketches[i].values = xrealloc(f->sketches[i].values, f->room * sizeof(int64_t));
    f->sketches[i].counts = xrealloc(f->sketches[i].counts, f->room);
  }
}

int page_figures_read(struct page_figures *f, struct view *view, struct cursor *c,
                      const uint16_t *places, size_t n) {
  int rc = SQLITE_OK;
  make_room(f, n);
  f->places = places;
  f->n = n;
  for (size_t i = 0; i < f->nmeasures && rc == SQLITE_OK; i++)
    rc = read_measure(f, &f->measures[i], view, c);
  for (size_t i = 0; i < f->nsketches && rc == SQLITE_OK; i++)
    rc = read_sketch(f, &f->sketches[i], view, c);
  f->part = c->part.number;
  f->group = c->group;
  return rc;
}

void page_figures_add(const struct page_figures *f, struct tally *tally, size_t from, size_t to,
                      int sign) {
  tally->rows += sign * (int64_t) (to - from);
  for (size_t j = 0; j < f->nmeasures; j++) {
    const struct figure *figure = &f->measures[j];
    int64_t sum = tally->sums[figure->number];
    for (size_t i = from; i < to; i++)
      sum = add_saturating(sum, figure->values[i], sign);
    tally->sums[figure->number] = sum;
  }
  for (size_t j = 0; j < f->nsketches; j++) {
    const struct figure *figure = &f->sketches[j];
    for (size_t i = from; i < to; i++)
      if (figure->counts[i])
        sketch_add_bucket(&tally->sketches[figure->number], (int32_t) figure->values[i], sign);
  }
}

void page_figures_spread(const struct page_figures *f, struct tally **tallies, size_t from,
                         size_t to, int sign) {
  for (size_t i = from; i < to; i++)
    tallies[i]->rows += sign;
  for (size_t j = 0; j < f->nmeasures; j++) {
    const struct figure *figure = &f->measures[j];
    for (size_t i = from; i < to; i++) {
      int64_t *sum = &tallies[i]->sums[figure->number];
      *sum = add_saturating(*sum, figure->values[i], sign);
    }
  }
  for (size_t j = 0; j < f->nsketches; j++) {
    const struct figure *figure = &f->sketches[j];
    for (size_t i = from; i < to; i++)
      if (figure->counts[i])
        sketch_add_bucket(&tallies[i]->sketches[figure->number], (int32_t) figure->values[i],
                          sign);
  }
}
