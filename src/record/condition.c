#include "record/condition.h"

#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"

static const char *const op_names[] = {"=", "!=", "in", "not_in", "<", "<=", ">", ">=", "prefix",
                                       "matches", "not_matches"};

struct conditions *conditions_new(void) {
  struct conditions *c = xcalloc(1, sizeof *c);
  c->refs = 1;
  return c;
}

struct conditions *conditions_ref(struct conditions *c) {
  __atomic_add_fetch(&c->refs, 1, __ATOMIC_RELAXED);
  return c;
}

void conditions_unref(struct conditions *c) {
  if (c == NULL || __atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL) > 0)
    return;
  for (size_t i = 0; i < c->count; i++)
    free(c->items[i].values);
  free(c->items);
  buf_clear(&c->text);
  free(c);
}

void conditions_add(struct conditions *c, int column, enum condition_op op) {
  c->items = xrealloc(c->items, (c->count + 1) * sizeof *c->items);
  c->items[c->count++] = (struct condition){.column = column, .op = op};
}

void conditions_value(struct conditions *c, union value v) {
  struct condition *last = &c->items[c->count - 1];
  if ((last->nvalues & (last->nvalues - 1)) == 0) /* full at each power of two */
    last->values = xrealloc(last->values,
                            (last->nvalues > 0 ? last->nvalues * 2 : 1) * sizeof *last->values);
  last->values[last->nvalues++] = v;
}

void conditions_value_text(struct conditions *c, const char *s, size_t len) {
  union value v = {.s = {(uint32_t) c->text.len, (uint32_t) len}};
  buf_append(&c->text, s, len);
  conditions_value(c, v);
}

void conditions_match_text(struct conditions *c, enum match match, const char *s, size_t len) {
  union value v = {.s = {(uint32_t) c->text.len, (uint32_t) len + 1}};
  buf_putc(&c->text, (char) match);
  buf_append(&c->text, s, len);
  conditions_value(c, v);
}

bool condition_op_parse(const char *name, size_t len, enum condition_op *op) {
  for (size_t i = 0; i < sizeof op_names / sizeof *op_names; i++) {
    if (strlen(op_names[i]) != len || memcmp(op_names[i], name, len) != 0)
      continue;
    *op = (enum condition_op) i;
    return true;
  }
  return false;
}

const char *condition_op_name(enum condition_op op) {
  return op_names[op];
}

/* NaN after all numbers. */
static inline int compare_floats(double a, double b) {
  if (__builtin_expect(isnan(a) || isnan(b), 0))
    return !!isnan(a) - !!isnan(b);
  return (a > b) - (a < b);
}

static inline int compare_integers(int64_t a, int64_t b) {
  return (a > b) - (a < b);
}

/* Of all types but strings; false before true. */
static int compare_numbers(enum column_type type, union value a, union value b) {
  return type == COLUMN_FLOAT ? compare_floats(a.f, b.f) : compare_integers(a.i, b.i);
}

/* Strings sort by bytes. */
static int compare(enum column_type type, union value a, const struct buf *a_text, union value b,
                   const struct buf *b_text) {
  if (type != COLUMN_STRING)
    return compare_numbers(type, a, b);
  size_t least = a.s.len < b.s.len ? a.s.len : b.s.len;
  int order = least > 0 ? memcmp(a_text->data + a.s.offset, b_text->data + b.s.offset, least) : 0;
  return order != 0 ? order : (a.s.len > b.s.len) - (a.s.len < b.s.len);
}

struct order {
  const struct schema *schema;
  const struct buf *text;
  enum column_type type;
};

static int order_values(const void *a, const void *b, void *arg) {
  const struct order *o = arg;
  return compare(o->type, *(const union value *) a, o->text, *(const union value *) b, o->text);
}

static int compare_items(const struct condition *a, const struct buf *a_text,
                         const struct condition *b, const struct buf *b_text,
                         const struct schema *schema) {
  if (a->column != b->column)
    return a->column - b->column;
  if (a->op != b->op)
    return (int) a->op - (int) b->op;
  if (a->nvalues != b->nvalues)
    return a->nvalues < b->nvalues ? -1 : 1;
  int order = 0;
  for (size_t i = 0; order == 0 && i < a->nvalues; i++)
    order = compare(schema->columns[a->column].type, a->values[i], a_text, b->values[i], b_text);
  return order;
}

static int order_items(const void *a, const void *b, void *arg) {
  const struct order *o = arg;
  return compare_items(a, o->text, b, o->text, o->schema);
}

static bool is_bound(enum condition_op op) {
  return op >= OP_LT && op <= OP_GE;
}

static bool passes_all(const struct condition *item, enum column_type type) {
  return is_bound(item->op) && type == COLUMN_FLOAT && isnan(item->values[0].f);
}

/* Ranges in order, none of which touches another. */
static void merge_ranges(struct condition *item, struct order *o) {
  size_t kept = 0;
  qsort_r(item->values, item->nvalues / 2, 2 * sizeof *item->values, order_values, o);
  for (size_t i = 0; i < item->nvalues; i += 2) {
    union value from = item->values[i], to = item->values[i + 1];
    if (order_values(&from, &to, o) > 0)
      continue; /* nothing is in it */
    if (kept > 0 && order_values(&from, &item->values[kept - 1], o) <= 0) {
      if (order_values(&to, &item->values[kept - 1], o) > 0)
        item->values[kept - 1] = to;
      continue;
    }
    item->values[kept++] = from;
    item->values[kept++] = to;
  }
  item->nvalues = kept;
}

static void normalise_item(struct condition *item, const struct schema *schema,
                           const struct buf *text) {
  struct order o = {schema, text, schema->columns[item->column].type};
  size_t kept = 0;
  if (item->nvalues == 0)
    return;
  for (size_t i = 0; o.type == COLUMN_FLOAT && i < item->nvalues; i++)
    item->values[i].f += 0.0; /* -0.0 is 0.0 */
  if (condition_is_match(item->op) && o.type != COLUMN_STRING) {
    merge_ranges(item, &o);
    return;
  }
  qsort_r(item->values, item->nvalues, sizeof *item->values, order_values, &o);
  for (size_t i = 0; i < item->nvalues; i++)
    if (i == 0 || order_values(&item->values[kept - 1], &item->values[i], &o) != 0)
      item->values[kept++] = item->values[i];
  item->nvalues = kept;
  if (kept == 1 && item->op == OP_IN)
    item->op = OP_EQ;
  if (kept == 1 && item->op == OP_NOT_IN)
    item->op = OP_NE;
}

void conditions_normalise(struct conditions *c, const struct schema *schema) {
  struct order o = {.schema = schema, .text = &c->text};
  for (size_t i = 0; i < c->count; i++)
    normalise_item(&c->items[i], schema, &c->text);
  if (c->count > 0)
    qsort_r(c->items, c->count, sizeof *c->items, order_items, &o);
  size_t kept = 0;
  for (size_t i = 0; i < c->count; i++) {
    struct condition *item = &c->items[i];
    if (passes_all(item, schema->columns[item->column].type) ||
        (kept > 0 && order_items(&c->items[kept - 1], item, &o) == 0))
      free(item->values);
    else
      c->items[kept++] = *item;
  }
  c->count = kept;
}

static void write_conditions(struct buf *out, const struct conditions *c,
                             const struct schema *schema) {
  for (size_t i = 0; i < c->count; i++) {
    const struct condition *item = &c->items[i];
    bool is_text = schema->columns[item->column].type == COLUMN_STRING;
    buf_printf(out, "%d %s %zu\n", item->column, op_names[item->op], item->nvalues);
    for (size_t k = 0; k < item->nvalues; k++) {
      union value v = item->values[k];
      size_t len = 0;
      const char *text = is_text ? value_text(&c->text, v, &len) : "";
      int64_t number = is_text ? (int64_t) len : v.i;
      buf_append(out, &number, sizeof number);
      buf_append(out, text, len);
    }
  }
}

uint64_t conditions_hash(const struct conditions *c, const struct schema *schema) {
  struct buf bytes = {0};
  write_conditions(&bytes, c, schema);
  uint64_t hash = hash_bytes(hash_process_seed(), bytes.data, bytes.len);
  buf_clear(&bytes);
  return hash;
}

bool conditions_equal(const struct conditions *a, const struct conditions *b,
                      const struct schema *schema) {
  if (a == b)
    return true;
  bool equal = a->count == b->count;
  for (size_t i = 0; equal && i < a->count; i++)
    equal = compare_items(&a->items[i], &a->text, &b->items[i], &b->text, schema) == 0;
  return equal;
}

static bool has_prefix(union value v, const struct buf *text, union value prefix,
                       const struct buf *prefix_text) {
  return v.s.len >= prefix.s.len &&
         (prefix.s.len == 0 ||
          memcmp(text->data + v.s.offset, prefix_text->data + prefix.s.offset, prefix.s.len) == 0);
}

static bool is_equal(enum column_type type, union value a, const struct buf *a_text, union value b,
                     const struct buf *b_text) {
  return type == COLUMN_STRING ? a.s.len == b.s.len && has_prefix(a, a_text, b, b_text)
                               : compare_numbers(type, a, b) == 0;
}

static bool is_among(const struct condition *item, enum column_type type, union value v,
                     const struct buf *text, const struct buf *list_text) {
  for (size_t i = 0; i < item->nvalues; i++)
    if (is_equal(type, v, text, item->values[i], list_text))
      return true;
  return false;
}

static inline bool is_within(enum condition_op op, int order) {
  switch (op) {
  case OP_LT:
    return order < 0;
  case OP_LE:
    return order <= 0;
  case OP_GT:
    return order > 0;
  default:
    return order >= 0;
  }
}

static bool is_match_text(const struct condition *item, union value v, const struct buf *text,
                          const struct buf *list_text) {
  for (size_t i = 0; i < item->nvalues; i++) {
    union value wanted = item->values[i];
    bool prefix = list_text->data[wanted.s.offset] == MATCH_PREFIX;
    wanted.s.offset++;
    wanted.s.len--;
    if (has_prefix(v, text, wanted, list_text) && (prefix || v.s.len == wanted.s.len))
      return true;
  }
  return false;
}

static bool is_match_number(const struct condition *item, enum column_type type, union value v) {
  for (size_t i = 0; i < item->nvalues; i += 2)
    if (compare_numbers(type, v, item->values[i]) >= 0 &&
        compare_numbers(type, v, item->values[i + 1]) <= 0)
      return true;
  return false;
}

static bool is_match(const struct condition *item, enum column_type type, union value v,
                     const struct buf *text, const struct buf *list_text) {
  return type == COLUMN_STRING ? is_match_text(item, v, text, list_text)
                               : is_match_number(item, type, v);
}

static bool matches_other(const struct condition *item, const struct conditions *c,
                          enum column_type type, union value v, const struct buf *text) {
  if (item->op == OP_EQ || item->op == OP_IN)
    return is_among(item, type, v, text, &c->text);
  if (item->op == OP_NE || item->op == OP_NOT_IN)
    return !is_among(item, type, v, text, &c->text);
  if (item->op == OP_PREFIX)
    return has_prefix(v, text, item->values[0], &c->text);
  if (condition_is_match(item->op))
    return is_match(item, type, v, text, &c->text) == (item->op == OP_MATCHES);
  return is_within(item->op, compare(type, v, text, item->values[0], &c->text));
}

/* Bounds of numbers are what every record is asked a dozen times. */
static inline bool matches(const struct condition *item, const struct conditions *c,
                           enum column_type type, union value v, const struct buf *text) {
  if (!is_bound(item->op) || type == COLUMN_STRING)
    return matches_other(item, c, type, v, text);
  union value bound = item->values[0];
  if (type != COLUMN_FLOAT)
    return is_within(item->op, compare_integers(v.i, bound.i));
  return isnan(bound.f) || is_within(item->op, compare_floats(v.f, bound.f));
}

uint64_t conditions_columns(const struct conditions *c) {
  uint64_t columns = 0;
  for (size_t i = 0; c != NULL && i < c->count; i++)
    columns |= UINT64_C(1) << c->items[i].column;
  return columns;
}

bool condition_matches(const struct conditions *c, const struct condition *item,
                       enum column_type type, union value v, const struct buf *text) {
  return matches(item, c, type, v, text);
}

bool conditions_match_row(const struct conditions *c, const struct schema *schema,
                          const struct record *r, const struct buf *text) {
  for (size_t i = 0; i < c->count; i++) {
    const struct condition *item = &c->items[i];
    if (!matches(item, c, schema->columns[item->column].type, r->v[item->column], text))
      return false;
  }
  return true;
}

bool conditions_match_event(const struct conditions *c, const struct schema *schema,
                            const struct record *r, const struct buf *text) {
  for (size_t i = 0; i < c->count; i++) {
    const struct condition *item = &c->items[i];
    if (record_knows(schema, r, item->column)) {
      if (!matches(item, c, schema->columns[item->column].type, r->v[item->column], text))
        return false;
    } else if (item->op == OP_EQ || item->op == OP_IN || item->op == OP_PREFIX ||
               item->op == OP_MATCHES) {
      return false;
    }
  }
  return true;
}
