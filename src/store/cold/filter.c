#include "store/cold/filter.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

/* From and to, both included. */
struct interval {
  union value from, to;
};

/* One condition.  Those on numbers are intervals, of which a value must be in one, or none. */
struct test {
  const struct condition *item;
  enum column_type type;
  bool negated;
  bool nan; /* whether NaN matches, which is in no interval */
  struct interval *intervals;
  size_t nintervals;

  int column;    /* of the part; -1: it cannot be answered there */
  bool optional; /* what is null counts as empty, and is in no dictionary */
  bool coded;    /* the group has a dictionary, and .. */
  bool always;   /* .. all of its entries match */
  uint8_t *matches; /* a byte for each entry */
};

struct filter {
  struct conditions *where;
  const struct schema *schema;
  struct test *tests;
  size_t ntests;
  const struct parquet_file *file;
  struct parquet_reader *reader;
};

/* Conditions on numbers become intervals */

static void add_integers(struct test *t, int64_t from, int64_t to) {
  t->intervals[t->nintervals] = (struct interval){{.i = from}, {.i = to}};
  t->nintervals += from <= to;
}

static void bound_integers(struct test *t, int64_t bound) {
  switch (t->item->op) {
  case OP_LT:
    if (bound > INT64_MIN)
      add_integers(t, INT64_MIN, bound - 1);
    break;
  case OP_LE:
    add_integers(t, INT64_MIN, bound);
    break;
  case OP_GT:
    if (bound < INT64_MAX)
      add_integers(t, bound + 1, INT64_MAX);
    break;
  default:
    add_integers(t, bound, INT64_MAX);
  }
}

/* NaN comes after all numbers. */
static void add_doubles(struct test *t, double from, double to) {
  if (isnan(to))
    to = INFINITY;
  t->intervals[t->nintervals] = (struct interval){{.f = from}, {.f = to}};
  t->nintervals += from <= to;
}

static void bound_doubles(struct test *t, double bound) {
  if (isnan(bound)) { /* such a bound lets everything pass */
    add_doubles(t, -INFINITY, INFINITY);
  } else if (t->item->op == OP_LT) {
    if (bound > -INFINITY)
      add_doubles(t, -INFINITY, nextafter(bound, -INFINITY));
  } else if (t->item->op == OP_LE) {
    add_doubles(t, -INFINITY, bound);
  } else if (t->item->op == OP_GT) {
    if (bound < INFINITY)
      add_doubles(t, nextafter(bound, INFINITY), INFINITY);
  } else {
    add_doubles(t, bound, INFINITY);
  }
}

static void make_intervals(struct test *t) {
  const struct condition *item = t->item;
  bool real = t->type == COLUMN_FLOAT;
  size_t step = condition_is_match(item->op) ? 2 : 1;
  t->intervals = xmalloc((item->nvalues + 1) * sizeof *t->intervals);
  if (item->op >= OP_LT && item->op <= OP_GE) {
    if (real)
      bound_doubles(t, item->values[0].f);
    else
      bound_integers(t, item->values[0].i);
    return;
  }
  for (size_t i = 0; i + step <= item->nvalues; i += step)
    if (real)
      add_doubles(t, item->values[i].f, item->values[i + step - 1].f);
    else
      add_integers(t, item->values[i].i, item->values[i + step - 1].i);
}

static void make_test(const struct filter *f, struct test *t, const struct condition *item) {
  t->item = item;
  t->type = f->schema->columns[item->column].type;
  t->negated = item->op == OP_NE || item->op == OP_NOT_IN || item->op == OP_NOT_MATCHES;
  if (t->type == COLUMN_STRING)
    return;
  make_intervals(t);
  t->nan = t->type == COLUMN_FLOAT && item->op != OP_PREFIX &&
           condition_matches(f->where, item, t->type, (union value){.f = NAN}, NULL);
}

struct filter *filter_new(struct conditions *where, const struct schema *schema) {
  struct filter *f = xcalloc(1, sizeof *f);
  f->schema = schema;
  if (where == NULL || where->count == 0)
    return f;
  f->where = conditions_ref(where);
  f->ntests = where->count;
  f->tests = xcalloc(f->ntests, sizeof *f->tests);
  for (size_t i = 0; i < f->ntests; i++)
    make_test(f, &f->tests[i], &where->items[i]);
  return f;
}

void filter_free(struct filter *f) {
  if (f == NULL)
    return;
  for (size_t i = 0; i < f->ntests; i++) {
    free(f->tests[i].intervals);
    free(f->tests[i].matches);
  }
  free(f->tests);
  conditions_unref(f->where);
  free(f);
}

static bool has_type(enum column_type ours, enum parquet_type theirs) {
  return ours == COLUMN_STRING  ? theirs == PARQUET_TEXT || theirs == PARQUET_BYTES
         : ours == COLUMN_FLOAT ? theirs == PARQUET_DOUBLE
                                : theirs == PARQUET_INTEGER || theirs == PARQUET_TIME ||
                                      theirs == PARQUET_BOOLEAN;
}

void filter_bind(struct filter *f, const struct parquet_file *file, struct parquet_reader *reader,
                 const int *columns) {
  f->file = file;
  f->reader = reader;
  for (size_t i = 0; i < f->ntests; i++) {
    struct test *t = &f->tests[i];
    bool stored = (size_t) t->item->column < f->schema->nstored;
    t->column = stored ? columns[t->item->column] : -1;
    if (t->column < 0)
      continue;
    const struct parquet_column *c = parquet_column(file, (size_t) t->column);
    t->optional = c->optional;
    if (!has_type(t->type, c->type) || (t->type != COLUMN_STRING && t->item->op == OP_PREFIX))
      t->column = -1;
  }
}

uint64_t filter_left_open(const struct filter *f) {
  uint64_t columns = 0;
  for (size_t i = 0; i < f->ntests; i++)
    if (f->tests[i].column < 0)
      columns |= UINT64_C(1) << f->tests[i].item->column;
  return columns;
}

static int compare_texts(struct parquet_text a, const char *b, size_t len) {
  size_t least = a.len < len ? a.len : len;
  int order = least > 0 ? memcmp(a.data, b, least) : 0;
  return order != 0 ? order : (a.len > len) - (a.len < len);
}

/* Texts that begin so come after all that are less than the prefix, and are beside each other. */
static bool may_begin_so(const struct parquet_range *range, const char *prefix, size_t len) {
  struct parquet_text least = range->min.s;
  if (least.len > len)
    least.len = (uint32_t) len;
  return compare_texts(range->max.s, prefix, len) >= 0 && compare_texts(least, prefix, len) <= 0;
}

static bool may_be(const struct parquet_range *range, const char *text, size_t len) {
  return compare_texts(range->min.s, text, len) <= 0 && compare_texts(range->max.s, text, len) >= 0;
}

/* Whether one of the texts between min and max may be what value i asks for. */
static bool may_have_text(const struct filter *f, const struct test *t, size_t i,
                          const struct parquet_range *range) {
  union value v = t->item->values[i];
  const struct buf *texts = &f->where->text;
  const char *text = texts->len > 0 ? texts->data + v.s.offset : "";
  switch (t->item->op) {
  case OP_EQ:
  case OP_IN:
    return may_be(range, text, v.s.len);
  case OP_LT:
    return compare_texts(range->min.s, text, v.s.len) < 0;
  case OP_LE:
    return compare_texts(range->min.s, text, v.s.len) <= 0;
  case OP_GT:
    return compare_texts(range->max.s, text, v.s.len) > 0;
  case OP_GE:
    return compare_texts(range->max.s, text, v.s.len) >= 0;
  case OP_PREFIX:
    return may_begin_so(range, text, v.s.len);
  case OP_MATCHES:
    return text[0] == MATCH_PREFIX ? may_begin_so(range, text + 1, v.s.len - 1)
                                   : may_be(range, text + 1, v.s.len - 1);
  default:
    return true;
  }
}

static bool may_have_number(const struct test *t, const struct parquet_range *range) {
  for (size_t i = 0; i < t->nintervals; i++) {
    const struct interval *n = &t->intervals[i];
    bool overlaps = t->type == COLUMN_FLOAT
                        ? n->from.f <= range->max.f && n->to.f >= range->min.f
                        : n->from.i <= range->max.i && n->to.i >= range->min.i;
    if (overlaps)
      return true;
  }
  return false;
}

static bool may_match(const struct filter *f, const struct test *t,
                      const struct parquet_range *range) {
  if (!range->known || t->negated || (t->optional && range->nulls > 0))
    return true;
  if (t->type != COLUMN_STRING)
    return may_have_number(t, range);
  for (size_t i = 0; i < t->item->nvalues; i++)
    if (may_have_text(f, t, i, range))
      return true;
  return false;
}

static bool text_matches(const struct filter *f, const struct test *t, struct parquet_text s) {
  struct buf text = {.data = (char *) s.data, .len = s.len};
  return condition_matches(f->where, t->item, COLUMN_STRING,
                           (union value){.s = {0, s.len}}, &text);
}

/* Decides a condition for each entry of the group's dictionary. */
static enum filter_answer ask_dictionary(struct filter *f, struct test *t, struct buf *why) {
  const struct parquet_text *entries;
  size_t size, matching = 0;
  t->coded = t->always = false;
  if (t->type != COLUMN_STRING || t->column < 0 || t->optional)
    return FILTER_SOME;
  if (!parquet_dictionary(f->reader, (size_t) t->column, &entries, &size, why))
    return FILTER_FAILED;
  if (size == 0)
    return FILTER_SOME;
  t->matches = xrealloc(t->matches, size);
  for (size_t i = 0; i < size; i++) {
    t->matches[i] = text_matches(f, t, entries[i]);
    matching += t->matches[i];
  }
  t->coded = true;
  t->always = matching == size;
  return matching > 0 ? FILTER_SOME : FILTER_NONE;
}

enum filter_answer filter_group(struct filter *f, size_t group, struct buf *why) {
  struct parquet_range range;
  enum filter_answer answer = FILTER_SOME;
  for (size_t i = 0; i < f->ntests; i++) {
    const struct test *t = &f->tests[i];
    if (t->column < 0)
      continue;
    parquet_group_range(f->file, group, (size_t) t->column, &range);
    if (!may_match(f, t, &range))
      return FILTER_NONE;
  }
  for (size_t i = 0; i < f->ntests && answer == FILTER_SOME; i++)
    answer = ask_dictionary(f, &f->tests[i], why);
  return answer;
}

enum filter_answer filter_page(struct filter *f, size_t page, struct buf *why) {
  struct parquet_range range;
  for (size_t i = 0; i < f->ntests; i++) {
    const struct test *t = &f->tests[i];
    if (t->column < 0 || t->coded || t->negated)
      continue;
    if (!parquet_page_range(f->reader, page, (size_t) t->column, &range, why))
      return FILTER_FAILED;
    if (!may_match(f, t, &range))
      return FILTER_NONE;
  }
  return FILTER_SOME;
}

static size_t keep_codes(const struct test *t, const uint32_t *codes, uint16_t *places, size_t n) {
  size_t kept = 0;
  for (size_t i = 0; i < n; i++) {
    uint16_t place = places[i];
    places[kept] = place;
    kept += t->matches[codes[place]];
  }
  return kept;
}

static size_t keep_texts(const struct filter *f, const struct test *t,
                         const struct parquet_vector *v, uint16_t *places, size_t n) {
  size_t kept = 0;
  for (size_t i = 0; i < n; i++) {
    uint16_t place = places[i];
    places[kept] = place;
    kept += text_matches(f, t, parquet_text_at(v, place));
  }
  return kept;
}

static inline bool is_integer_in(const struct test *t, int64_t value) {
  bool in = false;
  for (size_t k = 0; k < t->nintervals; k++)
    in |= value >= t->intervals[k].from.i && value <= t->intervals[k].to.i;
  return in;
}

static size_t keep_integers(const struct test *t, const int64_t *values, uint16_t *places,
                            size_t n) {
  size_t kept = 0;
  for (size_t i = 0; i < n; i++) {
    uint16_t place = places[i];
    places[kept] = place;
    kept += is_integer_in(t, values[place]) != t->negated;
  }
  return kept;
}

static inline bool is_double_in(const struct test *t, double value) {
  bool in = false;
  for (size_t k = 0; k < t->nintervals; k++)
    in |= value >= t->intervals[k].from.f && value <= t->intervals[k].to.f;
  return in;
}

static size_t keep_doubles(const struct test *t, const parquet_double *values, uint16_t *places,
                           size_t n) {
  size_t kept = 0;
  for (size_t i = 0; i < n; i++) {
    uint16_t place = places[i];
    double value = values[place];
    places[kept] = place;
    kept += isnan(value) ? t->nan : is_double_in(t, value) != t->negated;
  }
  return kept;
}

static size_t keep(const struct filter *f, const struct test *t, const struct parquet_vector *v,
                   uint16_t *places, size_t n) {
  if (t->coded && v->codes != NULL)
    return keep_codes(t, v->codes, places, n);
  if (t->type == COLUMN_STRING)
    return keep_texts(f, t, v, places, n);
  return t->type == COLUMN_FLOAT ? keep_doubles(t, v->doubles, places, n)
                                 : keep_integers(t, v->integers, places, n);
}

/* Of texts that are not coded, or of all else, which takes less. */
static bool filter_some(struct filter *f, bool texts, uint16_t *places, size_t *n,
                        struct buf *why) {
  for (size_t i = 0; i < f->ntests && *n > 0; i++) {
    const struct test *t = &f->tests[i];
    if (t->column < 0 || t->always || (t->type == COLUMN_STRING && !t->coded) != texts)
      continue;
    const struct parquet_vector *v = parquet_get(f->reader, (size_t) t->column, why);
    if (v == NULL)
      return false;
    *n = keep(f, t, v, places, *n);
  }
  return true;
}

bool filter_rows(struct filter *f, uint16_t *places, size_t *n, struct buf *why) {
  return filter_some(f, false, places, n, why) && filter_some(f, true, places, n, why);
}
