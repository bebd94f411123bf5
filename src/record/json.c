#include "record/json.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

static const char hex[] = "0123456789abcdef";

/* What stands after the backslash for a byte that needs one; u: the long form; 0: none is
 * needed. */
static const char escapes[256] = {
    [0 ... 7] = 'u', ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n',        [0x0b] = 'u',
    ['\f'] = 'f',   ['\r'] = 'r', ['"'] = '"',  [0x0e ... 0x1f] = 'u', ['\\'] = '\\',
};

static char *put_escape(char *to, unsigned char c, char kind) {
  char text[] = {'\\', kind, '0', '0', hex[c >> 4], hex[c & 15]};
  size_t len = kind == 'u' ? 6 : 2;
  memcpy(to, text, sizeof text);
  return to + len;
}

/* A piece of a text, for which there is room if all of it needs the long form. */
static char *put_piece(char *to, const char *s, const char *end) {
  for (; s < end; s++) {
    char kind = escapes[(unsigned char) *s];
    if (kind == 0)
      *to++ = *s;
    else
      to = put_escape(to, (unsigned char) *s, kind);
  }
  return to;
}

static void write_valid(struct buf *out, const char *s, size_t len) {
  enum { PIECE = 1024 };
  const char *end = s + len;
  buf_putc(out, '"');
  while (s < end) {
    const char *stop = end - s > PIECE ? s + PIECE : end;
    char *to = buf_reserve(out, 6 * (size_t) (stop - s));
    out->len += (size_t) (put_piece(to, s, stop) - to);
    s = stop;
  }
  buf_putc(out, '"');
}

/* Printable ASCII that needs no escape: most strings are nothing else. */
static bool is_plain(const char *s, size_t len) {
  typedef uint8_t bytes __attribute__((vector_size(16)));
  typedef uint64_t words __attribute__((vector_size(16)));
  bytes b;
  for (; len >= sizeof b; s += sizeof b, len -= sizeof b) {
    memcpy(&b, s, sizeof b);
    words marks = (words) ((b - 0x20 >= 0x60) | (b == '"') | (b == '\\'));
    if ((marks[0] | marks[1]) != 0)
      return false;
  }
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
