#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/number.h"

void buf_clear(struct buf *b) {
  free(b->data);
  memset(b, 0, sizeof *b);
}

static size_t grown(const struct buf *b, size_t n) {
  size_t cap = b->cap < 128 ? 128 : b->cap * 2;
  return cap < b->len + n ? b->len + n : cap;
}

_Thread_local jmp_buf *buf_refused;

void buf_refuse(size_t size) {
  if (buf_refused != NULL)
    longjmp(*buf_refused, 1);
  mem_end(size);
}

void buf_grow(struct buf *b, size_t n) {
  if (buf_try_reserve(b, n) == NULL)
    buf_refuse(grown(b, n));
}

char *buf_try_reserve(struct buf *b, size_t n) {
  if (n > SIZE_MAX - b->len)
    return NULL;
  if (b->cap - b->len >= n && b->data != NULL)
    return b->data + b->len;
  size_t cap = grown(b, n);
  char *data = realloc(b->data, cap);
  if (data == NULL)
    return NULL;
  b->data = data;
  b->cap = cap;
  return data + b->len;
}

void buf_puts(struct buf *b, const char *s) {
  buf_append(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int n = vsnprintf(NULL, 0, format, args);
  va_end(args);
  buf_reserve(b, (size_t) n + 1);
  va_start(args, format);
  vsnprintf(b->data + b->len, (size_t) n + 1, format, args);
  va_end(args);
  b->len += (size_t) n;
}

void buf_put_int(struct buf *b, int64_t n) {
  b->len += format_int(buf_reserve(b, NUMBER_MAX), n);
}

void buf_put_double(struct buf *b, double n) {
  b->len += format_double(buf_reserve(b, NUMBER_MAX), n);
}

void buf_consume(struct buf *b, size_t n) {
  b->len -= n;
  if (b->len > 0)
    memmove(b->data, b->data + n, b->len);
}

void buf_complain(struct buf *b) {
  if (b->len > 0 && b->data[b->len - 1] != '\n')
    buf_putc(b, '\n');
  if (b->len > 0)
    fwrite(b->data, 1, b->len, stderr);
  buf_clear(b);
}
