#ifndef MOONLEDGER_RECORD_JSON_SCAN_H
#define MOONLEDGER_RECORD_JSON_SCAN_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"

/* Reading JSON (RFC 8259) in memory, for the scanner and for extra.  The text is
 * valid UTF-8, ends with a NUL, and JSON_PADDING more bytes can be read behind it.
 * A NUL is valid nowhere in JSON, so nothing here looks at a length. */
enum { JSON_PADDING = 64, JSON_WHY = 128 };

struct json_error {
  const char *at;   /* where the text stopped to make sense */
  const char *what; /* was expected */
};

static inline char *json_fail(struct json_error *error, const char *at, const char *what) {
  *error = (struct json_error){at, what};
  return NULL;
}

/* The error as senders read it: "expected a colon at byte 10, got ..".  Bytes are counted
 * from start, where the text or its line begins; end is where the text ends. */
void json_describe(const struct json_error *error, const char *start, const char *end,
                   char why[JSON_WHY]);

static inline bool json_is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline char *json_skip_space(char *p) {
  while (json_is_space(*p))
    p++;
  return p;
}

/* The first quote, backslash or control character from p on. */
static inline char *json_string_stop(char *p) {
  typedef uint8_t bytes __attribute__((vector_size(16)));
  typedef uint64_t words __attribute__((vector_size(16)));
  for (;; p += 16) {
    bytes b;
    memcpy(&b, p, sizeof b);
    words marks = (words) ((b == '"') | (b == '\\') | (b < 0x20));
    if (marks[0] != 0)
      return p + (__builtin_ctzll(le64toh(marks[0])) >> 3);
    if (marks[1] != 0)
      return p + 8 + (__builtin_ctzll(le64toh(marks[1])) >> 3);
  }
}

/* The four hexadecimal digits at p, or -1. */
int32_t json_hex4(const char *p);

/* Decodes the string whose opening quote is at p in place; its bytes are at p + 1, *len long.  Lone
 * surrogates become U+FFFD.  Returns the byte after the closing quote, or NULL. */
char *json_read_string(char *p, size_t *len, struct json_error *error);

/* Past a string, a value of any kind nested at most depth deep, or a member with
 * such a value: checked and left as it is. NULL when it is not one. */
char *json_skip_string(char *p, struct json_error *error);
char *json_skip_member(char *p, unsigned depth, struct json_error *error);
char *json_skip_value(char *p, unsigned depth, struct json_error *error);

/* Whether the key, without its quotes, is the name, or the name in snake_case
 * ("resource_logs"). */
bool json_is_named(const char *key, size_t len, const char *name);

/* Appends a valid value without the white space between its tokens, so that it
 * stands on one line. */
void json_append_compact(struct buf *out, const char *json, size_t len);

/* Past the characters of a number, not checked. */
static inline char *json_number_end(char *p) {
  while ((*p >= '0' && *p <= '9') || *p == '-' || *p == '+' || *p == '.' || *p == 'e' || *p == 'E')
    p++;
  return p;
}

#endif
