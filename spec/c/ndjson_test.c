#include "record/ndjson.h"

#include "schema_fixture.h"
#include "test.h"

static const struct record_limits limits = {.record_bytes = 1 << 20, .depth = 32};
static struct schema *schema;

static struct batch *scan(const char *text, size_t len, enum record_format format, int expected) {
  struct buf body = {0};
  struct batch *b = batch_new(schema);
  buf_append(&body, text, len);
  int rc = batch_scan(b, &body, format, &limits, 1700000000000000);
  CHECK(rc == expected);
  return b;
}

static void rows_of(const struct batch *b, struct buf *out) {
  out->len = 0;
  for (size_t i = 0; i < b->count; i++) {
    record_write_json(out, schema, batch_record(b, i), &b->text, true);
    buf_putc(out, '\n');
  }
}

int main(void) {
  struct buf out = {0};
  schema = load_schema();
  const char *two = "{\"request_id\":\"a\",\"timestamp\":0}\n{\"x\"}\n";
  struct batch *b = scan(two, strlen(two), FORMAT_NDJSON, 0);
  CHECK(b->count == 1 && b->sent == 2 && b->rejected == 1);
  rows_of(b, &out);
  CHECK(out.len > 0);
  batch_free(b);
  buf_clear(&out);
  schema_free(schema);
  return TEST_END;
}
