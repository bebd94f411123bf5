#include <math.h>

#include "base/number.h"
#include "base/utf8.h"
#include "fuzz.h"
#include "record/sketch.h"
#include "record/timestamp.h"

static void number(const char *data, size_t len) {
  bool is_integer, again;
  int64_t integer, i;
  double real, r;
  char text[NUMBER_MAX];
  if (!parse_number(data, len, &is_integer, &integer, &real) || (!is_integer && !isfinite(real)))
    return;
  size_t n = is_integer ? format_int(text, integer) : format_double(text, real);
  FUZZ_CHECK(parse_number(text, n, &again, &i, &r));
  FUZZ_CHECK(is_integer ? again && i == integer : (again ? (double) i : r) == real);
}

static void timestamp(const char *data, size_t len) {
  int64_t us, again;
  if (!timestamp_parse(data, len, &us))
    return;
  struct buf text = {0};
  timestamp_write(&text, us);
  FUZZ_CHECK(timestamp_parse(text.data, text.len, &again) && again == us);
  buf_clear(&text);
}

static void text(const char *data, size_t len) {
  struct buf out = {0};
  utf8_append(&out, data, len);
  FUZZ_CHECK(utf8_valid(out.data, out.len) == out.len);
  buf_clear(&out);
}

static void packed_sketch(const char *data, size_t len) {
  struct sketch s = {0}, again = {0};
  struct buf packed = {0};
  if (sketch_merge_packed(&s, data, len, 1)) {
    sketch_pack(&s, &packed);
    FUZZ_CHECK(sketch_merge_packed(&again, packed.data, packed.len, 1));
    FUZZ_CHECK(sketch_total(&again) == sketch_total(&s));
    sketch_quantile(&s, 0.99);
  }
  buf_clear(&packed);
  sketch_clear(&s);
  sketch_clear(&again);
}

/* What was read is written so that it reads back equal. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  const char *data = (const char *) bytes;
  number(data, len);
  timestamp(data, len);
  text(data, len);
  packed_sketch(data, len);
  return 0;
}
