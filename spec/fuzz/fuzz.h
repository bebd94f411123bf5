#ifndef MOONLEDGER_FUZZ_H
#define MOONLEDGER_FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

/* A fuzzer is one function, called with any bytes, that ends the program where something
 * is wrong.  libFuzzer drives it (./run fuzz), or replay.c with the inputs that were kept. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition)                                                            \
  ((condition) ? (void) 0 : (fprintf(stderr, "not true: %s\n", #condition), abort()))

/* What is left of the input. */
struct fuzz_input {
  const char *data;
  size_t len;
};

static inline struct fuzz_input fuzz_input(const uint8_t *data, size_t size) {
  return (struct fuzz_input){(const char *) data, size};
}

static inline unsigned fuzz_byte(struct fuzz_input *in) {
  if (in->len == 0)
    return 0;
  in->len--;
  return (unsigned char) *in->data++;
}

/* The next line, without its end; what is left when there is none. */
static inline struct fuzz_input fuzz_line(struct fuzz_input *in) {
  const char *newline = in->len > 0 ? memchr(in->data, '\n', in->len) : NULL;
  size_t len = newline != NULL ? (size_t) (newline - in->data) : in->len;
  struct fuzz_input line = {in->data, len};
  size_t used = len + (newline != NULL);
  in->data += used;
  in->len -= used;
  return line;
}

/* A copy of its own, ended by a NUL: the caller's to free. */
static inline char *fuzz_text(struct fuzz_input in) {
  char *text = xmalloc(in.len + 1);
  if (in.len > 0)
    memcpy(text, in.data, in.len);
  text[in.len] = '\0';
  return text;
}

#endif
