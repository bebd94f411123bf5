#include "store_fixture.h"

enum { RECORDS = 500 };

static void fill(struct store *s) {
  struct buf text = {0};
  for (int i = 0; i < RECORDS; i++)
    buf_printf(&text,
               "{\"request_id\":\"r%03d\",\"timestamp\":%d,\"model\":\"m%d\",\"tokens_"
               "input\":%d,\"note\":\"n\"}\n",
               i, 1750000000 + (i * 7919) % RECORDS / 3, i % 5, i % 11);
  buf_putc(&text, '\0');
  CHECK(put(s, text.data).accepted == RECORDS);
  buf_clear(&text);
}

static struct query *page(struct store *s, int order_by, bool descending, uint32_t limit,
                          uint32_t offset) {
  struct query *q = query_new(QUERY_SELECT);
  q->order_by = order_by;
  q->descending = descending;
  q->limit = limit;
  q->offset = offset;
  (void) s;
  return q;
}

static int compare_rows(const struct store *s, const struct batch *b, size_t i, int order_by) {
  const struct record *x = batch_record(b, i - 1), *y = batch_record(b, i);
  int time = s->schema->time;
  size_t n, m;
  int order = 0;
  if (s->schema->columns[order_by].type == COLUMN_STRING) {
    const char *p = value_text(&b->text, x->v[order_by], &n),
               *q = value_text(&b->text, y->v[order_by], &m);
    order = memcmp(p, q, n < m ? n : m);
  } else {
    order = (x->v[order_by].i > y->v[order_by].i) - (x->v[order_by].i < y->v[order_by].i);
  }
  if (order == 0)
    order = (x->v[time].i > y->v[time].i) - (x->v[time].i < y->v[time].i);
  return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

static void test_orders(struct store *s) {
  const char *const names[] = {"timestamp", "model", "tokens_input", "request_id"};
  for (size_t i = 0; i < 4; i++)
    for (int descending = 0; descending < 2; descending++) {
      struct query *q = ask(s, page(s, column(s, names[i]), descending, RECORDS, 0));
      CHECK(q->status == 0 && q->nrows == RECORDS && !q->has_next && q->batch->count == RECORDS);
      for (size_t j = 1; j < q->nrows; j++)
        CHECK(descending ? compare_rows(s, q->batch, j, column(s, names[i])) > 0
                         : compare_rows(s, q->batch, j, column(s, names[i])) < 0);
      query_free(q);
    }
}

static void test_cursor_visits_every_row_once(struct store *s) {
  for (int descending = 0; descending < 2; descending++) {
    bool seen[RECORDS + 1] = {0};
    struct row_place after = {0};
    size_t count = 0;
    for (bool more = true, first = true; more; first = false) {
      struct query *q = page(s, s->schema->time, descending, 7, 0);
      q->has_after = !first;
      q->after = after;
      ask(s, q);
      for (size_t i = 0; i < q->nrows; i++, count++) {
        int64_t row = batch_record(q->batch, i)->row;
        CHECK(!seen[row]);
        seen[row] = true;
      }
      more = q->has_next;
      after = q->next;
      query_free(q);
    }
    CHECK(count == RECORDS);
  }
}

static void test_order_of_commit(struct store *s) {
  struct query *q = page(s, -1, false, 10, 0);
  q->by_row = q->has_after = true;
  q->after.row = 100;
  ask(s, q);
  CHECK(q->nrows == 10 && q->has_next && q->next.row == 110);
  for (size_t i = 0; i < q->nrows; i++)
    CHECK(batch_record(q->batch, i)->row == 101 + (int64_t) i);
  query_free(q);
}

static void test_text(struct store *s) {
  struct query *q = page(s, s->schema->time, true, 2, 3);
  q->as = ROWS_JSON;
  ask(s, q);
  CHECK(q->nrows == 2 && q->json.data[0] == '[' && q->json.data[q->json.len - 1] == ']');
  CHECK(memmem(q->json.data, q->json.len, "},{", 3) != NULL &&
        memmem(q->json.data, q->json.len, "extra", 5) == NULL);
  query_free(q);

  q = page(s, s->schema->time, true, 0, RECORDS);
  q->limit = 5;
  q->as = ROWS_JSON;
  ask(s, q);
  CHECK_BYTES(q->json.data, q->json.len, "[]");
  query_free(q);

  q = page(s, s->schema->time, true, 2, 0);
  q->as = ROWS_NDJSON;
  q->with_extra = true;
  ask(s, q);
  CHECK(memmem(q->json.data, q->json.len, "\"extra\":{\"note\":\"n\"}}\n{", 23) != NULL);
  query_free(q);
}

static struct query *sql(struct store *s, const char *text) {
  struct query *q = query_new(QUERY_SQL);
  buf_puts(&q->sql, text);
  return ask(s, q);
}

static void test_sql_reads(struct store *s) {
  struct query *q = query_new(QUERY_SQL);
  buf_puts(&q->sql, "SELECT model, count(*) AS n, NULL, 1.5 FROM rows WHERE tokens_input "
                    "< ? GROUP BY model ORDER BY 1");
  q->bound.ncolumns = 1;
  buf_append(&q->bound.values, &(struct result_value){RESULT_INTEGER, {.i = 100}},
             sizeof(struct result_value));
  ask(s, q);
  CHECK(q->status == 0 && q->rows.nrows == 5 && q->rows.ncolumns == 4);
  if (q->rows.nrows == 5) {
    CHECK(cell_of(&q->rows, 4, "n").value.i == 100);
    struct result_value model = cell_of(&q->rows, 4, "model");
    CHECK_BYTES(q->rows.text.data + model.value.s.offset, (size_t) model.value.s.len, "m4");
  }
  query_free(q);
  q = sql(s, "WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t WHERE i < "
             "5000) SELECT i FROM t;  -- rows\n");
  CHECK(q->status == 0 && q->rows.nrows == 1000 && q->truncated);
  query_free(q);
  q = sql(s, "SELECT sketch_quantile(sketch_merge(duration_ms_sketch), 0.5) AS p50 FROM "
             "rollup_model WHERE tier = 2");
  CHECK(q->status == 0 && q->rows.nrows == 1 && cell_of(&q->rows, 0, "p50").type == RESULT_REAL);
  query_free(q);
}

static bool is_refused(struct store *s, const char *text) {
  struct query *q = sql(s, text);
  bool refused = q->status < 0 && q->error[0] != '\0';
  if (!refused)
    fprintf(stderr, "not refused: %s\n", text);
  query_free(q);
  return refused;
}

/* Of all tables that the file has or will have, and names that a statement makes itself. */
static void test_sql_reads_what_is_promised(struct store *s) {
  size_t hidden = 0;
  char text[200];
  struct query *names = sql(s, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT "
                               "LIKE 'rollup!_%' ESCAPE '!' AND name NOT IN ('rows', 'journal', "
                               "'kept', 'parts', 'part_masks')");
  CHECK(names->status == 0);
  for (size_t i = 0; i < names->rows.nrows; i++, hidden++) {
    struct result_value name = cell_of(&names->rows, i, "name");
    const char *table = names->rows.text.data + name.value.s.offset;
    snprintf(text, sizeof text, "SELECT * FROM %.*s", (int) name.value.s.len, table);
    CHECK(is_refused(s, text));
    snprintf(text, sizeof text, "SELECT count(*) FROM rows, %.*s", (int) name.value.s.len, table);
    CHECK(is_refused(s, text));
  }
  CHECK(hidden >= 6);
  query_free(names);
  struct query *q = sql(s, "WITH t AS (SELECT 1 UNION SELECT 2) SELECT count(*) AS n FROM t, "
                           "(SELECT max(bucket) FROM rollup_all)");
  CHECK(q->status == 0 && cell_of(&q->rows, 0, "n").value.i == 2);
  query_free(q);
}

static void test_sql_is_confined(struct store *s) {
  static const char *const refused[] = {
      "DELETE FROM rows",
      "INSERT INTO rows(model) VALUES('x')",
      "CREATE TABLE t(a)",
      "CREATE TEMP TABLE t(a)",
      "ATTACH '/tmp/x.db' AS x",
      "PRAGMA journal_mode=DELETE",
      "PRAGMA table_info(rows)",
      "BEGIN",
      "VACUUM",
      "SELECT load_extension('x')",
      "SELECT * FROM meta",
      "SELECT count(*) FROM meta",
      "SELECT data FROM ids",
      "SELECT 1; SELECT 2",
      "SELECT ?",
      "",
      "  -- nothing",
      "SELEC",
      "SELECT nothing FROM rows",
      "SELECT sketch_quantile('x', 0.5)",
      "SELECT zeroblob(100000000)",
  };
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
    CHECK(is_refused(s, refused[i]));
  CHECK(count_rows(s) == RECORDS);
}

static void test_deadline_and_cancel(struct store *s) {
  const char *endless = "WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t) "
                        "SELECT max(i) FROM t";
  struct query *q = query_new(QUERY_SQL);
  buf_puts(&q->sql, endless);
  q->deadline_ms = 50;
  ask(s, q);
  CHECK(q->status == UV_ETIMEDOUT && strstr(q->error, "too slow") != NULL);
  query_free(q);

  q = query_new(QUERY_SQL);
  buf_puts(&q->sql, endless);
  q->loop = &s->loop;
  q->done.receive = on_done;
  storage_query(s->storage, q);
  atomic_store(&q->cancelled, true);
  wait_for(s, &q->done);
  CHECK(q->status == UV_ECANCELED);
  query_free(q);
  CHECK(count_rows(s) == RECORDS); /* the reader goes on */
}

int main(void) {
  struct store *s = store_new();
  store_open(s);
  fill(s);
  test_orders(s);
  test_cursor_visits_every_row_once(s);
  test_order_of_commit(s);
  test_text(s);
  test_sql_reads(s);
  test_sql_reads_what_is_promised(s);
  test_sql_is_confined(s);
  test_deadline_and_cancel(s);
  store_remove(s);
  return TEST_END;
}
