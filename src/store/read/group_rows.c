#include "store/read/group_rows.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/file/key.h"
#include "store/read/result.h"

struct order {
  int measure;
  bool descending;
};

static int compare_numbers(int64_t a, int64_t b) {
  return (a > b) - (a < b);
}

static int by_order(const void *x, const void *y, void *arg) {
  const struct tally *a = *(struct tally *const *) x, *b = *(struct tally *const *) y;
  const struct order *order = arg;
  int result = 0;
  if (order->measure >= 0)
    result = compare_numbers(a->sums[order->measure], b->sums[order->measure]);
  else
    result = tally_compare(a, b);
  if (result != 0)
    return order->descending ? -result : result;
  return tally_compare(a, b);
}

static void write_names(struct result *rows, const struct schema *schema,
                        const struct question *question) {
  char name[128];
  for (size_t i = 0; i < question->nby; i++)
    result_name(rows, schema->columns[question->by[i]].name);
  if (question->every_s > 0)
    result_name(rows, "time");
  for (size_t i = 0; i < schema->nmeasures; i++)
    if (question_wants(question, i))
      result_name(rows, schema->measures[i].name);
  for (size_t i = 0; schema->sketch >= 0 && i < question->nquantiles; i++) {
    int n = snprintf(name, sizeof name, "%s_p", schema->columns[schema->sketch].name);
    snprintf(name + n, sizeof name - (size_t) n, "%.10g", question->quantiles[i] * 100);
    char *point = strchr(name + n, '.'); /* 0.999 is p999 */
    if (point != NULL)
      memmove(point, point + 1, strlen(point));
    result_name(rows, name);
  }
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
    return (struct result_value) {RESULT_INTEGER, {.i = sum}};
  return (struct result_value) {RESULT_REAL, {.f = (double) sum / m->scale}};
}

static void write_group(struct result *rows, const struct schema *schema,
                        const struct question *question, const struct tally *group) {
  struct buf scratch = {0};
  const char *p = group->key;
  int64_t time = 0;
  if (question->every_s > 0)
    p = key_get_int(p, &time);
  for (size_t i = 0; i < question->nby; i++)
    p = put_key(rows, &schema->columns[question->by[i]], p, &scratch);
  if (question->every_s > 0)
    result_put(rows, (struct result_value) {RESULT_REAL, {.f = (double) time}});
  for (size_t i = 0; i < schema->nmeasures; i++)
    if (question_wants(question, i))
      result_put(rows, measure_value_of(schema, &schema->measures[i], group->sums[i]));
  for (size_t i = 0; schema->sketch >= 0 && i < question->nquantiles; i++)
    result_put(rows, (struct result_value){RESULT_REAL,
                                           {.f = sketch_quantile(&group->sketch,
                                                                 question->quantiles[i])}});
  rows->nrows++;
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

void group_rows_write(struct question *question, const struct tallies *tallies) {
  struct order order = {question->order_by, question->descending};
  struct tally **groups = tallies_sorted(tallies);
  size_t n = drop_empty(groups, tallies->table.len);
  if (n > 0 && (order.measure >= 0 || order.descending))
    qsort_r(groups, n, sizeof *groups, by_order, &order);
  if (question->limit > 0 && n > question->limit)
    n = question->limit;
  write_names(&question->rows, tallies->schema, question);
  for (size_t i = 0; i < n; i++)
    write_group(&question->rows, tallies->schema, question, groups[i]);
  free(groups);
}
