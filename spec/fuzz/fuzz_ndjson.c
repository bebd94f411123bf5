#include "../c/schema_fixture.h"
#include "fuzz.h"
#include "record/ndjson.h"

const char *const fuzz_seeds[] = {
    "{\"request_id\":\"a\",\"timestamp\":1750000000.5,\"status_code\":200,\"streaming\":true,\"extra\":{\"k\":[1,null]}}\n",
    "[{\"model\":\"\\u00e9\\ud83d\\ude00\",\"duration_ms\":\"12.5\"},{\"type\":\"request_error\",\"error_type\":\"x\"}]",
    "{\"records\":[{\"timestamp\":\"2025-06-15T15:08:40.123456Z\",\"cost_usd\":0.1}]}",
    "\xef\xbb\xbf{\"type\":\"request_start\",\"request_id\":null}\r\n\r\n{\"tokens_input\":1e3,\"input_tokens\":-5}",
    NULL,
};

/* Every record is either taken or rejected, and what was taken can be written. */
static void fuzz_one(const char *data, size_t len) {
  static const struct record_limits limits = {.record_bytes = 1024, .depth = 16};
  static struct schema *schema;
  if (schema == NULL)
    schema = load_schema();
  for (enum record_format format = FORMAT_JSON; format <= FORMAT_NDJSON; format++) {
    struct buf body = {0}, out = {0};
    buf_append(&body, data, len);
    struct batch *b = batch_new(schema);
    if (batch_scan(b, &body, format, &limits, 1750000000000000) == 0)
      FUZZ_CHECK(b->count + b->rejected == b->sent);
    for (size_t i = 0; i < b->count; i++) {
      record_write_json(&out, schema, batch_record(b, i), &b->text, true);
      record_write_event(&out, schema, batch_record(b, i), &b->text, 1);
    }
    batch_free(b);
    buf_clear(&body);
    buf_clear(&out);
  }
}
