#include "base/utf8.h"

#include <stdint.h>
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

/* Length of the leading run of 8-byte words that are plain ASCII without NUL. */
static size_t plain_words(const char *s, size_t len) {
  size_t i = 0;
  for (; i + 8 <= len; i += 8) {
    uint64_t word;
    memcpy(&word, s + i, 8);
    if (((word | (word - 0x0101010101010101)) & 0x8080808080808080) != 0)
      break;
  }
  return i;
}

size_t utf8_copy(char *out, size_t cap, const char *s, size_t len) {
  size_t n = plain_words(s, len < cap ? len : cap);
  memcpy(out, s, n);
  for (size_t i = n; i < len;) {
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

static size_t ascii_words(const char *s, size_t len) {
  size_t i = 0;
  for (; i + 16 <= len; i += 16) {
    uint64_t words[2];
    memcpy(words, s + i, 16);
    if (((words[0] | words[1]) & 0x8080808080808080) != 0)
      break;
  }
  return i;
}

size_t utf8_valid(const char *s, size_t len) {
  if (len == 0) /* s may be NULL */
    return 0;
  for (size_t i = 0;;) {
    i += ascii_words(s + i, len - i);
    for (size_t word = i + 16; i < word;) {
      size_t sequence = utf8_sequence(s + i, len - i);
      if (sequence == 0)
        return i;
      i += sequence;
    }
  }
}

void utf8_append(struct buf *out, const char *s, size_t len) {
  for (size_t i = 0;; i++) {
    size_t valid = utf8_valid(s + i, len - i);
    buf_append(out, s + i, valid);
    i += valid;
    if (i == len)
      return;
    buf_append(out, UTF8_REPLACEMENT, sizeof UTF8_REPLACEMENT - 1);
  }
}

size_t utf8_mark(const char *s, size_t len) {
  return len >= 3 && memcmp(s, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

size_t utf8_encode(char *out, unsigned code) {
  static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
  if (code < 0x80) {
    out[0] = (char) code;
    return 1;
  }
  size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (size_t i = len - 1; i > 0; i--, code >>= 6)
    out[i] = (char) (0x80 | (code & 0x3F));
  out[0] = (char) (lead[len] | code);
  return len;
}
