#include "record/json.h"

#include <math.h>
#include <stdbool.h>

#include "base/utf8.h"

static const char hex[] = "0123456789abcdef";

/* What stands after the backslash for a byte that needs one; u: the long form; 0:
 * none is needed. */
static char escape_of(unsigned char c) {
  static const char control[32] = "uuuuuuuubtnufruuuuuuuuuuuuuuuuuu";
  return c < 0x20 ? control[c] : c == '"' || c == '\\' ? (char) c : 0;
}

static void put_escape(struct buf *out, unsigned char c, char kind) {
  char text[] = {'\\', kind, '0', '0', hex[c >> 4], hex[c & 15]};
  buf_append(out, text, kind == 'u' ? 6 : 2);
}

static void write_valid(struct buf *out, const char *s, size_t len) {
  const char *run = s, *end = s + len;
  buf_reserve(out, len + 2);
  buf_putc(out, '"');
  for (const char *p = s; p < end; p++) {
    char kind = escape_of((unsigned char) *p);
    if (kind == 0)
      continue;
    buf_append(out, run, (size_t) (p - run));
    put_escape(out, (unsigned char) *p, kind);
    run = p + 1;
  }
  buf_append(out, run, (size_t) (end - run));
  buf_putc(out, '"');
}

/* Printable ASCII that needs no escape: most strings are nothing else. */
static bool is_plain(const char *s, size_t len) {
  for (size_t i = 0; i < len; i++)
    if ((unsigned char) s[i] - 0x20u >= 0x60 || s[i] == '"' || s[i] == '\\')
      return false;
  return true;
}

static void write_plain(struct buf *out, const char *s, size_t len) {
  char *p = buf_reserve(out, len + 2);
  p[0] = '"';
  if (len > 0)
    memcpy(p + 1, s, len);
  p[len + 1] = '"';
  out->len += len + 2;
}

void json_write_string(struct buf *out, const char *s, size_t len) {
  if (is_plain(s, len)) {
    write_plain(out, s, len);
  } else if (utf8_valid(s, len) == len) {
    write_valid(out, s, len);
  } else {
    struct buf fixed = {0};
    utf8_append(&fixed, s, len);
    write_valid(out, fixed.data, fixed.len);
    buf_clear(&fixed);
  }
}

void json_write_double(struct buf *out, double n) {
  if (isfinite(n))
    buf_put_double(out, n);
  else
    buf_literal(out, "null");
}
