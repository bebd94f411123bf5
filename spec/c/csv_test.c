#include "record/csv.h"

#include "test.h"

static struct column columns[] = {
  {.name = "text", .name_len = 4, .type = COLUMN_STRING, .is_public = true},
  {.name = "count", .name_len = 5, .type = COLUMN_INTEGER, .is_public = true},
  {.name = "hidden", .name_len = 6, .type = COLUMN_INTEGER},
  {.name = "time", .name_len = 4, .type = COLUMN_TIME, .is_public = true},
};

static const struct schema schema = {.columns = columns, .ncolumns = 4, .nstored = 4};

static void check_text(const char *s, const char *expected) {
  struct buf out = {0};
  struct batch *b = batch_new(&schema);
  static union value defaults[4];
  struct schema with_defaults = schema;
  with_defaults.defaults = defaults;
  b->schema = &with_defaults;
  struct record *r = batch_add(b);
  r->v[0] = batch_put_text(b, s, strlen(s));
  r->v[1].i = -7;
  r->v[3].i = 1750000000000000;
  csv_write_row(&out, &with_defaults, r, &b->text, NULL, 0);
  CHECK_BYTES(out.data, out.len, expected);
  buf_clear(&out);
  batch_free(b);
}

int main(void) {
  check_text("plain", "plain,-7,2025-06-15T15:06:40Z\r\n");
  check_text("", ",-7,2025-06-15T15:06:40Z\r\n");
  check_text("a,b", "\"a,b\",-7,2025-06-15T15:06:40Z\r\n");
  check_text("say \"x\"", "\"say \"\"x\"\"\",-7,2025-06-15T15:06:40Z\r\n");
  check_text("two\nlines", "\"two\nlines\",-7,2025-06-15T15:06:40Z\r\n");
  check_text("=1+1", "'=1+1,-7,2025-06-15T15:06:40Z\r\n");
  check_text("  =1+1", "\"'  =1+1\",-7,2025-06-15T15:06:40Z\r\n");
  check_text("@SUM(A1)", "'@SUM(A1),-7,2025-06-15T15:06:40Z\r\n");
  check_text("-1", "'-1,-7,2025-06-15T15:06:40Z\r\n");
  check_text("\t=1", "'\t=1,-7,2025-06-15T15:06:40Z\r\n");
  check_text("\r=1", "\"'\r=1\",-7,2025-06-15T15:06:40Z\r\n");
  check_text("\uff1d1", "'\uff1d1,-7,2025-06-15T15:06:40Z\r\n");
  check_text("\uff0b1", "'\uff0b1,-7,2025-06-15T15:06:40Z\r\n");
  check_text("\uff0d1", "'\uff0d1,-7,2025-06-15T15:06:40Z\r\n");
  check_text("\uff20A", "'\uff20A,-7,2025-06-15T15:06:40Z\r\n");
  check_text("\u3000=1", "'\u3000=1,-7,2025-06-15T15:06:40Z\r\n");
  check_text("\uff0c=1", "\uff0c=1,-7,2025-06-15T15:06:40Z\r\n");
  check_text("a=b", "a=b,-7,2025-06-15T15:06:40Z\r\n");
  return TEST_END;
}
