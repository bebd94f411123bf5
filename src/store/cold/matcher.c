#include "store/cold/matcher.h"

#include <stdlib.h>

#include "base/mem.h"

enum { NOT_ASKED, NO, YES };

struct matcher {
  struct conditions *where;
  const struct schema *schema;
  struct filter *filter;
  struct view *view;
  struct cursor *c;
  uint64_t columns;  /* of the conditions */
  struct batch *row; /* what the filter leaves open is asked of it */
  bool of_extra;     /* rows with the same extra have the same answer */
  uint8_t *answers;  /* by extra: of none, then of each entry of the group's dictionary */
  size_t nanswers;
};

struct matcher *matcher_new(struct conditions *where, const struct schema *schema) {
  struct matcher *m = xcalloc(1, sizeof *m);
  m->where = where != NULL && where->count > 0 ? conditions_ref(where) : NULL;
  m->schema = schema;
  m->filter = filter_new(m->where, schema);
  for (size_t i = 0; m->where != NULL && i < m->where->count; i++)
    m->columns |= UINT64_C(1) << m->where->items[i].column;
  return m;
}

void matcher_free(struct matcher *m) {
  if (m == NULL)
    return;
  filter_free(m->filter);
  conditions_unref(m->where);
  batch_free(m->row);
  free(m->answers);
  free(m);
}

void matcher_enter(struct matcher *m, struct view *view, struct cursor *c) {
  m->view = view;
  m->c = c;
  m->nanswers = 0;
  filter_bind(m->filter, c->file, c->reader, c->columns);
  m->of_extra = (filter_left_open(m->filter) & ~(m->schema->in_extra | c->missing)) == 0;
}

static enum filter_answer tell(struct matcher *m, enum filter_answer answer) {
  if (answer == FILTER_FAILED)
    view_fail(m->view);
  return answer;
}

enum filter_answer matcher_group(struct matcher *m, size_t group) {
  m->nanswers = 0;
  return tell(m, filter_group(m->filter, group, view_begin_why(m->view)));
}

enum filter_answer matcher_page(struct matcher *m, size_t page) {
  return tell(m, filter_page(m->filter, page, view_begin_why(m->view)));
}

static int ask_row(struct matcher *m, size_t place, bool *matches) {
  bool with_extra = (m->columns & m->schema->in_extra) != 0;
  if (m->row == NULL)
    m->row = batch_new(m->schema);
  m->row->text.len = m->row->records.len = m->row->count = 0;
  const struct record *r = cursor_read(m->view, m->c, place, m->row, m->columns, with_extra);
  if (r == NULL)
    return SQLITE_CORRUPT;
  *matches = conditions_match_row(m->where, m->schema, r, &m->row->text);
  return SQLITE_OK;
}

/* The answer that rows with the extra of this one share; NULL: it is in no dictionary. */
static uint8_t *shared_answer(struct matcher *m, const struct parquet_vector *extras,
                              size_t place) {
  size_t n = extras->dictionary_size + 1;
  if (m->nanswers < n) {
    m->answers = xrealloc(m->answers, n);
    memset(m->answers + m->nanswers, NOT_ASKED, n - m->nanswers);
    m->nanswers = n;
  }
  if (extras->present != NULL && !extras->present[place])
    return &m->answers[0];
  return extras->codes != NULL ? &m->answers[1 + extras->codes[place]] : NULL;
}

static int match_rest(struct matcher *m, uint16_t *places, size_t *n) {
  const struct parquet_vector *extras = NULL;
  size_t kept = 0;
  bool matches = false;
  if (m->of_extra && m->c->extra >= 0) {
    extras = cursor_get(m->view, m->c, m->c->extra);
    if (extras == NULL)
      return SQLITE_CORRUPT;
  }
  for (size_t i = 0; i < *n; i++) {
    uint8_t *known = extras != NULL ? shared_answer(m, extras, places[i]) : NULL;
    if (known == NULL || *known == NOT_ASKED) {
      if (ask_row(m, places[i], &matches) != SQLITE_OK)
        return SQLITE_CORRUPT;
      if (known != NULL)
        *known = matches ? YES : NO;
    } else {
      matches = *known == YES;
    }
    places[kept] = places[i];
    kept += matches;
  }
  *n = kept;
  return SQLITE_OK;
}

int matcher_rows(struct matcher *m, uint16_t *places, size_t *n) {
  if (!filter_rows(m->filter, places, n, view_begin_why(m->view)))
    return view_fail(m->view);
  return *n == 0 || filter_left_open(m->filter) == 0 ? SQLITE_OK : match_rest(m, places, n);
}
