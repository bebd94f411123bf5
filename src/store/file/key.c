#include "store/file/key.h"

#include <endian.h>

#include "record/record.h"

#define SIGN (UINT64_C(1) << 63)

static void put_bits(struct buf *key, uint64_t bits) {
  bits = htobe64(bits);
  buf_append(key, &bits, sizeof bits);
}

static const char *get_bits(const char *p, uint64_t *bits) {
  memcpy(bits, p, sizeof *bits);
  *bits = be64toh(*bits);
  return p + sizeof *bits;
}

void key_put_int(struct buf *key, int64_t n) {
  put_bits(key, (uint64_t) n ^ SIGN);
}

const char *key_get_int(const char *p, int64_t *n) {
  uint64_t bits;
  p = get_bits(p, &bits);
  *n = (int64_t) (bits ^ SIGN);
  return p;
}

/* IEEE 754 doubles order like their bits once negative ones are inverted. */
void key_put_real(struct buf *key, double n) {
  uint64_t bits;
  n += 0.0; /* -0.0 and 0.0 are one key */
  memcpy(&bits, &n, sizeof bits);
  put_bits(key, bits & SIGN ? ~bits : bits | SIGN);
}

const char *key_get_real(const char *p, double *n) {
  uint64_t bits;
  p = get_bits(p, &bits);
  bits = bits & SIGN ? bits ^ SIGN : ~bits;
  memcpy(n, &bits, sizeof bits);
  return p;
}

/* The bytes, then 00 00; a NUL inside is written as 00 01. */
void key_put_text(struct buf *key, const char *s, size_t len) {
  const char *end = s + len, *nul;
  while (len > 0 && (nul = memchr(s, 0, (size_t) (end - s))) != NULL) {
    buf_append(key, s, (size_t) (nul - s));
    buf_append(key, "\0\1", 2);
    s = nul + 1;
  }
  len = (size_t) (end - s);
  char *to = buf_reserve(key, len + 2);
  memcpy(to, s, len);
  to[len] = to[len + 1] = 0;
  key->len += len + 2;
}

void key_put_value(struct buf *key, const struct column *c, union value v, const struct buf *text) {
  size_t len;
  if (c->type == COLUMN_STRING) {
    const char *s = value_text(text, v, &len);
    key_put_text(key, s, len);
  } else if (c->type == COLUMN_FLOAT) {
    key_put_real(key, v.f);
  } else {
    key_put_int(key, v.i);
  }
}

const char *key_get_text(const char *p, struct buf *scratch, const char **s, size_t *len) {
  size_t n = strlen(p);
  if (p[n + 1] == 0) {
    *s = p;
    *len = n;
    return p + n + 2;
  }
  scratch->len = 0;
  for (; n = strlen(p), p[n + 1] != 0; p += n + 2) {
    buf_append(scratch, p, n);
    buf_putc(scratch, 0);
  }
  buf_append(scratch, p, n);
  *s = scratch->data;
  *len = scratch->len;
  return p + n + 2;
}

void key_put_cell(struct buf *key, size_t set, enum tier tier, int64_t bucket) {
  buf_append(key, (char[]){(char) set, (char) tier}, 2);
  key_put_int(key, bucket);
}
