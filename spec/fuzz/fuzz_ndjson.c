#include "fuzz.h"
#include "record/content.h"
#include "record/ndjson.h"
#include "schema_fixture.h"

static const struct record_limits limits = {.record_bytes = 1024, .depth = 16};
static const struct record_limits wide = {.record_bytes = 1 << 20, .depth = 18};
static struct schema *schema;
static struct content *content;

/* No member of that name, at any depth. */
static bool says_content(const struct buf *json) {
  static const char name[] = "\"prompt\":";
  return json->len > 0 && memmem(json->data, json->len, name, sizeof name - 1) != NULL;
}

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
  FUZZ_CHECK(b->content == NULL || !says_content(&lines));
  struct batch *again = batch_new(schema);
  FUZZ_CHECK(batch_scan(again, &lines, FORMAT_NDJSON, &wide, 1) == 0);
  FUZZ_CHECK(again->count == 2 * b->count && again->rejected == 0);
  batch_free(again);
}

static void prepare(void) {
  schema = load_schema();
  content = content_new(64);
  content_add_name(content, "prompt", 6);
  content_add_prefix(content, "messages", 8);
}

/* Every record is either taken or rejected; a body that is refused as a whole leaves none. */
static void scan(const char *data, size_t len, enum record_format format,
                 const struct content *left_out) {
  struct buf body = {0};
  buf_append(&body, data, len);
  struct batch *b = batch_new(schema);
  batch_leave_out(b, left_out);
  int rc = batch_scan(b, &body, format, &limits, 1750000000000000);
  FUZZ_CHECK(b->count + b->rejected == b->sent);
  FUZZ_CHECK(rc == 0 || (b->count == 0 && b->nerrors == 1));
  scan_again(b);
  batch_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  const char *data = (const char *) bytes;
  if (schema == NULL)
    prepare();
  for (enum record_format format = FORMAT_JSON; format <= FORMAT_NDJSON; format++) {
    scan(data, len, format, NULL);
    scan(data, len, format, content);
  }
  return 0;
}
