#include "base/utf8.h"
#include "fuzz_lua.h"
#include "record/json_repair.h"
#include "record/json_scan.h"

/* Input: a text that may be JSON. */

enum { DEPTH = 100 };

/* As the scanners want it; false when it is no UTF-8. */
static bool pad(struct buf *text, struct fuzz_input in) {
  buf_append(text, in.data, in.len);
  memset(buf_reserve(text, JSON_PADDING), 0, JSON_PADDING);
  return utf8_valid(in.data, in.len) == in.len && memchr(text->data, 0, in.len) == NULL;
}

/* What is skipped as valid is valid again without its white space, and as short. */
static bool scan(struct fuzz_input in) {
  struct json_error error;
  struct buf text = {0}, compact = {0}, again = {0};
  bool valid = pad(&text, in);
  char *start = valid ? json_skip_space(text.data) : NULL;
  char *end = valid ? json_skip_value(start, DEPTH, &error) : NULL;
  valid = end != NULL;
  if (valid) {
    FUZZ_CHECK(end <= text.data + text.len);
    json_append_compact(&compact, start, (size_t) (end - start));
    FUZZ_CHECK(compact.len <= (size_t) (end - start));
    json_append_compact(&again, compact.data, compact.len);
    FUZZ_CHECK(again.len == compact.len && memcmp(again.data, compact.data, again.len) == 0);
    valid = json_skip_space(end) == text.data + text.len;
  }
  buf_clear(&text);
  buf_clear(&compact);
  buf_clear(&again);
  return valid;
}

static void mend(struct fuzz_input in) {
  struct buf out = {0}, again = {0};
  if (json_repair(in.data, in.len, &out))
    FUZZ_CHECK(!json_repair(out.data, out.len, &again));
  buf_clear(&out);
  buf_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static lua_State *L;
  struct fuzz_input in = fuzz_input(bytes, size);
  if (L == NULL)
    L = fuzz_lua_open("spec/fuzz/json.lua");
  mend(in);
  bool valid = in.len > 0 && scan(in);
  fuzz_lua_call(L, in, 0);
  if (valid) /* one tolerance for every way in */
    FUZZ_CHECK(lua_toboolean(L, -1));
  if (in.len > 0 && memchr(in.data, 0, in.len) != NULL)
    FUZZ_CHECK(!lua_toboolean(L, -1));
  return 0;
}
