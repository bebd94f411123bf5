#include "record/json_repair.h"

#include "test.h"

/* expected NULL: there is nothing to repair. */
static void check_bytes(const char *text, size_t len, const char *expected) {
  struct buf out = {0};
  bool repaired = json_repair(text, len, &out);
  CHECK(repaired == (expected != NULL));
  if (expected != NULL)
    CHECK_BYTES(out.data, out.len, expected);
  else
    CHECK(out.len == 0);
  buf_clear(&out);
}

static void check(const char *text, const char *expected) {
  check_bytes(text, strlen(text), expected);
}

int main(void) {
  check("", NULL);
  check("{\"a\":[1,-2.5e3,\"b\\n\\\"\\\\\"]}", NULL);
  check("[\"\\ud83d\\ude00\"]", NULL);

  check("[\"a \\ud83d\"]", "[\"a \\ufffd\"]");
  check("[\"\\uDE00 b\"]", "[\"\\ufffd b\"]");
  check("[\"\\ud83d\\ud83d\\ude00\"]", "[\"\\ufffd\\ud83d\\ude00\"]");
  check("[\"\\ud83dx\\ud83d\\n\"]", "[\"\\ufffdx\\ufffd\\n\"]");
  check("[\"\\\\ud83d\"]", NULL); /* a backslash and text */

  check("[\"a\xff\"]", "[\"a\xEF\xBF\xBD\"]");
  check("[\"\xff\\ud83d\"]", "[\"\xEF\xBF\xBD\\ufffd\"]");

  check("{\"a\\u0000b\" : \"c\\u0000d\"}", "{\"a\\ufffdb\" : \"c\\u0000d\"}");

  check("[999999999999999,-999999999999999]", NULL);
  check("[9007199254740993]", "[\"9007199254740993\"]");
  check("{\"a\":-9223372036854775808,\"b\":1}", "{\"a\":\"-9223372036854775808\",\"b\":1}");
  check("[1234567890123456.5,1234567890123456e2,0.1234567890123456789]", NULL);
  check("[1e308,-1e999,1e-999]", "[1e308,\"-1e999\",1e-999]");
  check("[\"9007199254740993\"]", NULL);
  check("9007199254740993", "\"9007199254740993\"");

  /* cut anywhere, it stays what it is or less */
  check("[\"\\ud83d", "[\"\\ufffd");
  check("[\"\\ud8", NULL);
  check("[\"\\", NULL);
  check("[\"", NULL);
  check("-", "?");
  check("[2.E3239,01,1e,+1,1.5]", "[?,?,?,+1,1.5]");
  check_bytes("[1]\0[2]", 7, NULL);
  return TEST_END;
}
