#ifndef MOONLEDGER_BASE_PAYLOAD_H
#define MOONLEDGER_BASE_PAYLOAD_H

#include <stddef.h>

#include "base/buf.h"

/* Immutable bytes with a reference count, shared by all writes of one loop that send them. */
struct payload {
  unsigned refs;
  unsigned waiting; /* sockets that it waits for: http/outgoing.c */
  size_t len, cap;
  char *data;
};

struct payload *payload_from_buf(struct buf *b);  /* takes the bytes; b is empty afterwards */
struct payload *payload_copy(const void *data, size_t len);
struct payload *payload_ref(struct payload *p);
void payload_unref(struct payload *p);  /* NULL is allowed */

#endif
