#include "record/content.h"

#include "test.h"

enum { LONGEST = 8 };

static struct content *content;

static void check_rest(const char *json, const char *expected) {
  struct buf out = {0};
  content_append_rest(content, &out, json, strlen(json));
  CHECK_BYTES(out.data, out.len, expected);
  buf_clear(&out);
}

static bool is_member(const char *name, const char *json) {
  return content_is_member(content, name, strlen(name), json, strlen(json));
}

static void check_depth(void) {
  enum { DEPTH = 1000 };
  char json[2 * DEPTH + 20] = "";
  memset(json, '[', DEPTH);
  strcpy(json + DEPTH, "{\"prompt\":1}");
  memset(json + strlen(json), ']', DEPTH);
  struct buf out = {0};
  content_append_rest(content, &out, json, strlen(json));
  CHECK(out.len == 2 * DEPTH + 2);
  buf_clear(&out);
}

int main(void) {
  content = content_new(LONGEST);
  content_add_name(content, "prompt", 6);
  static const char *const prefixes[] = {"llm.input.x", "b", "z", "llm.input.a", "llm.in", "a",
                                         "llm.in.y"};
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
    content_add_prefix(content, prefixes[i], strlen(prefixes[i]));
  CHECK(content->nprefixes == 4);

  check_rest("12", "12");
  check_rest(" { \"k\" : [ 1 , \"x y\" , { } ] } " + 1, "{\"k\":[1,\"x y\",{}]}");
  check_rest("{\"prompt\":\"p\"}", "{}");
  check_rest("{\"prompt\" : {\"k\":[\"]\\\"}\"]} , \"m\":-1e3}", "{\"m\":-1e3}");
  check_rest("{\"k\":true,\"llm.input.0\":[[]],\"m\":null}", "{\"k\":true,\"m\":null}");
  check_rest("{\"pr\\u006fmpt\":1,\"prompts\":2}", "{\"prompts\":2}");
  check_rest("[\"12345678\",\"123456789\",{\"k\":\"123456789\"}]", "[\"12345678\",{}]");
  check_depth();

  CHECK(is_member("prompt", "1"));
  CHECK(!is_member("prompter", "\"12345678\""));
  CHECK(is_member("other", "\"123456789\""));
  /* counted as what the escapes stand for: 8 and 9 bytes */
  CHECK(!is_member("other", "\"\\n\\u0041\\u00e9\\ud83d\\ude00\""));
  CHECK(is_member("other", "\"\\n\\u0041\\u20ac\\ud83d\\ude00\""));
  CHECK(!content_is_member(NULL, "prompt", 6, "1", 1));

  content_release(content);
  return TEST_END;
}
