#ifndef MOONLEDGER_RECORD_SKETCH_H
#define MOONLEDGER_RECORD_SKETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Mergeable quantile sketch: counts in buckets of base 2^(1/32), the bounds of a
 * Prometheus native histogram of schema 5, so a quantile is at most 1.1 % off.
 * Counts are integers: merging and taking away are exact in any order.  All zeros
 * is an empty one.  Few buckets are a sorted list: most cells of a user or a key have
 * not more, and a range of all between them would be some KiB. */
struct sketch {
  int64_t zero;      /* values <= 0 */
  int32_t first;     /* of a dense one: the bucket of counts[0] */
  bool dense;
  uint32_t len, cap; /* of few or counts, which are as wide */
  union {
    struct few {
      int32_t bucket, count;
    } *few;
    int64_t *counts; /* a range of buckets */
  };
};

void sketch_clear(struct sketch *s);
void sketch_reset(struct sketch *s); /* an empty one that keeps its room */
int32_t sketch_bucket(double value); /* NaN counts as zero */
void sketch_add_bucket(struct sketch *s, int32_t bucket, int64_t count); /* perhaps less than 0 */
void sketch_merge(struct sketch *into, const struct sketch *from);
int64_t sketch_total(const struct sketch *s);
void sketch_touch(const struct sketch *s); /* mem_touch: its first counts */
bool sketch_is_empty(const struct sketch *s); /* nothing was ever added, or all of it taken away */

/* Many records of one cell are counted faster so, one after the other without looking for their
 * places: then they are taken into a sketch that is empty, and the counts are zero again.  All
 * zeros is an empty one. */
enum { SKETCH_BUCKETS = 90 * 32 + 1 };

struct sketch_counts {
  int64_t zero;
  uint64_t used[(SKETCH_BUCKETS + 63) / 64]; /* bit per bucket that has a count, or had one */
  int32_t counts[SKETCH_BUCKETS];            /* of at most INT32_MAX records */
};

void sketch_count(struct sketch_counts *c, int32_t bucket, int sign); /* 1 or -1 */
void sketch_take(struct sketch *empty, struct sketch_counts *c);

/* The value at rank ceil(q * count), as the middle of its bucket; 0 when empty. */
double sketch_quantile(const struct sketch *s, double q);

/* Version byte, then varints; a few hundred bytes for a typical cell.
 * sketch_merge_packed reads it straight into another sketch, or with sign -1 takes
 * it away; false when the bytes are none: then part of them may have been merged. */
void sketch_pack(const struct sketch *s, struct buf *out);
bool sketch_merge_packed(struct sketch *into, const void *data, size_t len, int sign);

#endif
