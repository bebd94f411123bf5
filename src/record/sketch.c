#include "record/sketch.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

enum {
  STEPS = 32,
  VERSION = 1,
  MIN_INDEX = -30 * STEPS,
  MAX_INDEX = MIN_INDEX + SKETCH_BUCKETS - 1,
  MAX_FEW = 128, /* more are dense */
  FEW_STEP = 16,
};

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
  *s = (struct sketch){0};
}

void sketch_reset(struct sketch *s) {
  s->dense = false;
  s->len = 0;
  s->zero = 0;
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

/* Wraps instead of overflowing: a damaged file may hold any count. */
static int64_t plus(int64_t a, int64_t b) {
  return (int64_t) ((uint64_t) a + (uint64_t) b);
}

static int32_t bucket_at(const struct sketch *s, uint32_t i) {
  return s->dense ? s->first + (int32_t) i : s->few[i].bucket;
}

static int64_t count_at(const struct sketch *s, uint32_t i) {
  return s->dense ? s->counts[i] : s->few[i].count;
}

/* The first bucket of the power of two that this one is in: a range grows by whole ones. */
static int32_t power_of(int32_t bucket) {
  return bucket - (bucket - MIN_INDEX) % STEPS;
}

/* Makes counts reach from first to last. */
static void cover(struct sketch *s, int32_t first, int32_t last) {
  first = power_of(first);
  last = power_of(last) + STEPS - 1;
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

/* Makes it a dense one that reaches from first to last. */
static void make_dense(struct sketch *s, int32_t first, int32_t last) {
  struct few few[MAX_FEW];
  uint32_t n = s->len;
  if (n > 0) {
    memcpy(few, s->few, n * sizeof *few);
    first = first < few[0].bucket ? first : few[0].bucket;
    last = last > few[n - 1].bucket ? last : few[n - 1].bucket;
  }
  s->dense = true;
  s->len = 0;
  cover(s, first, last);
  for (uint32_t i = 0; i < n; i++)
    s->counts[few[i].bucket - s->first] = few[i].count;
}

static void add_dense(struct sketch *s, int32_t bucket, int64_t count) {
  if (bucket < s->first || bucket >= s->first + (int32_t) s->len)
    cover(s, bucket, bucket);
  int64_t *cell = &s->counts[bucket - s->first];
  *cell = plus(*cell, count);
}

static void reserve_few(struct sketch *s, uint32_t n) {
  if (n <= s->cap)
    return;
  s->cap = (n + FEW_STEP - 1) / FEW_STEP * FEW_STEP;
  s->few = xrealloc(s->few, s->cap * sizeof *s->few);
}

/* The first that is not before the bucket; without branches, which nobody could foretell. */
static uint32_t find_few(const struct sketch *s, int32_t bucket) {
  uint32_t low = 0, n = s->len;
  for (; n > 1; n -= n / 2)
    low += (s->few[low + n / 2 - 1].bucket < bucket) * (n / 2);
  return low + (n == 1 && s->few[low].bucket < bucket);
}

/* False when it does not fit; so below. */
static bool add_few(struct sketch *s, int32_t bucket, int64_t count) {
  uint32_t i = find_few(s, bucket);
  bool found = i < s->len && s->few[i].bucket == bucket;
  int32_t sum;
  if (__builtin_add_overflow(found ? s->few[i].count : 0, count, &sum))
    return false;
  if (found) {
    s->few[i].count = sum;
    return true;
  }
  if (s->len == MAX_FEW)
    return false;
  reserve_few(s, s->len + 1);
  memmove(s->few + i + 1, s->few + i, (s->len++ - i) * sizeof *s->few);
  s->few[i] = (struct few){bucket, sum};
  return true;
}

static bool merge_few(struct sketch *into, const struct sketch *from) {
  struct few both[2 * MAX_FEW];
  uint32_t n = 0, i = 0, k = 0;
  while (i < into->len && k < from->len) {
    struct few a = into->few[i], b = from->few[k];
    both[n] = a.bucket <= b.bucket ? a : b;
    if (a.bucket == b.bucket && __builtin_add_overflow(a.count, b.count, &both[n].count))
      return false;
    n++;
    i += a.bucket <= b.bucket;
    k += b.bucket <= a.bucket;
  }
  while (i < into->len)
    both[n++] = into->few[i++];
  while (k < from->len)
    both[n++] = from->few[k++];
  if (n > MAX_FEW)
    return false;
  reserve_few(into, n);
  /* cppcheck-suppress uninitvar; the first n are set */
  memcpy(into->few, both, n * sizeof *both);
  into->len = n;
  return true;
}

static void add_at(struct sketch *s, int32_t bucket, int64_t count) {
  if (!s->dense && add_few(s, bucket, count))
    return;
  if (!s->dense)
    make_dense(s, bucket, bucket);
  add_dense(s, bucket, count);
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

/* Makes it a dense one that reaches from first to last at least; the counts from first on. */
static int64_t *dense_from(struct sketch *s, int32_t first, int32_t last) {
  if (s->dense)
    cover(s, first, last);
  else
    make_dense(s, first, last);
  return s->counts + (first - s->first);
}

static void merge_dense(struct sketch *into, const struct sketch *from) {
  int64_t *counts = dense_from(into, from->first, from->first + (int32_t) from->len - 1);
  for (uint32_t i = 0; i < from->len; i++)
    counts[i] = plus(counts[i], from->counts[i]);
}

static void merge_few_into_dense(struct sketch *into, const struct sketch *from) {
  int32_t first = from->few[0].bucket;
  int64_t *counts = dense_from(into, first, from->few[from->len - 1].bucket);
  for (uint32_t i = 0; i < from->len; i++) {
    int64_t *count = &counts[from->few[i].bucket - first];
    *count = plus(*count, from->few[i].count);
  }
}

void sketch_merge(struct sketch *into, const struct sketch *from) {
  into->zero = plus(into->zero, from->zero);
  if (from->len == 0 || (!from->dense && !into->dense && merge_few(into, from)))
    return;
  if (from->dense)
    merge_dense(into, from);
  else
    merge_few_into_dense(into, from);
}

void sketch_count(struct sketch_counts *c, int32_t bucket, int sign) {
  if (bucket == ZERO) {
    c->zero += sign;
    return;
  }
  uint32_t i = (uint32_t) (bucket - MIN_INDEX);
  c->counts[i] += sign;
  c->used[i / 64] |= UINT64_C(1) << i % 64;
}

/* The next bucket from i on that is used, which then no longer is; SKETCH_BUCKETS: none. */
static uint32_t take_used(struct sketch_counts *c, uint32_t i) {
  for (uint32_t word = i / 64; word < sizeof c->used / sizeof *c->used; word++)
    if (c->used[word] != 0) {
      uint32_t bit = (uint32_t) __builtin_ctzll(c->used[word]);
      c->used[word] &= c->used[word] - 1;
      return word * 64 + bit;
    }
  return SKETCH_BUCKETS;
}

void sketch_take(struct sketch *empty, struct sketch_counts *c) {
  empty->zero = c->zero;
  c->zero = 0;
  for (uint32_t i = take_used(c, 0); i < SKETCH_BUCKETS; i = take_used(c, i)) {
    int32_t bucket = (int32_t) i + MIN_INDEX;
    if (empty->dense || empty->len == MAX_FEW) {
      add_at(empty, bucket, c->counts[i]);
    } else {
      reserve_few(empty, empty->len + 1);
      empty->few[empty->len++] = (struct few){bucket, c->counts[i]};
    }
    c->counts[i] = 0;
  }
}

int64_t sketch_total(const struct sketch *s) {
  int64_t count = s->zero;
  for (uint32_t i = 0; i < s->len; i++)
    count = plus(count, count_at(s, i));
  return count;
}

void sketch_touch(const struct sketch *s) {
  enum { COUNTS = 24 };
  mem_touch(s->counts, (s->len < COUNTS ? s->len : COUNTS) * sizeof *s->counts);
}

bool sketch_is_empty(const struct sketch *s) {
  for (uint32_t i = 0; i < s->len; i++)
    if (count_at(s, i) != 0)
      return false;
  return s->zero == 0;
}

double sketch_quantile(const struct sketch *s, double q) {
  int64_t count = sketch_total(s), below = s->zero;
  if (count <= 0)
    return 0;
  int64_t rank = (int64_t) ceil(q * (double) count);
  rank = rank < 1 ? 1 : rank > count ? count : rank;
  if (rank <= below)
    return 0;
  for (uint32_t i = 0; i < s->len; i++) {
    below = plus(below, count_at(s, i));
    if (rank <= below)
      return middle_of(bucket_at(s, i));
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

struct packing {
  char *p;
  int32_t previous;
};

static inline void put_count(struct packing *to, int32_t bucket, int64_t count) {
  if (count == 0)
    return;
  to->p = put_varint(to->p, (uint64_t) (bucket - to->previous));
  to->p = put_varint(to->p, zigzag(count));
  to->previous = bucket;
}

/* Version, zero, then for each bucket that is not empty its distance from the one
 * before (the first: from MIN_INDEX) and its count. */
void sketch_pack(const struct sketch *s, struct buf *out) {
  struct packing to = {buf_reserve(out, 1 + VARINT_MAX + 2 * VARINT_MAX * (size_t) s->len),
                       MIN_INDEX};
  *to.p++ = VERSION;
  to.p = put_varint(to.p, zigzag(s->zero));
  if (s->dense)
    for (uint32_t i = 0; i < s->len; i++)
      put_count(&to, s->first + (int32_t) i, s->counts[i]);
  else
    for (uint32_t i = 0; i < s->len; i++)
      put_count(&to, s->few[i].bucket, s->few[i].count);
  out->len = (size_t) (to.p - out->data);
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
