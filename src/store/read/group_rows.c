#include "store/read/group_rows.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/file/key.h"
#include "store/read/result.h"

enum { MAX_LINES = 20000 }; /* of buckets with the rest added up: a script gets a table for each */

struct order {
  uint64_t measures;
  bool descending;
};

static int compare_numbers(int64_t a, int64_t b) {
  return (a > b) - (a < b);
}

static int64_t sum_of(const struct tally *tally, uint64_t measures) {
  int64_t sum = 0;
  for (uint64_t left = measures; left != 0; left &= left - 1)
    sum = add_saturating(sum, tally->sums[__builtin_ctzll(left)], 1);
  return sum;
}

static int by_order(const void *x, const void *y, void *arg) {
  const struct tally *a = *(struct tally *const *) x, *b = *(struct tally *const *) y;
  const struct order *order = arg;
  int result = 0;
  if (order->measures != 0)
    result = compare_numbers(sum_of(a, order->measures), sum_of(b, order->measures));
  else
    result = tally_compare(a, b);
  if (result != 0)
    return order->descending ? -result : result;
  return tally_compare(a, b);
}

/* NAME_p50, NAME_p999 */
static void write_quantile_name(struct result *rows, const char *sketch, double quantile) {
  char name[128];
  int n = snprintf(name, sizeof name, "%.60s_p", sketch);
  snprintf(name + n, sizeof name - (size_t) n, "%.10g", quantile * 100);
  char *point = strchr(name + n, '.');
  if (point != NULL)
    memmove(point, point + 1, strlen(point));
  result_name(rows, name);
}

static void write_figure_names(struct result *rows, const struct schema *schema,
                               const struct question *question) {
  for (size_t i = 0; i < schema->nmeasures; i++)
    if (question_wants(question, i))
      result_name(rows, schema->measures[i].name);
  for (size_t i = 0; i < schema->nsketches; i++)
    for (size_t j = 0; question_wants_sketch(question, i) && j < question->nquantiles; j++)
      write_quantile_name(rows, schema->sketches[i].name, question->quantiles[j]);
}

static void write_names(struct result *rows, const struct schema *schema,
                        const struct question *question) {
  for (size_t i = 0; i < question->nby; i++)
    result_name(rows, schema->columns[question->by[i]].name);
  if (question_has_time(question))
    result_name(rows, "time");
  if (question->seen) {
    result_name(rows, "first_seen");
    result_name(rows, "last_seen");
    result_name(rows, "last_row");
  }
  write_figure_names(rows, schema, question);
}

static const char *put_key(struct result *rows, const struct column *c, const char *p,
                           struct buf *scratch) {
  struct result_value value = {c->type == COLUMN_BOOLEAN ? RESULT_BOOLEAN : RESULT_INTEGER, {0}};
  const char *s;
  size_t len;
  if (c->type == COLUMN_STRING) {
    p = key_get_text(p, scratch, &s, &len);
    result_put_text(rows, s, len);
    return p;
  }
  if (c->type == COLUMN_FLOAT) {
    value.type = RESULT_REAL;
    p = key_get_real(p, &value.value.f);
  } else {
    p = key_get_int(p, &value.value.i);
  }
  result_put(rows, value);
  return p;
}

static struct result_value measure_value_of(const struct schema *schema,
                                            const struct measure *m, int64_t sum) {
  if (m->kind == MEASURE_COUNT ||
      (schema->columns[m->column].type != COLUMN_FLOAT && m->scale == 1))
    return (struct result_value){RESULT_INTEGER, {.i = sum}};
  return (struct result_value){RESULT_REAL, {.f = (double) sum / m->scale}};
}

/* A sum that has reached an end of its range is at least that. */
static void write_figures(struct result *rows, const struct schema *schema,
                          struct question *question, const struct tally *group) {
  for (size_t i = 0; i < schema->nmeasures; i++) {
    if (!question_wants(question, i))
      continue;
    result_put(rows, measure_value_of(schema, &schema->measures[i], group->sums[i]));
    question->inexact |= group->sums[i] == INT64_MAX || group->sums[i] == INT64_MIN;
  }
  for (size_t i = 0; i < schema->nsketches; i++)
    for (size_t j = 0; question_wants_sketch(question, i) && j < question->nquantiles; j++) {
      double n = sketch_quantile(&group->sketches[i], question->quantiles[j]);
      bool none = sketch_is_empty(&group->sketches[i]);
      result_put(rows, (struct result_value){none ? RESULT_NULL : RESULT_REAL, {.f = n}});
    }
  rows->nrows++;
}

static void write_group(struct result *rows, const struct schema *schema,
                        struct question *question, const struct tally *group) {
  struct buf scratch = {0};
  const char *p = group->key;
  int64_t time = 0;
  if (question_has_time(question))
    p = key_get_int(p, &time);
  for (size_t i = 0; i < question->nby; i++)
    p = put_key(rows, &schema->columns[question->by[i]], p, &scratch);
  if (question_has_time(question))
    result_put(rows, (struct result_value){RESULT_REAL, {.f = (double) time}});
  if (question->seen) {
    result_put(rows, (struct result_value){RESULT_REAL, {.f = (double) group->first_us / 1e6}});
    result_put(rows, (struct result_value){RESULT_REAL, {.f = (double) group->last_us / 1e6}});
    result_put(rows, (struct result_value){RESULT_INTEGER, {.i = group->last_row}});
  }
  write_figures(rows, schema, question, group);
  buf_clear(&scratch);
}

/* Groups that only the cells beyond the window had. */
static size_t drop_empty(struct tally **groups, size_t n) {
  size_t kept = 0;
  for (size_t i = 0; i < n; i++)
    if (groups[i]->rows != 0)
      groups[kept++] = groups[i];
  return kept;
}

static void sort_groups(struct tally **groups, size_t n, const struct question *question) {
  struct order order = {question->order_by, question->descending};
  if (n > 0 && (order.measures != 0 || order.descending))
    qsort_r(groups, n, sizeof *groups, by_order, &order);
}

static size_t by_offset(const struct question *question) {
  return question_has_time(question) ? sizeof(int64_t) : 0;
}

static struct tally *by_tally(struct tallies *combinations, const struct tally *group,
                              size_t offset) {
  return tallies_at(combinations, group->key + offset, group->key_len - offset);
}

static void write_sum(struct result *rows, struct question *question, struct tally **groups,
                      size_t n, const struct schema *schema) {
  struct tallies sum = {.schema = schema};
  struct tally *all = tallies_at(&sum, "", 0);
  for (size_t i = 0; i < n; i++)
    tally_merge(all, groups[i], schema);
  write_figure_names(rows, schema, question);
  if (n > 0)
    write_figures(rows, schema, question, all);
  tallies_clear(&sum);
}

/* Without buckets in their order; else bucket by bucket. */
static void answer_with_rest(struct question *question, struct tally **groups, size_t n,
                             const struct schema *schema) {
  struct tallies combinations = {.schema = schema};
  size_t offset = by_offset(question);
  for (size_t i = 0; i < n; i++)
    tally_merge(by_tally(&combinations, groups[i], offset), groups[i], schema);
  struct tally **sorted = tallies_sorted(&combinations);
  size_t count = combinations.table.len, shown = count;
  sort_groups(sorted, count, question);
  if (question->limit > 0 && count > question->limit)
    shown = question->limit;
  for (size_t i = 0; i < count; i++)
    sorted[i]->dirty = i < shown; /* here: it is shown */
  for (size_t i = 0; offset == 0 && i < shown; i++)
    write_group(&question->rows, schema, question, sorted[i]);
  for (size_t i = 0; offset > 0 && i < n && question->rows.nrows <= MAX_LINES; i++)
    if (by_tally(&combinations, groups[i], offset)->dirty)
      write_group(&question->rows, schema, question, groups[i]);
  write_sum(&question->other, question, sorted + shown, count - shown, schema);
  write_sum(&question->totals, question, sorted, count, schema);
  free(sorted);
  tallies_clear(&combinations);
}

bool group_rows_write(struct question *question, const struct tallies *tallies) {
  struct tally **groups = tallies_sorted(tallies);
  size_t n = drop_empty(groups, tallies->table.len);
  write_names(&question->rows, tallies->schema, question);
  if (question->with_rest) {
    answer_with_rest(question, groups, n, tallies->schema);
    free(groups);
    return question->rows.nrows <= MAX_LINES;
  }
  sort_groups(groups, n, question);
  if (question->limit > 0 && n > question->limit)
    n = question->limit;
  for (size_t i = 0; i < n; i++)
    write_group(&question->rows, tallies->schema, question, groups[i]);
  free(groups);
  return true;
}
