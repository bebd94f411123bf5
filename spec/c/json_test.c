#include "record/json.h"

#include <math.h>

#include "base/utf8.h"
#include "test.h"

static void check_string(const char *s, size_t len, const char *expected) {
  struct buf out = {0};
  json_write_string(&out, s, len);
  CHECK_BYTES(out.data, out.len, expected);
  buf_clear(&out);
}

static void check_double(double n, const char *expected) {
  struct buf out = {0};
  json_write_double(&out, n);
  CHECK_BYTES(out.data, out.len, expected);
  buf_clear(&out);
}

int main(void) {
  check_string(NULL, 0, "\"\"");
  check_string("plain", 5, "\"plain\"");
  check_string("a\"b\\c/d", 7, "\"a\\\"b\\\\c/d\"");
  check_string("\b\f\n\r\t\x01\x1f\x7f", 8, "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
  check_string("a\0b", 3, "\"a\\u0000b\"");
  check_string("\xd0\xb0\xe2\x82\xac\xf0\x9f\x98\x80", 9,
               "\"\xd0\xb0\xe2\x82\xac\xf0\x9f\x98\x80\"");
  check_string("a\xff"
               "b",
               3,
               "\"a\xef\xbf\xbd"
               "b\"");
  check_string("0123456789abcdef\xed\xa0\x80", 19,
               "\"0123456789abcdef\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
  check_double(0.1, "0.1");
  check_double(2, "2.0");
  check_double(NAN, "null");
  check_double(-INFINITY, "null");

  static const char *const broken[] = {"\x80",
                                       "\xc0\x80",
                                       "\xc3",
                                       "\xe0\x80\x80",
                                       "\xed\xa0\x80",
                                       "\xf4\x90\x80\x80",
                                       "\xf8\x88\x80\x80",
                                       "\xe2\x82",
                                       "\xf0\x9f\x98"};
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
    char text[64] = "sixteen bytes of ASCII and more: ";
    size_t start = strlen(text);
    strcpy(text + start, broken[i]);
    CHECK(utf8_valid(text, strlen(text)) == start);
  }
  for (unsigned code = 1; code < 0x110000; code += code < 0x900 ? 1 : 97) {
    char out[4];
    if (code >= 0xd800 && code <= 0xdfff)
      continue;
    size_t len = utf8_encode(out, code);
    CHECK(utf8_valid(out, len) == len && utf8_sequence(out, len) == len);
  }
  return TEST_END;
}
