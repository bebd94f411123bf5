#include "base/payload.h"

#include <stdlib.h>

#include "base/mem.h"

struct payload *payload_from_buf(struct buf *b) {
  struct payload *p = xmalloc(sizeof *p);
  p->refs = 1;
  p->waiting = 0;
  p->len = b->len;
  p->cap = b->cap;
  p->data = b->data;
  *b = (struct buf){0};
  return p;
}

struct payload *payload_copy(const void *data, size_t len) {
  struct buf b = {0};
  buf_append(&b, data, len);
  return payload_from_buf(&b);
}

struct payload *payload_ref(struct payload *p) {
  p->refs++;
  return p;
}

void payload_unref(struct payload *p) {
  if (p == NULL || --p->refs > 0)
    return;
  free(p->data);
  free(p);
}
