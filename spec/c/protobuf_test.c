#include "base/protobuf.h"

#include "base/hash.h"
#include "test.h"

static bool read_all(const char *data, size_t len, struct protobuf_value *last) {
  const char *p = data, *end = data + len;
  while (p < end)
    if (!protobuf_read(&p, end, last))
      return false;
  return true;
}

static void test_reads_every_wire_format(void) {
  struct protobuf_value v;
  CHECK(read_all("\x08\x96\x01", 3, &v) && v.field == 1 && v.wire == PROTOBUF_VARINT &&
        v.number == 150);
  CHECK(read_all("\x11\1\2\3\4\5\6\7\x80", 9, &v) && v.field == 2 &&
        v.number == 0x8007060504030201);
  CHECK(read_all("\x1a\x03"
                 "abc",
                 5, &v) &&
        v.field == 3 && v.len == 3 && memcmp(v.data, "abc", 3) == 0);
  CHECK(read_all("\x25\1\2\3\x80", 5, &v) && v.field == 4 && v.number == 0x80030201);
  CHECK(read_all("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, &v) && v.number == UINT64_MAX);
  CHECK(read_all("\xf8\xff\xff\xff\x0f\x01", 6, &v) && v.field == 536870911);
  CHECK(read_all("\x1a\x00", 2, &v) && v.len == 0);
}

static void test_refuses_what_is_none(void) {
  static const struct {
    const char *bytes;
    size_t len;
  } cases[] = {
      {"\x08", 1},                                              /* no value */
      {"\x08\x80", 2},                                          /* varint cut off */
      {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12}, /* eleven bytes */
      {"\x11\1\2\3\4\5\6\7", 8},                                /* fixed64 cut off */
      {"\x25\1\2\3", 4},                                        /* fixed32 cut off */
      {"\x1a\x04"
       "abc",
       5},                                                  /* longer than what follows */
      {"\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11}, /* a length of 2^64 - 1 */
      {"\x00\x01", 2},                                      /* field 0 */
      {"\x0b\x0c", 2},                                      /* a group */
      {"\x0f\x01", 2},                                      /* wire format 7 */
  };
  struct protobuf_value v;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    CHECK(!read_all(cases[i].bytes, cases[i].len, &v));
}

static void test_finds_fields_of_a_description(void) {
  struct protobuf_schema schema = {0};
  protobuf_add_message(&schema, "Tree");
  protobuf_add_field(&schema, "values", 7, PROTOBUF_INT, true, NULL);
  protobuf_add_field(&schema, "child", 2, PROTOBUF_MESSAGE, false, "Tree");
  CHECK(protobuf_resolve(&schema) == NULL);
  const struct protobuf_message *tree = protobuf_find(&schema, "Tree");
  CHECK(tree && protobuf_find(&schema, "Bush") == NULL);

  const struct protobuf_field *child =
      protobuf_match(tree, &(struct protobuf_value){2, PROTOBUF_BYTES, 0, NULL, 0});
  CHECK(child && child->message == tree);
  CHECK(protobuf_match(tree, &(struct protobuf_value){2, PROTOBUF_VARINT, 0, NULL, 0}) == NULL);
  CHECK(protobuf_match(tree, &(struct protobuf_value){3, PROTOBUF_BYTES, 0, NULL, 0}) == NULL);
  CHECK(protobuf_match(tree, &(struct protobuf_value){7, PROTOBUF_BYTES, 0, NULL, 0}) != NULL);
  protobuf_clear(&schema);

  protobuf_add_message(&schema, "Tree");
  protobuf_add_field(&schema, "child", 2, PROTOBUF_MESSAGE, false, "Bush");
  CHECK(strcmp(protobuf_resolve(&schema), "Bush") == 0);
  protobuf_clear(&schema);
}

/* Random bytes end, and every piece stays inside them: the sanitizers watch. */
static void test_survives_noise(void) {
  char noise[64];
  struct protobuf_value v;
  for (int i = 0; i < 20000; i++) {
    random_bytes(noise, sizeof noise);
    const char *p = noise, *end = noise + sizeof noise;
    while (p < end && protobuf_read(&p, end, &v)) {
      if (v.wire == PROTOBUF_BYTES && (v.data < noise || v.data + v.len > end))
        CHECK(!"a piece outside of the bytes");
    }
    CHECK(p <= end);
  }
}

int main(void) {
  test_reads_every_wire_format();
  test_refuses_what_is_none();
  test_finds_fields_of_a_description();
  test_survives_noise();
  return TEST_END;
}
