#include "record/record.h"

#include <math.h>

#include "record/condition.h"
#include "record/measure.h"
#include "record/ndjson.h"
#include "schema_fixture.h"
#include "test.h"

static struct schema *schema;

static int column(const char *name) {
  return schema_column(schema, name, strlen(name));
}

static struct batch *scan(const char *text) {
  static const struct record_limits limits = {.record_bytes = 1 << 20, .depth = 16};
  struct buf body = {0};
  struct batch *b = batch_new(schema);
  buf_puts(&body, text);
  CHECK(batch_scan(b, &body, FORMAT_JSON, &limits, 1700000000000000) == 0 && b->rejected == 0);
  return b;
}

static bool set(struct batch *b, const char *name, const char *text) {
  const char *why = NULL;
  bool ok = record_set_text(b, batch_record(b, 0), schema_name(schema, name, strlen(name)), text,
                            strlen(text), &why);
  CHECK(ok == (why == NULL));
  return ok;
}

static bool set_number(struct batch *b, const char *name, double n) {
  const char *why = NULL;
  bool ok = record_set_number(b, batch_record(b, 0),
                              schema_name(schema, name, strlen(name)), false, 0, n, &why);
  CHECK(ok == (why == NULL));
  return ok;
}

static void setters(void) {
  const char *why;
  struct batch *b = batch_new(schema);
  batch_add(b);
  CHECK(set(b, "model", "m") && set(b, "tokens_input", "5") && set(b, "cost_usd", "1e-3") &&
        set(b, "streaming", "TRUE"));
  CHECK(set(b, "timestamp", "2025-01-01") && set(b, "latency_s", "0.25"));
  CHECK(!set(b, "tokens_input", "5x") && !set(b, "cost_usd", "inf") && !set(b, "streaming", "yes"));
  CHECK(!set(b, "timestamp", "soon") && !set(b, "status_code", ""));
  CHECK(set_number(b, "tokens_output", 3) && !set_number(b, "tokens_output", 3.5) &&
        !set_number(b, "tokens_output", NAN));
  CHECK(!set_number(b, "tokens_output", 0x1p63) && set_number(b, "tokens_output", -0x1p62));
  CHECK(!set_number(b, "cost_usd", INFINITY) && !set_number(b, "model", 1) &&
        !set_number(b, "streaming", 0.5));
  struct record *r = batch_record(b, 0);
  CHECK(record_set_boolean(b, r, schema_name(schema, "stream", 6), false, &why));
  CHECK(!record_set_boolean(b, r, schema_name(schema, "model", 5), false, &why) &&
        strcmp(why, "a string") == 0);
  CHECK(r->v[column("tokens_input")].i == 5 && r->v[column("cost_usd")].f == 0.001);
  CHECK(r->v[column("duration_seconds")].f == 0.25 && r->v[column("streaming")].i == 0);
  CHECK(record_has(r, column("model")) && !record_has(r, column("endpoint")));
  batch_free(b);
}

static void check_row(const char *text, const char *expected) {
  struct buf out = {0};
  struct batch *b = scan(text);
  record_write_json(&out, schema, batch_record(b, 0), &b->text, true);
  CHECK_BYTES(out.data, out.len, expected);
  buf_clear(&out);
  batch_free(b);
}

static void rows(void) {
  check_row("{\"request_id\":\"r\"}",
            "{\"request_id\":\"r\",\"timestamp\":\"2023-11-14T22:13:20Z\",\"method\":"
            "\"\",\"endpoint\":\"\","
            "\"path\":\"\","
            "\"query\":\"\",\"client_ip\":\"\",\"user_agent\":\"\",\"service_type\":\"\","
            "\"model\":\"\","
            "\"streaming\":false,"
            "\"status_code\":200,\"duration_ms\":0.0,\"duration_seconds\":0.0,\"tokens_"
            "input\":0,\"tokens_output\":"
            "0,"
            "\"cache_read_tokens\":0,\"cache_write_tokens\":0,\"cost_usd\":0.0,\"cost_"
            "sdk_usd\":0.0,\"num_turns\":"
            "0,"
            "\"session_type\":\"\",\"session_status\":\"\",\"session_age_seconds\":0.0,"
            "\"session_message_count\":0,"
            "\"session_client_id\":\"\",\"session_pool_enabled\":false,\"session_idle_"
            "seconds\":0.0,"
            "\"session_error_count\":0,\"session_is_new\":true,\"extra\":{}}");
  check_row(
      "{\"request_id\":\"r\"}",
      "{\"request_id\":\"r\",\"timestamp\":\"2023-11-14T22:13:20Z\",\"method\":\"\",\"endpoint\":"
      "\"\","
      "\"path\":\"\","
      "\"query\":\"\",\"client_ip\":\"\",\"user_agent\":\"\",\"service_type\":\"\",\"model\":\"\","
      "\"streaming\":false,"
      "\"status_code\":200,\"duration_ms\":0.0,\"duration_seconds\":0.0,\"tokens_input\":0,"
      "\"tokens_output\":"
      "0,"
      "\"cache_read_tokens\":0,\"cache_write_tokens\":0,\"cost_usd\":0.0,\"cost_sdk_usd\":0.0,"
      "\"num_turns\":"
      "0,"
      "\"session_type\":\"\",\"session_status\":\"\",\"session_age_seconds\":0.0,\"session_message_"
      "count\":0,"
      "\"session_client_id\":\"\",\"session_pool_enabled\":false,\"session_idle_seconds\":0.0,"
      "\"session_error_count\":0,\"session_is_new\":true,\"extra\":{}}");
  check_row(
      "{\"request_id\":\"r\",\"tag\":[1],\"timestamp\":1.5,\"path\":\"/"
      "p\",\"duration_ms\":20,\"error_type\":\"t\"}",
      "{\"request_id\":\"r\",\"timestamp\":\"1970-01-01T00:00:01.500000Z\",\"method\":\"\","
      "\"endpoint\":\"/p\","
      "\"path\":\"/"
      "p\",\"query\":\"\",\"client_ip\":\"\",\"user_agent\":\"\",\"service_type\":\"\",\"model\":"
      "\"\","
      "\"streaming\":false,\"status_code\":200,\"duration_ms\":20.0,\"duration_seconds\":0.02,"
      "\"tokens_"
      "input\":0,"
      "\"tokens_output\":0,\"cache_read_tokens\":0,\"cache_write_tokens\":0,\"cost_usd\":0.0,"
      "\"cost_"
      "sdk_usd\":0.0,"
      "\"num_turns\":0,\"session_type\":\"\",\"session_status\":\"\",\"session_age_seconds\":0.0,"
      "\"session_message_count\":0,\"session_client_id\":\"\",\"session_pool_enabled\":false,"
      "\"session_idle_seconds\":0.0,\"session_error_count\":0,\"session_is_new\":true,"
      "\"error_type\":\"t\",\"extra\":{\"tag\":[1]}}");
}

static void check_event(const char *text, const char *expected) {
  struct buf out = {0};
  struct batch *b = scan(text);
  record_write_event(&out, schema, batch_record(b, 0), &b->text, 1700000000250000);
  CHECK_BYTES(out.data, out.len, expected);
  buf_clear(&out);
  batch_free(b);
}

static void events(void) {
  check_event("{\"type\":\"request_start\",\"request_id\":\"r\",\"query\":\"q\",\"path\":"
              "\"/p\",\"status_code\":200}",
              "{\"type\":\"request_start\",\"data\":{\"request_id\":\"r\",\"path\":\"/"
              "p\",\"query\":\"q\"},"
              "\"timestamp\":1700000000.25}");
  check_event("{\"cache_read_tokens\":3,\"cost_usd\":0,\"model\":null,\"duration_ms\":5,"
              "\"session_type\":\"x\","
              "\"request_id\":\"r\"}",
              "{\"type\":\"request_complete\",\"data\":{\"request_id\":\"r\",\"duration_"
              "ms\":5.0,\"cost_usd\":0.0,"
              "\"cache_read_tokens\":3},\"timestamp\":1700000000.25}");
  check_event("{\"event\":\"request_error\",\"error_message\":\"no\",\"error_type\":"
              "\"t\",\"request_id\":\"r\"}",
              "{\"type\":\"request_error\",\"data\":{\"request_id\":\"r\",\"error_type\":"
              "\"t\",\"error_message\":"
              "\"no\"},"
              "\"timestamp\":1700000000.25}");
}

static void extra(void) {
  struct batch *b = batch_new(schema);
  struct record *r = batch_add(b);
  record_put_extra(b, r, "a\"b", 3, "1", 1);
  record_put_extra(b, r, "c", 1, "[2]", 3);
  CHECK(set(b, "cost_source", "unknown"));
  batch_complete(b, r, 0);
  CHECK_BYTES(b->text.data + r->extra.offset, r->extra.len,
              "{\"a\\\"b\":1,\"c\":[2],\"cost_source\":\"unknown\"}");

  struct record *row = batch_add(b);
  r = batch_record(b, 0);
  row->extra = r->extra;
  record_read_extra(b, row);
  size_t len;
  const char *text = value_text(&b->text, row->v[column("cost_source")], &len);
  CHECK_BYTES(text, len, "unknown");
  const struct measure *unpriced =
      &schema->measures[schema_measure(schema, "unpriced_requests", 17)];
  CHECK(measure_value(unpriced, schema, row, &b->text) == 1);
  batch_free(b);
}

static int64_t measured(const char *text, const char *measure) {
  struct batch *b = scan(text);
  int64_t value = measure_value(
      &schema->measures[schema_measure(schema, measure, strlen(measure))], schema,
      batch_record(b, 0), &b->text);
  batch_free(b);
  return value;
}

static void measures(void) {
  CHECK(measured("{}", "requests") == 1);
  CHECK(measured("{}", "successes") == 1 && measured("{}", "errors") == 0);
  CHECK(measured("{\"status_code\":404}", "successes") == 0 &&
        measured("{\"status_code\":404}", "errors") == 1);
  CHECK(measured("{\"status_code\":100}", "successes") == 0 &&
        measured("{\"status_code\":100}", "errors") == 0);
  CHECK(measured("{\"type\":\"request_error\"}", "errors") == 1);
  CHECK(measured("{\"duration_ms\":2398.609}", "duration_ms") == 2398609000);
  CHECK(measured("{\"cost_usd\":0.0363561}", "cost_usd") == 36356100000);
  CHECK(measured("{\"cost_usd\":-1e-12}", "cost_usd") == -1);
  CHECK(measured("{\"cost_usd\":9223372}", "cost_usd") == 9223372000000000000);
  CHECK(measured("{\"tokens_input\":9007199254740993}", "tokens_input") == 9007199254740993);
  CHECK(measured("{}", "unpriced_requests") == 0 &&
        measured("{\"cost_source\":\"unknown\"}", "unpriced_requests") == 1);
}

static void rejections(void) {
  struct batch *b = batch_new(schema);
  char text[300];
  for (size_t i = 0; i < 150; i++)
    memcpy(text + 2 * i, "é", 2);
  for (uint32_t i = 0; i < 30; i++)
    batch_reject(b, i, 0, -1, "x%.*s", 300, text);
  CHECK(b->rejected == 30 && b->nerrors == BATCH_MAX_ERRORS);
  CHECK(strlen(b->errors[0].message) == 119);
  batch_reject(b, 0, 0, -1, "more");
  batch_add(b);
  batch_add(b);
  batch_drop_last(b);
  CHECK(b->count == 1);
  batch_free(b);
  batch_free(NULL);
}

int main(void) {
  schema = load_schema();
  setters();
  rows();
  events();
  extra();
  measures();
  rejections();
  schema_free(schema);
  return TEST_END;
}
