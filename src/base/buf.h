#ifndef MOONLEDGER_BASE_BUF_H
#define MOONLEDGER_BASE_BUF_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A growing byte buffer.  All zeros is a valid empty one; buf_clear releases it. */
struct buf {
  char *data;
  size_t len;
  size_t cap;
};

void buf_clear(struct buf *b);

void buf_grow(struct buf *b, size_t n); /* of buf_reserve */

/* While this is set, growth for which there is no memory goes there by longjmp, on this thread, and
 * leaves the buffer as it was.  It is for work in C on what others have sized: whoever sets it
 * releases all that the work holds, and sets NULL again. */
extern _Thread_local jmp_buf *buf_refused;

/* Goes there for want of so many bytes, or ends the process. */
_Noreturn void buf_refuse(size_t size);

/* Makes room for n more bytes and returns where they go; the caller adds to len what it wrote. */
static inline char *buf_reserve(struct buf *b, size_t n) {
  if (b->cap - b->len < n)
    buf_grow(b, n);
  return b->data + b->len;
}

/* The same for sizes that a client, a script or a file chooses: NULL without memory. */
char *buf_try_reserve(struct buf *b, size_t n);

static inline void buf_append(struct buf *b, const void *data, size_t len) {
  if (len == 0)
    return;
  memcpy(buf_reserve(b, len), data, len);
  b->len += len;
}

void buf_puts(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_put_int(struct buf *b, int64_t n);

/* The shortest decimal form that reads back equal, as base/number.h writes it; n is finite. */
void buf_put_double(struct buf *b, double n);

/* Writes what is in b to standard error, its last line ended, and clears b. */
void buf_complain(struct buf *b);

/* Drops n bytes from the front. */
void buf_consume(struct buf *b, size_t n);

/* Hands the bytes over and leaves b empty. */
static inline struct buf buf_take(struct buf *b) {
  struct buf taken = *b;
  memset(b, 0, sizeof *b);
  return taken;
}

static inline void buf_putc(struct buf *b, char c) {
  *buf_reserve(b, 1) = c;
  b->len++;
}

#define buf_literal(b, s) buf_append((b), "" s, sizeof(s) - 1)

#endif
