#include "base/utf8.h"

#include <string.h>

static int is_tail(unsigned char c) {
  return (c & 0xC0) == 0x80;
}

size_t utf8_sequence(const char *s, size_t len) {
  const unsigned char *p = (const unsigned char *) s;
  if (len > 0 && p[0] < 0x80)
    return 1;
  if (len < 2 || p[0] < 0xC2 || p[0] > 0xF4 || !is_tail(p[1]))
    return 0;
  if (p[0] < 0xE0)
    return 2;
  if (len < 3 || !is_tail(p[2]))
    return 0;
  if (p[0] < 0xF0)
    return (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ? 0 : 3;
  if (len < 4 || !is_tail(p[3]))
    return 0;
  return (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F) ? 0 : 4;
}

size_t utf8_copy(char *out, size_t cap, const char *s, size_t len) {
  size_t n = 0;
  for (size_t i = 0; i < len;) {
    size_t sequence = s[i] == '\0' ? 0 : utf8_sequence(s + i, len - i);
    const char *from = sequence > 0 ? s + i : UTF8_REPLACEMENT;
    size_t size = sequence > 0 ? sequence : sizeof UTF8_REPLACEMENT - 1;
    if (n + size > cap)
      break;
    memcpy(out + n, from, size);
    n += size;
    i += sequence > 0 ? sequence : 1;
  }
  return n;
}
