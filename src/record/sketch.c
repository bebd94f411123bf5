#include "record/sketch.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

enum { STEPS = 32, VERSION = 1, MIN_INDEX = -30 * STEPS, MAX_INDEX = 60 * STEPS };

/* 2^(i/32 - 1): the upper bounds of the buckets between two powers of two, as frexp
 * gives the fraction. */
static const double bounds[STEPS] = {
  0.5, 0.5109485743270583, 0.5221368912137069, 0.5335702003384118,
  0.5452538663326288, 0.5571933712979462, 0.5693943173783458, 0.5818624293887887,
  0.5946035575013605, 0.6076236799902345, 0.620928906036742, 0.6345254785958666,
  0.6484197773255048, 0.6626183215798707, 0.6771277734684463, 0.691954940981916,
  0.7071067811865476, 0.7225904034885233, 0.7384130729697497, 0.7545822137967114,
  0.7711054127039704, 0.7879904225539432, 0.8052451659746271, 0.8228777390769825,
  0.8408964152537145, 0.859309649061239, 0.8781260801866497, 0.8973545375015536,
  0.9170040432046712, 0.93708381705515, 0.9576032806985737, 0.9785720620877001,
};

void sketch_clear(struct sketch *s) {
  free(s->counts);
  *s = (struct sketch) {0};
}

/* Bucket i holds what is above 2^((i-1)/32) and at most 2^(i/32).  Values too small
 * or too large to be told apart share the first or the last one: 90 powers of two
 * are enough for any unit of time or size. */
static int32_t index_of(double value) {
  int exponent, low = 0, high = STEPS;
  if (value > 0x1p60)
    return MAX_INDEX;
  double fraction = frexp(value, &exponent);
  while (low < high) {
    int middle = (low + high) / 2;
    if (bounds[middle] < fraction)
      low = middle + 1;
    else
      high = middle;
  }
  int32_t index = (exponent - 1) * STEPS + low;
  return index < MIN_INDEX ? MIN_INDEX : index;
}

/* The value whose relative distance to both ends of bucket i is the same, 1.083 %
 * (Masson, Rim, Lee: "DDSketch"). */
static double middle_of(int32_t index) {
  return 2 * exp2(index / (double) STEPS) / (exp2(1.0 / STEPS) + 1);
}

/* Makes counts reach from first to last. */
static void cover(struct sketch *s, int32_t first, int32_t last) {
  if (s->len > 0) {
    int32_t end = s->first + (int32_t) s->len - 1;
    first = first < s->first ? first : s->first;
    last = last > end ? last : end;
  }
  uint32_t len = (uint32_t) (last - first + 1),
           shift = s->len > 0 ? (uint32_t) (s->first - first) : 0;
  if (len > s->cap) {
    s->cap = s->cap > 0 ? len + len / 2 : len;
    s->counts = xrealloc(s->counts, s->cap * sizeof *s->counts);
  }
  if (shift > 0)
    memmove(s->counts + shift, s->counts, s->len * sizeof *s->counts);
  memset(s->counts, 0, shift * sizeof *s->counts);
  memset(s->counts + shift + s->len, 0, (len - shift - s->len) * sizeof *s->counts);
  s->first = first;
  s->len = len;
}

/* Wraps instead of overflowing: a damaged file may hold any count. */
static int64_t plus(int64_t a, int64_t b) {
  return (int64_t) ((uint64_t) a + (uint64_t) b);
}

static void add_at(struct sketch *s, int32_t index, int64_t count) {
  if (s->len == 0 || index < s->first || index >= s->first + (int32_t) s->len)
    cover(s, index, index);
  int64_t *cell = &s->counts[index - s->first];
  *cell = plus(*cell, count);
}

enum { ZERO = INT32_MIN };

int32_t sketch_bucket(double value) {
  return value > 0 ? index_of(value) : ZERO;
}

void sketch_add_bucket(struct sketch *s, int32_t bucket, int64_t count) {
  if (bucket == ZERO)
    s->zero = plus(s->zero, count);
  else
    add_at(s, bucket, count);
}

void sketch_add(struct sketch *s, double value, int64_t count) {
  sketch_add_bucket(s, sketch_bucket(value), count);
}

void sketch_merge(struct sketch *into, const struct sketch *from) {
  into->zero = plus(into->zero, from->zero);
  if (from->len == 0)
    return;
  cover(into, from->first, from->first + (int32_t) from->len - 1);
  int64_t *cells = into->counts + (from->first - into->first);
  for (uint32_t i = 0; i < from->len; i++)
    cells[i] = plus(cells[i], from->counts[i]);
}

int64_t sketch_count(const struct sketch *s) {
  int64_t count = s->zero;
  for (uint32_t i = 0; i < s->len; i++)
    count = plus(count, s->counts[i]);
  return count;
}

bool sketch_is_empty(const struct sketch *s) {
  for (uint32_t i = 0; i < s->len; i++)
    if (s->counts[i] != 0)
      return false;
  return s->zero == 0;
}

double sketch_quantile(const struct sketch *s, double q) {
  int64_t count = sketch_count(s), below = s->zero;
  if (count <= 0)
    return 0;
  int64_t rank = (int64_t) ceil(q * (double) count);
  rank = rank < 1 ? 1 : rank > count ? count : rank;
  if (rank <= below)
    return 0;
  for (uint32_t i = 0; i < s->len; i++) {
    below = plus(below, s->counts[i]);
    if (rank <= below)
      return middle_of(s->first + (int32_t) i);
  }
  return 0;
}

enum { VARINT_MAX = 10 };

static char *put_varint(char *p, uint64_t n) {
  for (; n >= 0x80; n >>= 7)
    *p++ = (char) (n | 0x80);
  *p++ = (char) n;
  return p;
}

/* Small numbers of either sign become small ones without. */
static uint64_t zigzag(int64_t n) {
  return (uint64_t) n << 1 ^ (n < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t n) {
  return (int64_t) (n >> 1) ^ -(int64_t) (n & 1);
}

/* Version, zero, then for each bucket that is not empty its distance from the one
 * before (the first: from MIN_INDEX) and its count. */
void sketch_pack(const struct sketch *s, struct buf *out) {
  int32_t previous = MIN_INDEX;
  char *p = buf_reserve(out, 1 + VARINT_MAX + 2 * VARINT_MAX * (size_t) s->len);
  *p++ = VERSION;
  p = put_varint(p, zigzag(s->zero));
  for (uint32_t i = 0; i < s->len; i++) {
    if (s->counts[i] == 0)
      continue;
    int32_t index = s->first + (int32_t) i;
    p = put_varint(p, (uint64_t) (index - previous));
    p = put_varint(p, zigzag(s->counts[i]));
    previous = index;
  }
  out->len = (size_t) (p - out->data);
}

struct packed {
  const unsigned char *p, *end;
};

static inline bool take_varint(struct packed *t, uint64_t *n) {
  if (t->p < t->end && *t->p < 0x80) {
    *n = *t->p++;
    return true;
  }
  *n = 0;
  for (unsigned shift = 0; t->p < t->end && shift < 64; shift += 7) {
    unsigned char byte = *t->p++;
    *n |= (uint64_t) (byte & 0x7f) << shift;
    if (byte < 0x80)
      return true;
  }
  return false;
}

static int64_t signed_count(uint64_t packed, int sign) {
  int64_t count = unzigzag(packed);
  return sign < 0 ? plus(~count, 1) : count;
}

bool sketch_merge_packed(struct sketch *into, const void *data, size_t len, int sign) {
  struct packed t = {data, (const unsigned char *) data + len};
  uint64_t gap, count, zero;
  int64_t index = MIN_INDEX;
  if (t.p == t.end || *t.p++ != VERSION || !take_varint(&t, &zero))
    return false;
  into->zero = plus(into->zero, signed_count(zero, sign));
  while (t.p < t.end) {
    if (!take_varint(&t, &gap) || gap > MAX_INDEX - MIN_INDEX || !take_varint(&t, &count))
      return false;
    index += (int64_t) gap;
    if (index > MAX_INDEX)
      return false;
    add_at(into, (int32_t) index, signed_count(count, sign));
  }
  return true;
}
