#include "record/merge.h"

#include "record/ndjson.h"
#include "schema_fixture.h"
#include "test.h"

enum { MOST = 5, NOW_US = 1900000000 };

static struct schema *schema;

static struct batch *scan(const char *text) {
  static const struct record_limits limits = {.record_bytes = 1 << 20, .depth = 16};
  struct buf body = {0};
  struct batch *b = batch_new(schema);
  buf_puts(&body, text);
  CHECK(batch_scan(b, &body, FORMAT_JSON, &limits, NOW_US * INT64_C(1000000)) == 0 &&
        b->rejected == 0);
  return b;
}

/* The row that the records make in this order, as JSON, its event behind it. */
static void write_row(struct buf *out, const char *const *records, const int *order, int n) {
  struct told told = {0};
  struct batch *row = scan(records[order[0]]);
  struct record *r = batch_record(row, 0);
  struct stamp stamp = record_stamp(schema, r, &row->text);
  stamp.basis = record_basis(schema, r, &row->text, &stamp);
  told_insert(&told, 0, &stamp);
  r->present = told_columns(&told);
  for (int i = 1; i < n; i++) {
    struct batch *later = scan(records[order[i]]);
    merge_record(row, &told, batch_record(later, 0), &later->text);
    CHECK(merge_record(row, &told, batch_record(later, 0), &later->text) == MERGE_NOTHING);
    batch_free(later);
  }
  record_write_json(out, schema, r, &row->text, true);
  buf_printf(out, " %s", schema->events[r->event].name);
  told_clear(&told);
  batch_free(row);
}

static void swap(int *a, int *b) {
  int old = *a;
  *a = *b;
  *b = old;
}

/* Heap's permutations of the first k. */
static void each_order(int *order, int k, int n, void (*take)(const int *order, int n, void *arg),
                       void *arg) {
  if (k == 1) {
    take(order, n, arg);
    return;
  }
  for (int i = 0; i < k; i++) {
    each_order(order, k - 1, n, take, arg);
    if (i + 1 < k)
      swap(&order[k % 2 == 0 ? i : 0], &order[k - 1]);
  }
}

struct expectation {
  const char *const *records;
  struct buf first;
};

static void expect_same(const int *order, int n, void *arg) {
  struct expectation *e = arg;
  struct buf row = {0};
  write_row(&row, e->records, order, n);
  if (e->first.len == 0) {
    e->first = buf_take(&row);
    return;
  }
  if (row.len != e->first.len || memcmp(row.data, e->first.data, row.len) != 0)
    for (int i = 0; i < n; i++)
      fprintf(stderr, "  %s\n", e->records[order[i]]);
  buf_putc(&e->first, '\0');
  CHECK_BYTES(row.data, row.len, e->first.data);
  e->first.len--;
  buf_clear(&row);
}

/* In every order the records make one row; it is in e->first, ended by a NUL. */
static void permute(struct expectation *e, const char *const *records, int n) {
  int order[MOST] = {0, 1, 2, 3, 4};
  *e = (struct expectation){.records = records};
  each_order(order, n, n, expect_same, e);
  buf_putc(&e->first, '\0');
}

static int count_of(const char *const *list) {
  int n = 0;
  while (n < MOST && list[n] != NULL)
    n++;
  return n;
}

static void ranks(void) {
  static const struct {
    const char *records[MOST];
    const char *parts[MOST];
  } cases[] = {
      /* Each column goes by the time of who told it, not of the last who told anything. */
      {{"{\"timestamp\":1,\"model\":\"x\"}", "{\"timestamp\":3,\"status_code\":500}",
        "{\"timestamp\":2,\"model\":\"z\"}"},
       {"\"model\":\"z\"", "\"status_code\":500", "\"timestamp\":\"1970-01-01T00:00:01Z\""}},
      /* A reported cost with its tokens, whoever ended later; the blind one's prompt has the cached
         tokens in it. */
      {{"{\"timestamp\":5,\"tokens_input\":2000,\"cache_read_tokens\":8000,\"tokens_output\":500,"
        "\"cost_usd\":0.5,"
        "\"cost_source\":\"reported\"}",
        "{\"timestamp\":6,\"tokens_input\":10000,\"tokens_output\":501,\"cost_usd\":0.9,\"cost_"
        "source\":\"computed\"}",
        "{\"timestamp\":7,\"tokens_input\":11000,\"cache_write_tokens\":7,\"cost_source\":"
        "\"unknown\"}"},
       {"\"tokens_input\":2000", "\"cache_read_tokens\":8000,\"cache_write_tokens\":0",
        "\"tokens_output\":500", "\"cost_usd\":0.5", "\"extra\":{\"cost_source\":\"reported\"}"}},
      {{"{\"timestamp\":5,\"tokens_input\":10000,\"cost_usd\":0.5}",
        "{\"timestamp\":6,\"tokens_input\":2000,\"cache_read_tokens\":8000,\"cost_usd\":0.9,\"cost_"
        "source\":\"computed\"}"},
       {"\"tokens_input\":10000", "\"cache_read_tokens\":0", "\"cost_usd\":0.5"}},
      /* A cost alone leaves the tokens as they are; a later one of the same rank corrects it. */
      {{"{\"timestamp\":5,\"tokens_input\":9,\"cost_usd\":0.5,\"cost_source\":\"computed\"}",
        "{\"timestamp\":8,\"cost_usd\":0.6,\"cost_source\":\"computed\"}"},
       {"\"tokens_input\":9", "\"cost_usd\":0.6"}},
      {{"{\"timestamp\":5,\"tokens_input\":9,\"cost_usd\":0.5,\"cost_source\":\"computed\"}",
        "{\"timestamp\":8,\"cost_usd\":0,\"cost_source\":\"unknown\"}"},
       {"\"tokens_input\":9", "\"cost_usd\":0.0", "\"extra\":{\"cost_source\":\"unknown\"}"}},
      /* Of two computed ones that from the record which tells more of what is billed, with its
         tokens, whoever ended later; 0 and null tell nothing of it. */
      {{"{\"timestamp\":5,\"tokens_input\":10,\"cache_write_tokens\":10000,"
        "\"cache_write_1h_tokens\":10000,\"web_searches\":1,\"cost_usd\":0.07153,"
        "\"cost_source\":\"computed\"}",
        "{\"timestamp\":6,\"tokens_input\":10010,\"cost_usd\":0.03003,\"web_searches\":0,"
        "\"speed\":null,\"inference_geo\":\"\",\"cost_source\":\"computed\"}",
        "{\"timestamp\":7,\"tokens_input\":10,\"cache_write_tokens\":10000,\"tokens_output\":3,"
        "\"cost_usd\":0.03753,\"cost_source\":\"computed\"}"},
       {"\"tokens_input\":10,\"tokens_output\":3", "\"cache_write_tokens\":10000",
        "\"cost_usd\":0.07153", "\"cost_source\":\"computed\""}},
      {{"{\"timestamp\":5,\"tokens_input\":9,\"web_searches\":0.0,\"cost_usd\":0.5,"
        "\"cost_source\":\"computed\"}",
        "{\"timestamp\":6,\"tokens_input\":8,\"cost_usd\":0.6,\"cost_source\":\"computed\"}"},
       {"\"tokens_input\":8", "\"cost_usd\":0.6"}},
      {{"{\"timestamp\":5,\"tokens_input\":9,\"tier\":\"flex\",\"cost_usd\":0.5,"
        "\"cost_source\":\"computed\"}",
        "{\"timestamp\":6,\"tokens_input\":8,\"service_tier\":\"flex\",\"cost_usd\":0.6,"
        "\"cost_source\":\"computed\"}"},
       {"\"tokens_input\":8", "\"cost_usd\":0.6"}},
      {{"{\"timestamp\":5,\"tokens_input\":2000,\"cache_read_tokens\":8000,\"cost_usd\":0.3,"
        "\"cost_source\":\"computed\"}",
        "{\"timestamp\":6,\"tokens_input\":10000,\"tier\":\"flex\",\"speed\":\"fast\","
        "\"cost_usd\":0.6,\"cost_source\":\"computed\"}"},
       {"\"tokens_input\":2000", "\"cache_read_tokens\":8000", "\"cost_usd\":0.3"}},
      /* The prompt of a model that has no price is told by one record, too. */
      {{"{\"timestamp\":5,\"tokens_input\":2000,\"cache_read_tokens\":8000,\"cost_source\":"
        "\"unknown\"}",
        "{\"timestamp\":6,\"tokens_input\":10000,\"cost_source\":\"unknown\"}"},
       {"\"tokens_input\":2000", "\"cache_read_tokens\":8000"}},
      /* A reported cost without what stands in rows of its own; the latest says how much that is.
         One that is smaller does not include it, nor does one that its own record tells it of. */
      {{"{\"timestamp\":5,\"cost_usd\":0.103506,\"cost_source\":\"computed\","
        "\"parts_cost_usd\":1}",
        "{\"timestamp\":6,\"cost_usd\":1.103506}",
        "{\"timestamp\":4,\"cost_usd\":0.103506,\"cost_source\":\"computed\","
        "\"parts_cost_usd\":0.5}"},
       {"\"cost_usd\":0.103506", "\"parts_cost_usd\":1.0"}},
      {{"{\"timestamp\":5,\"cost_usd\":0.1,\"cost_source\":\"computed\","
        "\"parts_cost_usd\":1}",
        "{\"timestamp\":6,\"cost_usd\":0.2}"},
       {"\"cost_usd\":0.2", "\"parts_cost_usd\":1.0"}},
      {{"{\"timestamp\":5,\"cost_usd\":0.1,\"cost_source\":\"computed\","
        "\"parts_cost_usd\":0.05}",
        "{\"timestamp\":6,\"cost_usd\":3,\"parts_cost_usd\":1}",
        "{\"timestamp\":4,\"cost_usd\":2}"},
       {"\"cost_usd\":3.0", "\"parts_cost_usd\":1.0"}},
      /* Without a cost tokens that are told apart add up to one row. */
      {{"{\"timestamp\":5,\"tokens_input\":9}", "{\"timestamp\":6,\"tokens_output\":3}",
        "{\"timestamp\":7,\"cache_read_tokens\":2}"},
       {"\"tokens_input\":9,\"tokens_output\":3,\"cache_read_tokens\":2"}},
      /* A value over none: neither an empty text nor null is one; a told zero is. */
      {{"{\"timestamp\":5,\"model\":\"m\",\"tokens_output\":4}",
        "{\"timestamp\":6,\"model\":\"\",\"tokens_output\":0}",
        "{\"timestamp\":7,\"model\":null,\"user_agent\":\"u\"}"},
       {"\"model\":\"m\"", "\"tokens_output\":0", "\"user_agent\":\"u\""}},
      /* A status that was told over the one that follows from the event. */
      {{"{\"timestamp\":5,\"status_code\":429}", "{\"timestamp\":6,\"type\":\"request_error\"}"},
       {"\"status_code\":429", "request_error"}},
      {{"{\"timestamp\":5}", "{\"timestamp\":6,\"type\":\"request_error\",\"error_type\":\"t\"}"},
       {"\"status_code\":500", "\"error_type\":\"t\"", "request_error"}},
      {{"{\"timestamp\":7,\"status_code\":null}", "{\"timestamp\":6,\"type\":\"request_error\"}"},
       {"\"status_code\":200", "request_complete"}},
      /* Derived columns follow what was told; a duration is the same in both units. */
      {{"{\"timestamp\":5,\"path\":\"/a\"}", "{\"timestamp\":6,\"path\":\"/p\"}"},
       {"\"endpoint\":\"/p\",\"path\":\"/p\""}},
      {{"{\"timestamp\":5,\"endpoint\":\"e\",\"path\":\"/a\"}",
        "{\"timestamp\":6,\"path\":\"/p\"}"},
       {"\"endpoint\":\"e\",\"path\":\"/p\""}},
      {{"{\"timestamp\":5,\"duration_ms\":100}", "{\"timestamp\":6,\"duration_seconds\":0.25}"},
       {"\"duration_ms\":250.0,\"duration_seconds\":0.25"}},
      /* Members of extra, each by itself, in the order of who told them. */
      {{"{\"timestamp\":1,\"a\":1,\"b\":{\"x\":[1,\"}\"]}}",
        "{\"timestamp\":2,\"a\":2,\"c\":null,\"cost_source\":\"s\"}",
        "{\"timestamp\":3,\"d\":4,\"status_code\":201}", "{\"timestamp\":2.5,\"d\":3,\"a\":5}"},
       {"\"extra\":{\"b\":{\"x\":[1,\"}\"]},\"c\":null,\"a\":5,\"d\":4,\"cost_source\":\"s\"}"}},
      {{"{\"timestamp\":1}", "{\"timestamp\":2,\"a\":1,\"a\":2}", "{\"timestamp\":3,\"extra\":{}}"},
       {"\"extra\":{\"a\":2}"}},
      /* What has no time is told now. */
      {{"{\"model\":\"new\"}", "{\"timestamp\":2,\"model\":\"old\"}"},
       {"\"model\":\"new\"", "\"timestamp\":\"1970-01-01T00:00:02Z\""}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct buf records[MOST] = {{0}};
    const char *texts[MOST];
    int n = count_of(cases[i].records);
    struct expectation e;
    for (int k = 0; k < n; k++) {
      buf_printf(&records[k], "{\"request_id\":\"r\",%s", cases[i].records[k] + 1);
      buf_putc(&records[k], '\0');
      texts[k] = records[k].data;
    }
    permute(&e, texts, n);
    for (int k = 0; k < MOST && cases[i].parts[k] != NULL; k++) {
      if (strstr(e.first.data, cases[i].parts[k]) == NULL)
        fprintf(stderr, "case %zu: no %s in %s\n", i, cases[i].parts[k], e.first.data);
      CHECK(strstr(e.first.data, cases[i].parts[k]) != NULL);
    }
    for (int k = 0; k < n; k++)
      buf_clear(&records[k]);
    buf_clear(&e.first);
  }
}

/* The same time: the one that arrives later. */
static void corrections(void) {
  static const char *const records[] = {
      "{\"request_id\":\"r\",\"timestamp\":1,\"model\":\"x\",\"k\":1}",
      "{\"request_id\":\"r\",\"timestamp\":1,\"model\":\"y\",\"k\":2}"};
  for (int first = 0; first < 2; first++) {
    struct buf row = {0};
    write_row(&row, records, (const int[]){first, !first}, 2);
    buf_putc(&row, '\0');
    CHECK(strstr(row.data, first == 0 ? "\"model\":\"y\"" : "\"model\":\"x\"") != NULL);
    CHECK(strstr(row.data, first == 0 ? "\"extra\":{\"k\":2}" : "\"extra\":{\"k\":1}") != NULL);
    buf_clear(&row);
  }
}

static unsigned any(unsigned n) {
  static uint64_t state = 0x9e3779b97f4a7c15;
  state = state * 6364136223846793005 + 1442695040888963407;
  return (unsigned) (state >> 33) % n;
}

static void write_any(struct buf *out, int time) {
  static const char *const members[] = {
      "\"model\":\"m%d\"",
      "\"path\":\"/p%d\"",
      "\"endpoint\":\"e%d\"",
      "\"status_code\":%d",
      "\"duration_ms\":%d",
      "\"duration_seconds\":%d",
      "\"tokens_input\":%d",
      "\"tokens_output\":%d",
      "\"cache_read_tokens\":%d",
      "\"cache_write_tokens\":%d",
      "\"cost_usd\":%d",
      "\"a\":%d",
      "\"b\":{\"x\":%d}",
      "\"error_message\":\"no%d\"",
      "\"web_searches\":%d",
      "\"cache_write_1h_tokens\":%d",
      "\"tier\":\"t%d\"",
      "\"parts_cost_usd\":%d",
      "\"type\":\"request_error\"",
      "\"cost_source\":\"reported\"",
      "\"cost_source\":\"computed\"",
      "\"cost_source\":\"unknown\"",
  };
  enum { FREE = 19 }; /* a source is one of the last */
  buf_printf(out, "{\"request_id\":\"r\",\"timestamp\":%d", time);
  for (size_t i = 0; i < FREE; i++)
    if (any(3) == 0) {
      buf_putc(out, ',');
      buf_printf(out, members[i], (int) any(1000) + 1);
    }
  unsigned source = any(4);
  if (source > 0)
    buf_printf(out, ",%s", members[FREE + source - 1]);
  buf_puts(out, "}");
  buf_putc(out, '\0');
}

static void many_orders(void) {
  for (int round = 0; round < 300; round++) {
    struct buf records[MOST] = {{0}};
    const char *texts[MOST];
    struct expectation e;
    int n = 2 + (int) any(round % 20 == 0 ? 4 : 3);
    for (int i = 0; i < n; i++) {
      write_any(&records[i], 1700000000 + 10 * i + (int) any(10));
      texts[i] = records[i].data;
    }
    permute(&e, texts, n);
    for (int i = 0; i < n; i++)
      buf_clear(&records[i]);
    buf_clear(&e.first);
  }
}

int main(void) {
  schema = load_schema();
  ranks();
  corrections();
  many_orders();
  schema_free(schema);
  return TEST_END;
}
