#include "base/protobuf.h"
#include "fuzz.h"

static struct protobuf_schema schema;

static const struct protobuf_message *tree(void) {
  if (schema.nmessages == 0) {
    protobuf_add_message(&schema, "Tree");
    protobuf_add_field(&schema, "child", 1, PROTOBUF_MESSAGE, true, "Tree");
    protobuf_add_field(&schema, "numbers", 3, PROTOBUF_INT, true, NULL);
    protobuf_resolve(&schema);
  }
  return protobuf_find(&schema, "Tree");
}

static void packed(const struct protobuf_value *v) {
  uint64_t number;
  for (const char *p = v->data, *end = p + v->len; p < end;)
    if (!protobuf_read_packed(&p, end, PROTOBUF_VARINT, &number))
      return;
}

/* Every piece stays inside of the bytes that it is a piece of. */
static void walk(const struct protobuf_message *m, const char *data, size_t len, unsigned depth) {
  const char *end = data + len;
  struct protobuf_value v;
  for (const char *p = data; p < end && depth < 64;) {
    if (!protobuf_read(&p, end, &v))
      return;
    FUZZ_CHECK(p > data && p <= end);
    const struct protobuf_field *f = protobuf_match(m, &v);
    if (v.wire != PROTOBUF_BYTES)
      continue;
    FUZZ_CHECK(v.data >= data && v.len <= (size_t) (end - v.data));
    if (f != NULL && f->message != NULL)
      walk(f->message, v.data, v.len, depth + 1);
    else if (f != NULL)
      packed(&v);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  const char *data = (const char *) bytes;
  walk(tree(), data, len, 0);
  return 0;
}
