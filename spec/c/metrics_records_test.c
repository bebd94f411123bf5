#include "base/clock.h"
#include "metrics/metrics.h"
#include "record/ndjson.h"
#include "schema_fixture.h"
#include "test.h"

static const struct record_limits limits = {1 << 20, 64};

/* Counts each line's record in a transaction of its own that is kept or not. */
static void count(struct metrics *m, const struct schema *schema, const char *ndjson, bool keep) {
  struct buf body = {0};
  struct batch *b = batch_new(schema);
  buf_puts(&body, ndjson);
  CHECK(batch_scan(b, &body, FORMAT_NDJSON, &limits, 1700000000000000) == 0);
  for (size_t i = 0; i < b->count; i++)
    metrics_count_record(m, batch_record(b, i), &b->text);
  if (keep)
    metrics_commit(m);
  else
    metrics_rollback(m);
  batch_free(b);
  buf_clear(&body);
}

static bool page_has(struct metrics *m, const char *line) {
  struct buf page = {0};
  metrics_render(m, EXPOSITION_TEXT, &page);
  buf_putc(&page, '\0');
  bool has = strstr(page.data, line) != NULL;
  buf_clear(&page);
  return has;
}

static struct metrics *metrics_for(const struct schema *schema) {
  struct buf error = {0};
  struct metrics *m = metrics_new("ccproxy", 2000);
  CHECK(metrics_declare(m, schema, &error));
  return m;
}

static const char complete[] =
    "{\"method\":\"POST\",\"endpoint\":\"/v1/"
    "messages\",\"model\":\"opus\",\"service_type\":\"proxy\",\"status_code\":200,"
    "\"duration_ms\":300,\"tokens_input\":10,\"tokens_output\":5,\"cost_usd\":0.25}\n";
static const char failed[] =
    "{\"method\":\"POST\",\"endpoint\":\"/v1/messages\",\"status_code\":529}\n"
    "{\"type\":\"request_error\",\"endpoint\":\"/v1/"
    "messages\",\"status_code\":500,\"error_type\":\"timeout\"}\n"
    "{\"type\":\"request_error\",\"endpoint\":\"/v1/messages\"}\n";

static void test_families(const struct schema *schema) {
  struct metrics *m = metrics_for(schema);
  count(m, schema, complete, true);
  count(m, schema, complete, true);
  count(m, schema, complete, false);
  count(m, schema, failed, true);
  static const char *const lines[] = {
      "\nccproxy_requests_total{method=\"POST\",endpoint=\"/v1/"
      "messages\",model=\"opus\",status=\"200\","
      "service_type=\"proxy\"} 2\n",
      "\nccproxy_requests_total{method=\"POST\",endpoint=\"/v1/"
      "messages\",model=\"unknown\",status=\"529\","
      "service_type=\"unknown\"} 1\n",
      "\nccproxy_response_duration_seconds_bucket{model=\"opus\",endpoint=\"/v1/"
      "messages\",service_type=\"proxy\",le=\"0.25\"} 0\n",
      "\nccproxy_response_duration_seconds_bucket{model=\"opus\",endpoint=\"/v1/"
      "messages\",service_type=\"proxy\",le=\"0.5\"} 2\n",
      "\nccproxy_response_duration_seconds_sum{model=\"opus\",endpoint=\"/v1/"
      "messages\",service_type=\"proxy\"} 0.6\n",
      "\nccproxy_tokens_total{type=\"input\",model=\"opus\",service_type=\"proxy\"} 20\n",
      "\nccproxy_tokens_total{type=\"output\",model=\"opus\",service_type=\"proxy\"} "
      "10\n",
      "\nccproxy_cost_usd_total{model=\"opus\",cost_type=\"total\",service_type="
      "\"proxy\"} 0.5\n",
      "\nccproxy_errors_total{error_type=\"http_529\",endpoint=\"/v1/"
      "messages\",model=\"unknown\",service_type=\"unknown\"} 1\n",
      "\nccproxy_errors_total{error_type=\"timeout\",endpoint=\"/v1/"
      "messages\",model=\"unknown\",service_type=\"unknown\"} 1\n",
      "\nccproxy_errors_total{error_type=\"unknown\",endpoint=\"/v1/"
      "messages\",model=\"unknown\",service_type=\"unknown\"} 1\n",
      "\nccproxy_info{version=\"" MOONLEDGER_VERSION "\"} 1\n",
      "\nup{job=\"ccproxy\"} 1\n",
      "\nccproxy_active_requests 0\n",
  };
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    CHECK(page_has(m, lines[i]));
  CHECK(!page_has(m, "type=\"cache_read\""));
  metrics_free(m);
}

static int restore(void *arg, const char *key, size_t key_len, const void *value, size_t len) {
  metrics_restore(arg, key, key_len, value, len);
  return 0;
}

static int refuse(void *arg, const char *key, size_t key_len, const void *value, size_t len) {
  (void) key, (void) key_len, (void) value, (void) len;
  ++*(int *) arg;
  return -5;
}

static void test_saving(const struct schema *schema) {
  struct metrics *m = metrics_for(schema), *later = metrics_for(schema);
  count(m, schema, complete, true);
  struct buf body = {0};
  struct batch *b = batch_new(schema);
  buf_puts(&body, complete);
  batch_scan(b, &body, FORMAT_NDJSON, &limits, 1700000000000000);
  metrics_count_record(m, batch_record(b, 0), &b->text);
  int calls = 0;
  CHECK(metrics_each_changed(m, refuse, &calls) == -5 && calls == 1);
  CHECK(metrics_each_changed(m, restore, later) == 0);
  CHECK(page_has(m, "le=\"+Inf\"} 1\n"));
  metrics_commit(m);
  CHECK(metrics_each_changed(m, refuse, &calls) == 0 && calls == 1);

  static const char *const lines[] = {
      "service_type=\"proxy\"} 2\n",
      "le=\"+Inf\"} 2\n",
      "duration_seconds_sum{model=\"opus\",endpoint=\"/v1/"
      "messages\",service_type=\"proxy\"} 0.6\n",
      "type=\"input\",model=\"opus\",service_type=\"proxy\"} 20\n",
      "cost_type=\"total\",service_type=\"proxy\"} 0.5\n",
  };
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    CHECK(page_has(m, lines[i]));
    CHECK(page_has(later, lines[i]));
  }
  static const struct {
    const char *key;
    size_t key_len, value_len;
  } odd[] = {{"", 0, 16},
             {"gone_total", 11, 16},
             {"cost_usd_total\0model\0x", 23, 16},
             {"requests_total", 14, 16}};
  char value[16] = {0};
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
    metrics_restore(later, odd[i].key, odd[i].key_len, value, odd[i].value_len);
  batch_free(b);
  buf_clear(&body);
  metrics_free(m);
  metrics_free(later);
}

static void track(struct metrics *m, const struct schema *schema, const char *type,
                  int id, int64_t now_us) {
  struct buf body = {0};
  struct batch *b = batch_new(schema);
  buf_printf(&body, "{\"type\":\"%s\",\"request_id\":\"r%d\"}", type, id);
  batch_scan(b, &body, FORMAT_JSON, &limits, now_us);
  metrics_track_active(m, batch_record(b, 0), &b->text, now_us);
  batch_free(b);
  buf_clear(&body);
}

static void test_active(const struct schema *schema, int64_t now_us) {
  struct metrics *m = metrics_for(schema);
  track(m, schema, "request_complete", 1, now_us);
  CHECK(page_has(m, "\nccproxy_active_requests 0\n"));
  track(m, schema, "request_start", 2, now_us - 14 * 60 * 1000000LL);
  for (int i = 3; i < 6; i++)
    track(m, schema, "request_start", i, now_us);
  track(m, schema, "request_start", 3, now_us);
  CHECK(page_has(m, "\nccproxy_active_requests 4\n"));
  track(m, schema, "request_complete", 3, now_us);
  track(m, schema, "request_error", 4, now_us);
  CHECK(page_has(m, "\nccproxy_active_requests 2\n"));
  track(m, schema, "request_start", 6, now_us + 2 * 60 * 1000000LL);
  CHECK(page_has(m, "\nccproxy_active_requests 2\n"));
  for (int i = 0; i < 10050; i++)
    track(m, schema, "request_start", 100 + i, now_us);
  CHECK(page_has(m, "\nccproxy_active_requests 10000\n"));
  metrics_free(m);
}

int main(void) {
  struct schema *schema = load_schema();
  test_families(schema);
  test_saving(schema);
  test_active(schema, clock_now_us());
  schema_free(schema);
  return TEST_END;
}
