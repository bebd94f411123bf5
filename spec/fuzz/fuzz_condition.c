#include "fuzz.h"
#include "record/ndjson.h"
#include "schema_fixture.h"
#include "script/engine/condition_read.h"

/* Lists of conditions.  Input: for each condition a line "column op value value ..": words,
 * numbers, =x for x as text, ^x for a prefix, a:b for a range. */

static struct schema *schema;
static struct batch *records;
static lua_State *L;

static void open_all(void) {
  static const char lines[] =
      "{\"model\":\"claude-sonnet-4\",\"status_code\":200,\"duration_ms\":1500.5,"
      "\"timestamp\":1700000000,\"streaming\":true,\"path\":\"/v1/messages\"}\n"
      "{\"model\":\"gpt-5\",\"status_code\":429,\"type\":\"request_error\"}\n{}\n";
  static const struct record_limits limits = {1 << 20, 10};
  struct buf body = {0};
  schema = load_schema();
  records = batch_new(schema);
  buf_puts(&body, lines);
  FUZZ_CHECK(batch_scan(records, &body, FORMAT_NDJSON, &limits, 1700000000000000) == 0);
  L = luaL_newstate();
}

static void push_number(struct fuzz_input word) {
  char *text = fuzz_text(word);
  char *end;
  double n = strtod(text, &end);
  if (end == text || *end != '\0')
    lua_pushlstring(L, word.data, word.len);
  else if (lua_stringtonumber(L, text) == 0)
    lua_pushnumber(L, n);
  free(text);
}

static void push_range(struct fuzz_input word, const char *colon) {
  struct fuzz_input from = {word.data, (size_t) (colon - word.data)};
  struct fuzz_input to = {colon + 1, word.len - from.len - 1};
  lua_createtable(L, 2, 0);
  push_number(from);
  lua_rawseti(L, -2, 1);
  push_number(to);
  lua_rawseti(L, -2, 2);
}

static void push_value(struct fuzz_input word) {
  const char *colon = memchr(word.data, ':', word.len);
  if (word.len > 0 && word.data[0] == '=') {
    lua_pushlstring(L, word.data + 1, word.len - 1);
  } else if (word.len > 0 && word.data[0] == '^') {
    lua_createtable(L, 0, 1);
    lua_pushlstring(L, word.data + 1, word.len - 1);
    lua_setfield(L, -2, "prefix");
  } else if (word.len == 4 && memcmp(word.data, "true", 4) == 0) {
    lua_pushboolean(L, true);
  } else if (colon != NULL) {
    push_range(word, colon);
  } else {
    push_number(word);
  }
}

static struct fuzz_input next_word(struct fuzz_input *line) {
  const char *blank = memchr(line->data, ' ', line->len);
  size_t len = blank != NULL ? (size_t) (blank - line->data) : line->len;
  struct fuzz_input word = {line->data, len};
  size_t used = len + (blank != NULL);
  line->data += used;
  line->len -= used;
  return word;
}

static void push_condition(struct fuzz_input line) {
  lua_newtable(L);
  for (lua_Integer i = 1; line.len > 0 && i < 20; i++) {
    struct fuzz_input word = next_word(&line);
    if (i <= 2)
      lua_pushlstring(L, word.data, word.len);
    else
      push_value(word);
    lua_rawseti(L, -2, i);
  }
}

static void push_list(struct fuzz_input in) {
  lua_settop(L, 0);
  lua_newtable(L);
  for (lua_Integer i = 1; in.len > 0 && i < 20; i++) {
    push_condition(fuzz_line(&in));
    lua_rawseti(L, 1, i);
  }
}

static unsigned matches(const struct conditions *c) {
  unsigned bits = 0;
  for (size_t i = 0; i < records->count; i++) {
    const struct record *r = batch_record(records, i);
    bits = bits << 2 | (unsigned) conditions_match_row(c, schema, r, &records->text) << 1 |
           (unsigned) conditions_match_event(c, schema, r, &records->text);
  }
  return bits;
}

/* Alone, each is what all of them are together. */
static unsigned matches_each(const struct conditions *c) {
  unsigned bits = ~0u;
  for (size_t i = 0; i < c->count; i++) {
    struct conditions one = *c;
    one.items = &c->items[i];
    one.count = 1;
    bits &= matches(&one);
  }
  return c->count > 0 ? bits : matches(c);
}

/* Equal in meaning is equal. */
static void check_normal(struct conditions *a, struct conditions *b) {
  conditions_normalise(b, schema);
  FUZZ_CHECK(conditions_equal(a, b, schema));
  FUZZ_CHECK(conditions_hash(a, schema) == conditions_hash(b, schema));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  struct buf error = {0};
  if (L == NULL)
    open_all();
  push_list(fuzz_input(bytes, size));
  struct conditions *a = conditions_read(L, 1, schema, &error);
  FUZZ_CHECK(lua_gettop(L) == 1);
  FUZZ_CHECK((a == NULL) == (error.len > 0));
  buf_clear(&error);
  if (a == NULL)
    return 0;
  struct conditions *b = conditions_read(L, 1, schema, &error);
  unsigned before = matches(a);
  FUZZ_CHECK(before == matches_each(a));
  conditions_normalise(a, schema);
  FUZZ_CHECK(matches(a) == before);
  check_normal(a, b);
  conditions_unref(a);
  conditions_unref(b);
  return 0;
}
