#ifndef MOONLEDGER_RECORD_NDJSON_H
#define MOONLEDGER_RECORD_NDJSON_H

#include "record/record.h"

enum record_format {
  /* one object, an array, {"records":[..]}, or newline-separated objects after all */
  FORMAT_JSON,
  FORMAT_NDJSON, /* an object a line; blank lines, CRLF and a leading BOM are fine */
};

struct record_limits {
  size_t record_bytes; /* a longer one is rejected by position */
  unsigned depth;      /* of nesting */
};

/* Scans body straight into records of b, in one pass, and takes the body over as
 * b's text (body is empty afterwards; strings are decoded in place).  A record that
 * is wrong is rejected by position and the rest is taken.  Each record comes out
 * complete (batch_complete).  0, or UV_EINVAL when the body as a whole is no JSON
 * of these shapes: then errors[0] says where; UV_ENOMEM: there is no room for so
 * many, and b is good for nothing but batch_free.  CPU and memory are bounded by the
 * body's length, which is at most 512 MiB: places are 32-bit offsets, and U+FFFD is
 * three bytes for one.  Any thread. */
int batch_scan(struct batch *b, struct buf *body, enum record_format format,
               const struct record_limits *limits, int64_t now_us);

#endif
