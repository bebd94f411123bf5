#include "record/ndjson.h"

#include <inttypes.h>
#include <uv.h>

#include "schema_fixture.h"
#include "test.h"

static const int64_t now = 1700000000000000;
static const struct record_limits usual = {.record_bytes = 4000, .depth = 8};
static struct schema *schema;

/* The call that next_fails counts down to is refused. */
static int next_fails;

static bool fails(void) {
  return next_fails > 0 && --next_fails == 0;
}

void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_realloc(void *p, size_t size) {
  return fails() ? NULL : __real_realloc(p, size);
}

void *__wrap_calloc(size_t count, size_t size) {
  return fails() ? NULL : __real_calloc(count, size);
}

static struct batch *scan_bytes(const char *text, size_t len, enum record_format format,
                                int expected) {
  struct buf body = {0};
  struct batch *b = batch_new(schema);
  buf_append(&body, text, len);
  CHECK(batch_scan(b, &body, format, &usual, now) == expected);
  CHECK(body.data == NULL);
  CHECK(b->count + b->rejected == b->sent);
  return b;
}

static struct batch *scan(const char *text, enum record_format format, int expected) {
  return scan_bytes(text, strlen(text), format, expected);
}

/* What came of text: the models and the extra of the records taken, then the rejections. */
static void check(enum record_format format, const char *text, int status, const char *expected) {
  struct buf out = {0};
  struct batch *b = scan(text, format, status);
  for (size_t i = 0; i < b->count; i++) {
    const struct record *r = batch_record(b, i);
    union value model = r->v[schema_column(schema, "model", 5)];
    buf_append(&out, b->text.data + model.s.offset, model.s.len);
    buf_append(&out, b->text.data + r->extra.offset, r->extra.len);
    buf_putc(&out, ';');
  }
  for (size_t i = 0; i < b->nerrors; i++) {
    const struct rejection *e = &b->errors[i];
    buf_printf(&out, "%" PRIu32 ":%" PRIu32 " %s: %s;", e->index, e->line,
               e->column >= 0 ? schema->columns[e->column].name : "-", e->message);
  }
  buf_putc(&out, '\0');
  CHECK_BYTES(out.data, out.len - 1, expected);
  buf_clear(&out);
  batch_free(b);
}

/* One column's value, as JSON, of a body with one record. */
static void check_value(const char *text, const char *column, const char *expected) {
  struct buf out = {0};
  struct batch *b = scan(text, FORMAT_JSON, 0);
  CHECK(b->count == 1);
  if (b->count == 1) {
    int i = schema_column(schema, column, strlen(column));
    value_write_json(&out, &schema->columns[i], batch_record(b, 0)->v[i], &b->text);
    CHECK_BYTES(out.data, out.len, expected);
  } else if (b->nerrors > 0) {
    fprintf(stderr, "%s: %s\n", text, b->errors[0].message);
  }
  buf_clear(&out);
  batch_free(b);
}

static void lines(void) {
  const struct {
    const char *text, *expected;
  } cases[] = {
      {"", ""},
      {"\n \n\r\n", ""},
      {"{\"model\":\"a\"}", "a;"},
      {"{\"model\":\"a\"}\n", "a;"},
      {"\xef\xbb\xbf{\"model\":\"a\"}\r\n\r\n  {\"model\":\"b\"} \t\r\n", "a;b;"},
      {"{\"model\":\"a\"}\n{\"model\":\n{\"model\":\"c\"}\n",
       "a;c;1:2 -: expected a value, got the end after 9 bytes;"},
      {"\n\n[1]\n{\"model\":\"b\"}", "b;0:3 -: expected an object, got [1];"},
      {"{\"model\":\"a\"} x\n{}",
       ";0:1 -: expected the end of the line at byte 15, got x;"},
      {"{\"model\":\"a\"}{\"model\":\"b\"}",
       "0:1 -: expected the end of the line at byte 14, got {\"model\":\"b\"};"},
      {"{\"model\":\"a\"", "0:1 -: expected a comma or }, got the end after 12 bytes;"},
      {"{\"model\":\"a",
       "0:1 -: expected the end of a string, got the end after 11 bytes;"},
      {"{\"model\":\"a\\", "0:1 -: expected a valid escape at byte 12, got \\;"},
      {"{\"model\" \"a\"}", "0:1 -: expected a colon at byte 10, got \"a\"};"},
      {"{model:1}", "0:1 -: expected a member's name at byte 2, got model:1};"},
      {"{\"cost_usd\":NaN}", "0:1 -: expected a value at byte 13, got NaN};"},
      {"{\"x\":Infinity}", "0:1 -: expected a value at byte 6, got Infinity};"},
      {"{\"x\":01}", "0:1 -: expected a value at byte 6, got 01};"},
      {"{\"x\":\"a\tb\"}", "0:1 -: expected the end of a string at byte 8, got \tb\"};"},
      {"{\"x\":\"\\q\"}", "0:1 -: expected a valid escape at byte 7, got \\q\"};"},
      {"{\"x\":\"\\u12g4\"}",
       "0:1 -: expected a valid escape at byte 7, got \\u12g4\"};"},
      {"{\"x\":trueth}", "0:1 -: expected a comma or } at byte 10, got th};"},
      {"{\"x\":[[[[[[[1]]]]]]]}", "{\"x\":[[[[[[[1]]]]]]]};"},
      {"{\"x\":[[[[[[[[1]]]]]]]]}",
       "0:1 -: expected less nesting at byte 13, got [1]]]]]]]]};"},
      {"{\"x\":{\"a\":[1,2,{\"b\":null}]},\"model\":\"m\"}",
       "m{\"x\":{\"a\":[1,2,{\"b\":null}]}};"},
      {"{\"a\":1,\"model\":\"m\", \"b\" : \"\\u00e9\\n\"}",
       "m{\"a\":1,\"b\":\"\\u00e9\\n\"};"},
      {"{\"mod\\u0065l\":\"m\"}", "m;"},
      {"{\"model\":\"m\",\"model\":\"n\"}", "n;"},
      {"{\"model\":\"m\",\"model\":null}", ";"},
      {"{\"model\":null,\"x\":null}", "{\"x\":null};"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    check(FORMAT_NDJSON, cases[i].text, 0, cases[i].expected);
}

static void values(void) {
  const struct {
    const char *member, *column, *expected;
  } cases[] = {
      {"\"tokens_input\":\" 12 \"", "tokens_input", "12"},
      {"\"tokens_input\":12.0", "tokens_input", "12"},
      {"\"tokens_input\":1e3", "tokens_input", "1000"},
      {"\"tokens_input\":4294967296", "tokens_input", "4294967296"},
      {"\"tokens_input\":9223372036854775807", "tokens_input", "9223372036854775807"},
      {"\"tokens_input\":-5", "tokens_input", "-5"},
      {"\"tokens_input\":null", "tokens_input", "0"},
      {"\"input_tokens\":7", "tokens_input", "7"},
      {"\"tokens_input\":7,\"input_tokens\":8", "tokens_input", "7"},
      {"\"input_tokens\":8,\"tokens_input\":7", "tokens_input", "7"},
      {"\"cost_usd\":\"0.25\"", "cost_usd", "0.25"},
      {"\"cost_usd\":1", "cost_usd", "1.0"},
      {"\"cost_usd\":-0.5", "cost_usd", "-0.5"},
      {"\"streaming\":1", "streaming", "true"},
      {"\"streaming\":\"true\"", "streaming", "true"},
      {"\"streaming\":\"0\"", "streaming", "false"},
      {"\"session_is_new\":false", "session_is_new", "false"},
      {"\"x\":1", "session_is_new", "true"},
      {"\"x\":1", "status_code", "200"},
      {"\"type\":\"request_error\"", "status_code", "500"},
      {"\"status_code\":429,\"event\":\"request_error\"", "status_code", "429"},
      {"\"duration_ms\":1500", "duration_seconds", "1.5"},
      {"\"duration_ms\":3980.41", "duration_seconds", "3.98041"},
      {"\"duration_seconds\":2.5", "duration_ms", "2500.0"},
      {"\"latency_s\":\"0.5\"", "duration_ms", "500.0"},
      {"\"duration_ns\":3980410000", "duration_ms", "3980.41"},
      {"\"endpoint\":\"/v1\"", "path", "\"/v1\""},
      {"\"path\":\"/p\"", "endpoint", "\"/p\""},
      {"\"endpoint\":\"e\",\"path\":\"/p\"", "endpoint", "\"e\""},
      {"\"x\":1", "timestamp", "\"2023-11-14T22:13:20Z\""},
      {"\"timestamp\":\"2025-06-15T17:08:40.123456\\u002b02:00\"", "timestamp",
       "\"2025-06-15T15:08:40.123456Z\""},
      {"\"timestamp\":1750000120", "timestamp", "\"2025-06-15T15:08:40Z\""},
      {"\"request_id\":\"r\"", "request_id", "\"r\""},
      {"\"query\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\\u0000\"", "query",
       "\"\\\"\\\\/\\b\\f\\n\\r\\té\xf0\x9f\x98\x80\\u0000\""},
      {"\"query\":\"\\ud83d x \\ude00\\ud83d\\u0041\"", "query",
       "\"\xef\xbf\xbd x \xef\xbf\xbd\xef\xbf\xbd"
       "A\""},
      {"\"query\":\"a\xff"
       "b\xc3\"",
       "query",
       "\"a\xef\xbf\xbd"
       "b\xef\xbf\xbd\""},
      {"\"error_type\":\"overloaded\"", "error_type", "\"overloaded\""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[300];
    snprintf(text, sizeof text, "{%s}", cases[i].member);
    check_value(text, cases[i].column, cases[i].expected);
  }
}

static void misfits(void) {
  const struct {
    const char *text, *expected;
  } cases[] = {
      {"{\"model\":5}", "0:0 model: expected a string, got 5;"},
      {"{\"model\":true}", "0:0 model: expected a string, got true;"},
      {"{\"model\":{\"id\":\"x\"}}", "0:0 model: expected a string, got {\"id\":\"x\"};"},
      {"{\"tokens_input\":[1]}", "0:0 tokens_input: expected an integer, got [1];"},
      {"{\"tokens_input\":\"abc\"}", "0:0 tokens_input: expected an integer, got \"abc\";"},
      {"{\"tokens_input\":\"\"}", "0:0 tokens_input: expected an integer, got \"\";"},
      {"{\"tokens_input\":1.5}", "0:0 tokens_input: expected an integer, got 1.5;"},
      {"{\"tokens_input\":true}", "0:0 tokens_input: expected an integer, got true;"},
      {"{\"tokens_input\":9223372036854775808}",
       "0:0 tokens_input: expected an integer of 64 bits, got 9223372036854775808;"},
      {"{\"cost_usd\":1e999}", "0:0 cost_usd: expected a finite number, got 1e999;"},
      {"{\"cost_usd\":\"nan\"}", "0:0 cost_usd: expected a number, got \"nan\";"},
      {"{\"streaming\":2}", "0:0 streaming: expected a boolean, got 2;"},
      {"{\"timestamp\":\"yesterday\"}",
       "0:0 timestamp: expected a time (unix seconds or ISO 8601), got \"yesterday\";"},
      {"{\"timestamp\":1e300}",
       "0:0 timestamp: expected a time (unix seconds or ISO 8601), got 1e300;"},
      {"{\"model\":5,\"x\":[1,{\"model\":6}],\"tokens_input\":\"x\"}",
       "0:0 model: expected a string, got 5;"},
      {"{\"model\":1,\"model\":\"late\"}", "0:0 model: expected a string, got 1;"},
      {"{\"status\":\"success\",\"model\":\"m\"}", "m{\"status\":\"success\"};"},
      {"{\"status_code\":201,\"status\":500,\"model\":\"m\"}", "m{\"status\":500};"},
      {"{\"type\":\"message\",\"model\":\"m\"}", "m{\"type\":\"message\"};"},
      {"{\"type\":7}", "{\"type\":7};"},
      {"{\"error_message\":\"x\",\"a\":1}", "{\"a\":1,\"error_message\":\"x\"};"},
      {"{\"a\":1,\"extra\":{\"b\" : [2],\"error_message\":\"x\"}}",
       "{\"a\":1,\"b\":[2],\"error_message\":\"x\"};"},
      {"{\"extra\":{\"error_type\":5,\"model\":\"n\"},\"model\":\"m\"}",
       "m{\"error_type\":5,\"model\":\"n\"};"},
      {"{\"extra\":{}}", ";"},
      {"{\"x\" : [ 1 ,\r\n\t{ \"a \\\" b\" : \" \\\\\" } ] }",
       "{\"x\":[1,{\"a \\\" b\":\" \\\\\"}]};"},
      {"{\"extra\":5}", "{\"extra\":5};"},
      {"{\"user\":{\"id\":5},\"host\":\"h\",\"tier\":null}", "{\"user\":{\"id\":5}};"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    check(FORMAT_JSON, cases[i].text, 0, cases[i].expected);
}

static void bodies(void) {
  const struct {
    const char *text;
    int status;
    const char *expected;
  } cases[] = {
      {"[]", 0, ""},
      {" [ {\"model\":\"a\"} , {\"model\":\"b\"} ] \n", 0, "a;b;"},
      {"[{\"model\":\"a\"},3,null,{\"model\":9},{\"model\":\"b\"}]", 0,
       "a;b;1:0 -: expected an object, got 3;2:0 -: expected an object, got null;"
       "3:0 model: expected a string, got 9;"},
      {"{\"records\":[{\"model\":\"a\"},{\"model\":\"b\"}]}", 0, "a;b;"},
      {"{\"source\":{\"x\":[1]},\"records\":[{\"model\":\"a\"}],\"count\":1}", 0, "a;"},
      {"{\n  \"model\": \"a\"\n}\n", 0, "a;"},
      {"{\n\"records\":[\n{\"model\":\"a\"},\n{\"model\":\"b\"}\n]\n}\n", 0, "a;b;"},
      {"{\"records\":[\n{\"model\":\"a\"}]}", 0, "a;"},
      {"{\"model\":\"a\"}\n{\"model\":\n{\"model\":\"b\"}\n", 0,
       "a;b;1:2 -: expected a value, got the end after 9 bytes;"},
      {"{\"model\":\"a\"}{\"model\":\"b\"} {\"model\":\"c\"}", 0, "a;b;c;"},
      {"{\"records\":5,\"model\":\"a\"}", 0, "a{\"records\":5};"},
      {"", UV_EINVAL,
       "0:0 -: expected an object or an array, got the end after 0 bytes;"},
      {"hello", UV_EINVAL, "0:0 -: expected an object or an array at byte 1, got hello;"},
      {"[{\"model\":\"a\"},", UV_EINVAL,
       "0:0 -: expected a value, got the end after 15 bytes;"},
      {"[{\"model\":\"a\"}", UV_EINVAL,
       "0:0 -: expected a comma or ], got the end after 14 bytes;"},
      {"[{\"model\":\"a\"}]]", UV_EINVAL, "0:0 -: expected the end at byte 16, got ];"},
      {"[{\"model\":\"a\"},{\"model\"}]", UV_EINVAL,
       "0:0 -: expected a colon at byte 24, got }];"},
      {"{\"records\":[{\"model\":\"a\"}]", UV_EINVAL,
       "0:0 -: expected a comma or }, got the end after 26 bytes;"},
      {"{\"a\":1} x", UV_EINVAL, "0:0 -: expected the end at byte 9, got x;"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    check(FORMAT_JSON, cases[i].text, cases[i].status, cases[i].expected);
}

static void long_ones(void) {
  char text[10000];
  struct buf body = {0};
  memset(text, 'x', sizeof text);
  buf_literal(&body, "{\"query\":\"");
  buf_append(&body, text, 5000);
  buf_literal(&body, "\"}\n{\"query\":\"");
  buf_append(&body, text, 3000);
  buf_literal(&body, "\"}\n");
  struct batch *b = scan_bytes(body.data, body.len, FORMAT_NDJSON, 0);
  CHECK(b->count == 1 && b->rejected == 1 && b->errors[0].line == 1);
  CHECK(strcmp(b->errors[0].message, "longer than 4000 bytes") == 0);
  batch_free(b);

  body.data[5012] = ',';
  body.len--;
  struct buf array = {0};
  buf_putc(&array, '[');
  buf_append(&array, body.data, body.len);
  buf_putc(&array, ']');
  b = scan_bytes(array.data, array.len, FORMAT_JSON, 0);
  CHECK(b->count == 1 && b->rejected == 1 && b->errors[0].index == 0);
  CHECK(batch_record(b, 0)->position == 1);
  batch_free(b);
  buf_clear(&array);
  buf_clear(&body);
}

static void many_errors(void) {
  struct buf body = {0};
  for (int i = 0; i < 100; i++)
    buf_literal(&body, "{\"model\":1}\n{\"model\":\"ok\"}\n");
  struct batch *b = scan_bytes(body.data, body.len, FORMAT_NDJSON, 0);
  CHECK(b->count == 100 && b->rejected == 100 && b->sent == 200 && b->nerrors == BATCH_MAX_ERRORS);
  CHECK(b->errors[19].index == 38 && b->errors[19].line == 39);
  CHECK(batch_record(b, 99)->position == 199);
  batch_free(b);
  buf_clear(&body);
}

static void very_many(void) {
  struct buf body = {0};
  for (int i = 0; i < BATCH_MAX_RECORDS + 5; i++)
    buf_literal(&body, "{}\n");
  struct batch *b = scan_bytes(body.data, body.len, FORMAT_NDJSON, 0);
  CHECK(b->count == BATCH_MAX_RECORDS && b->rejected == 5 &&
        b->errors[0].index == BATCH_MAX_RECORDS);
  batch_free(b);
  buf_clear(&body);
}

static void zero_bytes(void) {
  static const char text[] = "{\"model\":\"a\0b\"}\n\0\n{\"model\":\"c\"}\0";
  struct batch *b = scan_bytes(text, sizeof text - 1, FORMAT_NDJSON, 0);
  CHECK(b->count == 0 && b->rejected == 3);
  batch_free(b);
  b = scan_bytes(text, sizeof text - 1, FORMAT_JSON, UV_EINVAL);
  CHECK(b->count == 0);
  batch_free(b);
}

static void ids(void) {
  struct batch *b = scan(
      "{}\n{\"request_id\":\"\"}\n{\"request_id\":\"None\"}\n{\"request_id\":null}\n",
      FORMAT_NDJSON, 0);
  for (size_t i = 0; i < b->count; i++) {
    const struct record *r = batch_record(b, i);
    CHECK(r->v[schema->id].s.len == 36);
    CHECK(b->text.data[r->v[schema->id].s.offset + 14] == '7');
    CHECK(r->present == 1ull << schema->id);
  }
  CHECK(b->count == 4);
  batch_free(b);
}

/* Each allocation on the way through a body, one after another: nothing is lost, nobody ends. */
static void refused_memory(void) {
  struct buf text = {0};
  int rc = UV_ENOMEM;
  for (int i = 0; i < 40; i++)
    buf_printf(&text, "{\"model\":\"\xff\",\"one\":%d,\"extra\":{\"two\":\"%0*d\",\"three\":[]}}\n",
               i, 1000 + i, i);
  for (int n = 1; rc == UV_ENOMEM && n < 200; n++) {
    struct buf body = {0};
    struct batch *b = batch_new(schema);
    buf_append(&body, text.data, text.len);
    next_fails = n;
    rc = batch_scan(b, &body, FORMAT_NDJSON, &usual, now);
    CHECK(rc == 0 ? next_fails > 0 && b->count == 40 : rc == UV_ENOMEM && next_fails == 0);
    CHECK(n > 4 || rc == UV_ENOMEM);
    next_fails = 0;
    buf_clear(&body);
    batch_free(b);
  }
  CHECK(rc == 0);
  buf_clear(&text);
}

int main(void) {
  schema = load_schema();
  lines();
  values();
  misfits();
  bodies();
  long_ones();
  many_errors();
  very_many();
  zero_bytes();
  ids();
  refused_memory();
  schema_free(schema);
  return TEST_END;
}
