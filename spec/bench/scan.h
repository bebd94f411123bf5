#ifndef MOONLEDGER_BENCH_SCAN_H
#define MOONLEDGER_BENCH_SCAN_H

#include "../c/schema_fixture.h"
#include "client.h"
#include "record/ndjson.h"
#include "record/record.h"
#include "records.h"

/* Records of the source as our own scanner reads them. */

static inline void scan_write(struct buf *body, const struct record_source *source,
                              uint64_t first, uint64_t count) {
  for (uint64_t i = first; i < first + count; i++)
    record_write(body, source, i);
}

static inline struct batch *scan_body(const struct schema *schema, struct buf *body) {
  static const struct record_limits limits = {.record_bytes = 1 << 20, .depth = 64};
  struct batch *b = batch_new(schema);
  if (batch_scan(b, body, FORMAT_NDJSON, &limits, clock_now_us()) < 0 || b->rejected > 0)
    die("the scanner does not take our records");
  return b;
}

#endif
