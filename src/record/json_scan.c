#include "record/json_scan.h"

#include <stdio.h>

#include "base/number.h"
#include "base/utf8.h"

void json_describe(const struct json_error *error, const char *start, const char *end,
                   char why[JSON_WHY]) {
  const char *at = error->at;
  if (at >= end) {
    snprintf(why, JSON_WHY, "expected %s, got the end after %zu bytes", error->what,
             (size_t) (end - start));
    return;
  }
  size_t left = (size_t) (end - at), shown = left < 20 ? left : utf8_valid(at, 20);
  bool is_shown = *at != '\0';
  snprintf(why, JSON_WHY, "expected %s at byte %zu, got %.*s", error->what,
           (size_t) (at - start) + 1, is_shown ? (int) shown : 3, is_shown ? at : "NUL");
}

int32_t json_hex4(const char *p) {
  int32_t n = 0;
  for (int i = 0; i < 4; i++) {
    int digit = hex_digit(p[i]);
    if (digit < 0)
      return -1;
    n = n << 4 | digit;
  }
  return n;
}

/* The code point of the escape whose backslash is at p, which is of the form
 * \uXXXX; with a second one when both are a surrogate pair.  NULL when the digits
 * are none. */
static char *read_unicode(char *p, unsigned *code) {
  int32_t unit = json_hex4(p + 2), low;
  if (unit < 0)
    return NULL;
  *code = (unsigned) unit;
  if (unit < 0xd800 || unit > 0xdfff)
    return p + 6;
  if (unit < 0xdc00 && p[6] == '\\' && p[7] == 'u' &&
      (low = json_hex4(p + 8)) >= 0xdc00 && low <= 0xdfff) {
    *code = 0x10000 + ((unsigned) (unit - 0xd800) << 10) + (unsigned) (low - 0xdc00);
    return p + 12;
  }
  *code = 0xfffd;
  return p + 6;
}

/* Reads the escape at *p and returns the byte it stands for, or -1 for \u, or -2. */
static int simple_escape(char c) {
  switch (c) {
  case '"':
  case '\\':
  case '/':
    return c;
  case 'b':
    return '\b';
  case 'f':
    return '\f';
  case 'n':
    return '\n';
  case 'r':
    return '\r';
  case 't':
    return '\t';
  default:
    return c == 'u' ? -1 : -2;
  }
}

/* Writes what the escape at p stands for at *out, which never overtakes p. */
static char *decode_escape(char *p, char **out) {
  int c = simple_escape(p[1]);
  if (c >= 0) {
    *(*out)++ = (char) c;
    return p + 2;
  }
  unsigned code;
  char *after = c == -1 ? read_unicode(p, &code) : NULL;
  if (after != NULL)
    *out += utf8_encode(*out, code);
  return after;
}

char *json_read_string(char *p, size_t *len, struct json_error *error) {
  char *start = p + 1, *stop = json_string_stop(start), *out = stop;
  while (*stop != '"') {
    char *run = *stop == '\\' ? decode_escape(stop, &out) : NULL;
    if (run == NULL)
      return json_fail(error, stop, *stop == '\\' ? "a valid escape" : "the end of a string");
    stop = json_string_stop(run);
    memmove(out, run, (size_t) (stop - run));
    out += stop - run;
  }
  *len = (size_t) (out - start);
  return stop + 1;
}

char *json_skip_string(char *p, struct json_error *error) {
  for (p++;; p++) {
    p = json_string_stop(p);
    if (*p == '"')
      return p + 1;
    if (*p != '\\')
      return json_fail(error, p, "the end of a string");
    if (simple_escape(p[1]) == -2 || (p[1] == 'u' && json_hex4(p + 2) < 0))
      return json_fail(error, p, "a valid escape");
    p++;
  }
}

static char *skip_number(char *p, struct json_error *error) {
  bool is_integer;
  int64_t integer;
  double real;
  char *end = json_number_end(p);
  if (parse_number(p, (size_t) (end - p), &is_integer, &integer, &real))
    return end;
  return json_fail(error, p, "a value");
}

char *json_skip_member(char *p, unsigned depth, struct json_error *error) {
  if (*p != '"')
    return json_fail(error, p, "a member's name");
  if ((p = json_skip_string(p, error)) == NULL)
    return NULL;
  p = json_skip_space(p);
  if (*p != ':')
    return json_fail(error, p, "a colon");
  return json_skip_value(json_skip_space(p + 1), depth, error);
}

static char *skip_members(char *p, unsigned depth, struct json_error *error) {
  p = json_skip_space(p + 1);
  if (*p == '}')
    return p + 1;
  for (;;) {
    if ((p = json_skip_member(p, depth, error)) == NULL)
      return NULL;
    p = json_skip_space(p);
    if (*p == '}')
      return p + 1;
    if (*p != ',')
      return json_fail(error, p, "a comma or }");
    p = json_skip_space(p + 1);
  }
}

static char *skip_items(char *p, unsigned depth, struct json_error *error) {
  p = json_skip_space(p + 1);
  if (*p == ']')
    return p + 1;
  for (;;) {
    if ((p = json_skip_value(p, depth, error)) == NULL)
      return NULL;
    p = json_skip_space(p);
    if (*p == ']')
      return p + 1;
    if (*p != ',')
      return json_fail(error, p, "a comma or ]");
    p = json_skip_space(p + 1);
  }
}

static inline char *skip_word(char *p, const char *word, size_t len, struct json_error *error) {
  return memcmp(p, word, len) == 0 ? p + len : json_fail(error, p, "a value");
}

char *json_skip_value(char *p, unsigned depth, struct json_error *error) {
  switch (*p) {
  case '"':
    return json_skip_string(p, error);
  case '{':
  case '[':
    if (depth == 0)
      return json_fail(error, p, "less nesting");
    return *p == '{' ? skip_members(p, depth - 1, error) : skip_items(p, depth - 1, error);
  case 't':
    return skip_word(p, "true", 4, error);
  case 'f':
    return skip_word(p, "false", 5, error);
  case 'n':
    return skip_word(p, "null", 4, error);
  default:
    return skip_number(p, error);
  }
}

bool json_is_named(const char *key, size_t len, const char *name) {
  for (const char *end = key + len; key < end; key++, name++) {
    bool up = *key == '_' && key + 1 < end && key[1] >= 'a' && key[1] <= 'z';
    char c = up ? (char) (*++key - 'a' + 'A') : *key;
    if (c != *name)
      return false;
  }
  return *name == '\0';
}

void json_append_compact(struct buf *out, const char *json, size_t len) {
  char *start = buf_reserve(out, len), *to = start;
  bool quoted = false;
  for (const char *p = json, *end = json + len; p < end; p++) {
    if (!quoted && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
      continue;
    if (*p == '"')
      quoted = !quoted;
    *to++ = *p;
    if (*p == '\\')
      *to++ = *++p;
  }
  out->len += (size_t) (to - start);
}
