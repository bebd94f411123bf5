#include "../c/schema_fixture.h"
#include "fuzz.h"
#include "record/ndjson.h"

const char *const fuzz_seeds[] = {
    "{\"request_id\":\"a\",\"timestamp\":1750000000.5,\"status_code\":200,\"streaming\":"
    "true,\"extra\":{\"k\":[1,null]}}\n",
    "[{\"model\":\"\\u00e9\\ud83d\\ude00\",\"duration_ms\":\"12.5\"},{\"type\":\"request_"
    "error\",\"error_type\":\"x\"}]",
    "{\"records\":[{\"timestamp\":\"2025-06-15T15:08:40.123456Z\",\"cost_usd\":0.1}]}",
    "\xef\xbb\xbf{\"type\":\"request_start\",\"request_id\":null}\r\n\r\n{\"tokens_"
    "input\":1e3,\"input_tokens\":-5}",
    NULL,
};

static const struct record_limits limits = {.record_bytes = 1024, .depth = 16};
static const struct record_limits wide = {.record_bytes = 1 << 20, .depth = 18};
static struct schema *schema;

/* What was taken can be written, and what was written is taken: a row and an event for
 * each record. */
static void scan_again(struct batch *b) {
  struct buf lines = {0};
  for (size_t i = 0; i < b->count; i++) {
    record_write_json(&lines, schema, batch_record(b, i), &b->text, true);
    buf_putc(&lines, '\n');
    record_write_event(&lines, schema, batch_record(b, i), &b->text, 1);
    buf_putc(&lines, '\n');
    record_read_extra(b, batch_record(b, i));
  }
  struct batch *again = batch_new(schema);
  FUZZ_CHECK(batch_scan(again, &lines, FORMAT_NDJSON, &wide, 1) == 0);
  FUZZ_CHECK(again->count == 2 * b->count && again->rejected == 0);
  batch_free(again);
}

/* Every record is either taken or rejected; a body that is refused as a whole leaves none. */
static void fuzz_one(const char *data, size_t len) {
  if (schema == NULL)
    schema = load_schema();
  for (enum record_format format = FORMAT_JSON; format <= FORMAT_NDJSON; format++) {
    struct buf body = {0};
    buf_append(&body, data, len);
    struct batch *b = batch_new(schema);
    int rc = batch_scan(b, &body, format, &limits, 1750000000000000);
    FUZZ_CHECK(b->count + b->rejected == b->sent);
    FUZZ_CHECK(rc == 0 || (b->count == 0 && b->nerrors == 1));
    scan_again(b);
    batch_free(b);
  }
}
