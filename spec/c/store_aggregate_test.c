#include <math.h>

#include "record/measure.h"
#include "sketch_fixture.h"
#include "store_fixture.h"

/* Random records, windows, filters and groupings: what the store answers from rollups and
 * ragged ends must equal a scan of all records through conditions_match_row. */

enum { RECORDS = 4000, ROUNDS = 600, DAYS = 4 };

static const int64_t start_us = 1750000000LL * 1000000;
static uint64_t state = 88172645463325252;

static uint64_t any(uint64_t n) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state % n;
}

static const char *const models[] = {"opus", "sonnet", "haiku", "", "o\\u0000x"};
static const char *const services[] = {"proxy", "sdk", ""};
static const char *const endpoints[] = {"/v1/messages", "/v1/chat", "/other"};
static const int statuses[] = {200, 200, 200, 302, 404, 500, 102};

static int64_t any_time(void) {
  int64_t t = start_us + (int64_t) any(DAYS * INT64_C(86400000000));
  uint64_t kind = any(10);
  if (kind == 0)
    t -= t % 60000000;
  if (kind == 1)
    t -= t % 3600000000;
  return t;
}

static void write_record(struct buf *out, int i, int64_t time) {
  buf_printf(out, "{\"request_id\":\"id-%d\",\"timestamp\":%lld", i, (long long) time);
  buf_printf(out, ",\"model\":\"%s\",\"service_type\":\"%s\",\"endpoint\":\"%s\"",
             models[any(5)], services[any(3)], endpoints[any(3)]);
  buf_printf(out, ",\"status_code\":%d,\"duration_ms\":%llu.%llu", statuses[any(7)],
             (unsigned long long) any(20000), (unsigned long long) any(1000));
  buf_printf(out, ",\"cost_usd\":0.%06llu,\"tokens_input\":%llu", (unsigned long long) any(1000000),
             (unsigned long long) any(5000));
  buf_printf(out, ",\"session_client_id\":\"s%llu\"", (unsigned long long) any(5));
  if (any(3) == 0)
    buf_puts(out, ",\"cost_source\":\"unknown\"");
  buf_puts(out, "}\n");
}

/* Records to come: NDJSON lines, each ended by a NUL. */
static struct buf later;
static size_t later_at;

/* Stores the first RECORDS; the batch has all of them, as they are in the end, and counts
 * the stored ones. */
static struct batch *fill(struct store *s) {
  struct buf text = {0};
  for (int i = 0; i < RECORDS; i++)
    write_record(&text, i, any_time());
  for (int i = RECORDS; i < RECORDS + ROUNDS; i++) {
    size_t start = text.len;
    /* every other one newer than all before */
    write_record(&text, i,
                 i % 2 ? any_time()
                       : start_us + DAYS * INT64_C(86400000000) + i * INT64_C(600000000));
    buf_append(&later, text.data + start, text.len - start);
    buf_putc(&later, '\0');
  }
  buf_putc(&text, '\0');
  struct batch *all = scan(s, text.data);
  CHECK(all->count == RECORDS + ROUNDS);
  all->count = RECORDS;
  CHECK(put_batch(s, all).accepted == RECORDS);
  buf_clear(&text);
  return all;
}

/* Stores one more, so that there always is a row that the cells in the file lack. */
static void add_one(struct store *s, struct batch *all) {
  if (later_at == later.len)
    return;
  const char *line = later.data + later_at;
  later_at += strlen(line) + 1;
  CHECK(put(s, line).accepted == 1);
  all->count++;
}

/* Gives every tenth record other values by sending its id again. */
static void change_some(struct store *s, struct batch *all) {
  struct buf text = {0};
  for (int i = 0; i < RECORDS; i += 10)
    write_record(&text, i, start_us);
  buf_putc(&text, '\0');
  struct batch *changes = scan(s, text.data);
  struct submission w = put_batch(s, changes);
  CHECK(w.accepted == 0 && w.merged == RECORDS / 10);
  buf_clear(&text);
  batch_free(changes);
  for (int i = 0; i < RECORDS; i++) {
    struct query *q = query_new(QUERY_LOOKUP);
    buf_printf(&q->id, "id-%d", i);
    ask(s, q);
    CHECK(q->nrows == 1);
    struct record *r = batch_record(all, (size_t) i), *row = batch_record(q->batch, 0);
    for (size_t c = 0; c < s->schema->ncolumns; c++) {
      if (s->schema->columns[c].type != COLUMN_STRING) {
        r->v[c] = row->v[c];
        continue;
      }
      size_t len;
      const char *text_of = value_text(&q->batch->text, row->v[c], &len);
      union value v = batch_put_text(all, text_of, len);
      batch_record(all, (size_t) i)->v[c] = v;
    }
    query_free(q);
  }
}

static void add_text(struct conditions *c, int column, enum condition_op op, const char *s) {
  conditions_add(c, column, op);
  conditions_value_text(c, s, strcmp(s, "o\\u0000x") == 0 ? 3 : strlen(s));
  if (strcmp(s, "o\\u0000x") == 0)
    memcpy(c->text.data + c->text.len - 3, "o\0x", 3);
}

static void add_int(struct conditions *c, int column, enum condition_op op, int64_t n) {
  conditions_add(c, column, op);
  conditions_value(c, (union value){.i = n});
}

static struct conditions *any_conditions(struct store *s) {
  struct conditions *c = conditions_new();
  int time = s->schema->time;
  if (any(4) != 0)
    add_int(c, time, any(2) ? OP_GE : OP_GT, any_time());
  if (any(4) != 0)
    add_int(c, time, any(2) ? OP_LE : OP_LT, any_time());
  if (any(20) == 0)
    add_int(c, time, OP_NE, any_time());
  if (any(3) == 0)
    add_text(c, column(s, "model"), any(2) ? OP_EQ : OP_NE, models[any(5)]);
  if (any(4) == 0) {
    add_text(c, column(s, "service_type"), any(2) ? OP_IN : OP_NOT_IN, services[any(3)]);
    conditions_value_text(c, "sdk", 3);
  }
  if (any(5) == 0)
    add_int(c, column(s, "status_code"), any(2) ? OP_GE : OP_LT, statuses[any(7)]);
  if (any(8) == 0)
    add_text(c, column(s, "endpoint"), OP_PREFIX, any(2) ? "/v1/" : "");
  if (any(8) == 0)
    add_text(c, column(s, "session_client_id"), OP_EQ, "s1");
  if (any(15) == 0)
    add_text(c, column(s, "cost_source"), any(2) ? OP_EQ : OP_NE, "unknown");
  if (any(15) == 0) {
    conditions_add(c, column(s, "duration_ms"), OP_GE);
    conditions_value(c, (union value){.f = any(3) == 0 ? (double) NAN : 5000});
  }
  return c;
}

static struct question any_question(struct store *s) {
  static const char *const names[] = {"model", "service_type", "endpoint", "status_code",
                                      "session_client_id"};
  static const int64_t widths[] = {0, 0, 0, 60, 3600, 7200, 86400, 5400, 604800};
  struct question question = {.nquantiles = 2, .quantiles = {0.5, 0.99}};
  question.every_s = widths[any(9)];
  for (uint64_t n = any(3), first = any(5); question.nby < n; question.nby++)
    question.by[question.nby] = column(s, names[(first + question.nby) % 5]);
  if (question.every_s > 0 && any(2))
    question.max_points = 1 + (uint32_t) any(50);
  if (any(3) == 0)
    question.measures = 1 + any((UINT64_C(1) << s->schema->nmeasures) - 1);
  return question;
}

struct sums {
  int64_t sums[SCHEMA_MAX_MEASURES];
  struct sketch sketch;
};

static bool same_group(struct store *s, const struct question *question, size_t row,
                       const struct record *r, const struct buf *text) {
  for (size_t i = 0; i < question->nby; i++) {
    const struct column *c = &s->schema->columns[question->by[i]];
    struct result_value cell = cell_of(&question->rows, row, c->name);
    size_t len;
    const char *t = NULL;
    if (c->type == COLUMN_STRING)
      t = value_text(text, r->v[question->by[i]], &len);
    if (t == NULL ? cell.value.i != r->v[question->by[i]].i
                  : cell.value.s.len != len ||
                        (len > 0 && memcmp(question->rows.text.data + cell.value.s.offset,
                                           t, len) != 0))
      return false;
  }
  if (question->every_s == 0)
    return true;
  int64_t second = r->v[s->schema->time].i / 1000000;
  return cell_of(&question->rows, row, "time").value.f ==
         (double) (second - second % question->used_every_s);
}

static void check_group(struct store *s, const struct question *question, size_t row,
                        const struct sums *sums) {
  const struct schema *schema = s->schema;
  size_t columns = question->nby + (question->every_s > 0) + question->nquantiles;
  for (size_t m = 0; m < schema->nmeasures; m++) {
    if (!question_wants(question, m))
      continue;
    columns++;
    struct result_value cell = cell_of(&question->rows, row, schema->measures[m].name);
    if (cell.type == RESULT_INTEGER)
      CHECK(cell.value.i == sums->sums[m]);
    else
      CHECK(cell.value.f == (double) sums->sums[m] / schema->measures[m].scale);
  }
  CHECK(question->rows.ncolumns == columns);
  CHECK(cell_of(&question->rows, row, "duration_ms_p50").value.f ==
        sketch_quantile(&sums->sketch, 0.5));
  CHECK(cell_of(&question->rows, row, "duration_ms_p99").value.f ==
        sketch_quantile(&sums->sketch, 0.99));
}

/* Adds every matching record to its group's sums, then compares. */
static void check_question(struct store *s, const struct question *question,
                           const struct conditions *where, const struct batch *all) {
  struct sums *sums = calloc(question->rows.nrows + 1, sizeof *sums);
  size_t lost = 0;
  for (size_t i = 0; i < all->count; i++) {
    const struct record *r = batch_record(all, i);
    if (!conditions_match_row(where, s->schema, r, &all->text))
      continue;
    size_t row = 0;
    while (row < question->rows.nrows && !same_group(s, question, row, r, &all->text))
      row++;
    lost += row == question->rows.nrows;
    for (size_t m = 0; m < s->schema->nmeasures; m++)
      sums[row].sums[m] += measure_value(&s->schema->measures[m], s->schema, r, &all->text);
    const struct sketched *k = &s->schema->sketches[0];
    if (conditions_match_row(k->when, s->schema, r, &all->text))
      sketch_add(&sums[row].sketch, sketched_value(k, s->schema, r), 1);
  }
  CHECK(lost == 0);
  for (size_t row = 0; row < question->rows.nrows; row++) {
    CHECK(sums[row].sums[0] > 0);
    check_group(s, question, row, &sums[row]);
  }
  for (size_t row = 0; row <= question->rows.nrows; row++)
    sketch_clear(&sums[row].sketch);
  free(sums);
}

static int64_t points(const struct result *rows, int64_t every_s) {
  double first = INFINITY, last = -INFINITY;
  for (size_t i = 0; i < rows->nrows; i++) {
    first = fmin(first, cell_of(rows, i, "time").value.f);
    last = fmax(last, cell_of(rows, i, "time").value.f);
  }
  return rows->nrows == 0 ? 0 : (int64_t) (last - first) / every_s + 1;
}

static void check_rounds(struct store *s, struct batch *all, int rounds) {
  for (int round = 0; round < rounds; round++) {
    add_one(s, all);
    struct query *q = query_new(QUERY_AGGREGATE);
    struct conditions *where = any_conditions(s);
    q->where = conditions_ref(where);
    q->nquestions = 1 + any(3);
    q->questions = calloc(q->nquestions, sizeof *q->questions);
    for (size_t i = 0; i < q->nquestions; i++)
      q->questions[i] = any_question(s);
    ask(s, q);
    CHECK(q->status == 0);
    for (size_t i = 0; i < q->nquestions && q->status == 0; i++) {
      const struct question *question = &q->questions[i];
      /* Brute force costs rows times groups. */
      if (question->rows.nrows <= 400)
        check_question(s, question, where, all);
      if (question->max_points > 0)
        CHECK(points(&question->rows, question->used_every_s) <= question->max_points);
    }
    struct query *count = query_new(QUERY_COUNT);
    count->where = where;
    ask(s, count);
    int64_t expected = 0;
    for (size_t i = 0; i < all->count; i++)
      expected += conditions_match_row(where, s->schema, batch_record(all, i), &all->text);
    CHECK(count->status == 0 && count->count == expected);
    query_free(count);
    query_free(q);
  }
}

static void test_orders_and_limits(struct store *s) {
  struct query *q = query_new(QUERY_AGGREGATE);
  q->nquestions = 1;
  q->questions = calloc(1, sizeof *q->questions);
  q->questions[0] = (struct question){.by = {column(s, "model")},
                                      .nby = 1,
                                      .descending = true,
                                      .limit = 2,
                                      .order_by = 1ull << schema_measure(s->schema, "cost_usd", 8)};
  ask(s, q);
  CHECK(q->status == 0 && q->questions[0].rows.nrows == 2);
  CHECK(cell_of(&q->questions[0].rows, 0, "cost_usd").value.f >=
        cell_of(&q->questions[0].rows, 1, "cost_usd").value.f);
  query_free(q);
}

int main(void) {
  struct store *s = store_new();
  store_open(s);
  struct batch *all = fill(s);
  check_rounds(s, all, ROUNDS / 2);
  change_some(s, all);
  check_rounds(s, all, ROUNDS / 2);
  store_close(s);
  store_open(s);
  check_rounds(s, all, 50);
  test_orders_and_limits(s);
  buf_clear(&later);
  batch_free(all);
  store_remove(s);
  return TEST_END;
}
