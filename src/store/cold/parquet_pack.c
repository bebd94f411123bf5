#include "store/cold/parquet_pack.h"

#include <endian.h>

#include "store/cold/thrift.h"

enum { BLOCK = 128, MINIBLOCKS = 4, MINIBLOCK = BLOCK / MINIBLOCKS }; /* of pack_delta */

unsigned bits_of(uint64_t n) {
  return n == 0 ? 0 : 64 - (unsigned) __builtin_clzll(n);
}

static inline uint8_t *put_word(uint8_t *out, uint64_t word) {
  word = htole64(word);
  memcpy(out, &word, 8);
  return out + 8;
}

/* Words that are being filled from their lowest bit. */
struct bit_writer {
  uint8_t *out;
  uint64_t word;
  unsigned used; /* bits of word */
};

static inline void put_bits(struct bit_writer *w, uint64_t value, unsigned width) {
  w->word |= value << w->used;
  w->used += width;
  if (w->used < 64)
    return;
  w->out = put_word(w->out, w->word);
  w->used -= 64;
  w->word = w->used > 0 ? value >> (width - w->used) : 0;
}

static void end_bits(struct bit_writer *w) {
  put_word(w->out, w->word);
}

static struct bit_writer begin_bits(struct buf *b, size_t count, unsigned width) {
  return (struct bit_writer){.out = (uint8_t *) buf_reserve(b, count * width / 8 + 8)};
}

/* A bit-packed run; the last one of a list is filled up with zeros. */
static void put_literals(struct buf *b, const uint32_t *values, size_t count, unsigned width) {
  if (count == 0)
    return;
  size_t groups = (count + 7) / 8;
  put_varint(b, groups << 1 | 1);
  struct bit_writer w = begin_bits(b, groups * 8, width);
  for (size_t i = 0; i < count; i++)
    put_bits(&w, values[i], width);
  for (size_t i = count; i < groups * 8; i++)
    put_bits(&w, 0, width);
  end_bits(&w);
  b->len += groups * width;
}

static void put_run(struct buf *b, uint32_t value, size_t count, unsigned width) {
  put_varint(b, count << 1);
  uint32_t little = htole32(value);
  buf_append(b, &little, (width + 7) / 8);
}

static size_t run_length(const uint32_t *values, size_t count) {
  size_t n = 1;
  while (n < count && values[n] == values[0])
    n++;
  return n;
}

void pack_hybrid(struct buf *b, const uint32_t *values, size_t count, unsigned width) {
  size_t literals = 0; /* before i that are not written yet */
  for (size_t i = 0; i < count;) {
    size_t run = run_length(values + i, count - i);
    if (run >= 8 && (run * width >= 64 || run == count)) {
      put_literals(b, values + i - literals, literals, width);
      put_run(b, values[i], run, width);
      literals = 0;
      i += run;
    } else {
      size_t group = count - i < 8 ? count - i : 8;
      literals += group;
      i += group;
    }
  }
  put_literals(b, values + count - literals, literals, width);
}

static void put_miniblock(struct buf *b, const uint64_t *deltas, unsigned width) {
  struct bit_writer w = begin_bits(b, MINIBLOCK, width);
  for (size_t i = 0; i < MINIBLOCK; i++)
    put_bits(&w, deltas[i], width);
  end_bits(&w);
  b->len += MINIBLOCK / 8 * width;
}

/* The differences between up to BLOCK + 1 values, count of them. */
static void put_block(struct buf *b, const int64_t *values, size_t count) {
  uint64_t deltas[BLOCK] = {0};
  int64_t least = INT64_MAX;
  for (size_t i = 0; i < count; i++) {
    deltas[i] = (uint64_t) values[i + 1] - (uint64_t) values[i];
    if ((int64_t) deltas[i] < least)
      least = (int64_t) deltas[i];
  }
  unsigned widths[MINIBLOCKS];
  put_varint(b, zigzag(least));
  for (size_t m = 0; m < MINIBLOCKS; m++) {
    uint64_t all = 0;
    for (size_t i = m * MINIBLOCK; i < (m + 1) * MINIBLOCK && i < count; i++)
      all |= deltas[i] -= (uint64_t) least;
    widths[m] = bits_of(all);
    buf_putc(b, (char) widths[m]);
  }
  for (size_t m = 0; m * MINIBLOCK < count; m++)
    put_miniblock(b, deltas + m * MINIBLOCK, widths[m]);
}

void pack_delta(struct buf *b, const int64_t *values, size_t count) {
  put_varint(b, BLOCK);
  put_varint(b, MINIBLOCKS);
  put_varint(b, count);
  put_varint(b, zigzag(count > 0 ? values[0] : 0));
  for (size_t i = 1; i < count; i += BLOCK)
    put_block(b, values + i - 1, count - i < BLOCK ? count - i : BLOCK);
}

void pack_plain(struct buf *b, const int64_t *values, size_t count) {
  uint8_t *out = (uint8_t *) buf_reserve(b, count * 8);
  for (size_t i = 0; i < count; i++)
    out = put_word(out, (uint64_t) values[i]);
  b->len += count * 8;
}

void pack_split(struct buf *b, const int64_t *values, size_t count) {
  uint8_t *out = (uint8_t *) buf_reserve(b, count * 8);
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < 8; k++)
      out[k * count + i] = (uint8_t) ((uint64_t) values[i] >> 8 * k);
  b->len += count * 8;
}

void pack_booleans(struct buf *b, const int64_t *values, size_t count) {
  size_t len = (count + 7) / 8;
  uint8_t *out = (uint8_t *) buf_reserve(b, len);
  memset(out, 0, len);
  for (size_t i = 0; i < count; i++)
    out[i / 8] |= (uint8_t) (values[i] << i % 8);
  b->len += len;
}

static inline uint64_t load(const uint8_t *p) {
  uint64_t word;
  memcpy(&word, p, 8);
  return le64toh(word);
}

/* The value of width bits that begins at a bit; up to 57 bits wide. */
static inline uint64_t bits_at(const uint8_t *p, size_t bit, uint64_t mask) {
  return load(p + bit / 8) >> bit % 8 & mask;
}

static inline uint64_t mask_of(unsigned width) {
  return width < 64 ? (UINT64_C(1) << width) - 1 : UINT64_MAX;
}

/* What bytes that are read as the metadata is have in front. */
static uint64_t take_varint(const uint8_t **p, const uint8_t *end, bool *ok) {
  struct thrift_in in = {*p, end, false};
  uint64_t n = thrift_varint(&in);
  *p = in.p;
  *ok = *ok && !in.failed;
  return n;
}

static bool unpack_literals(const uint8_t **p, const uint8_t *end, unsigned width,
                            uint32_t *values, size_t count, uint64_t groups) {
  if (groups == 0 || groups > (uint64_t) PARQUET_GROUP_ROWS ||
      groups * width > (uint64_t) (end - *p))
    return false;
  uint64_t mask = mask_of(width);
  for (size_t i = 0; i < count; i++)
    values[i] = (uint32_t) bits_at(*p, i * width, mask);
  *p += groups * width;
  return true;
}

static bool unpack_run(const uint8_t **p, const uint8_t *end, unsigned width, uint32_t *values,
                       size_t count) {
  size_t len = (width + 7) / 8;
  if ((size_t) (end - *p) < len)
    return false;
  uint32_t value = (uint32_t) (load(*p) & mask_of(8 * (unsigned) len));
  for (size_t i = 0; i < count; i++)
    values[i] = value;
  *p += len;
  return true;
}

bool unpack_hybrid(const uint8_t **p, const uint8_t *end, unsigned width, uint32_t *values,
                   size_t count) {
  bool ok = width <= 32;
  while (count > 0 && ok) {
    uint64_t head = take_varint(p, end, &ok), length = head & 1 ? (head >> 1) * 8 : head >> 1;
    size_t n = length < count ? (size_t) length : count;
    ok = ok && n > 0 &&
         (head & 1 ? unpack_literals(p, end, width, values, n, head >> 1)
                   : unpack_run(p, end, width, values, n));
    values += n;
    count -= n;
  }
  return ok;
}

/* Sums of packed differences; *last is the value before. */
static void add_up(const uint8_t *p, unsigned width, uint64_t least, uint64_t *last,
                   int64_t *values, size_t count) {
  uint64_t mask = mask_of(width), value = *last;
  for (size_t i = 0, bit = 0; i < count; i++, bit += width) {
    uint64_t delta = load(p + bit / 8) >> bit % 8;
    if (width > 57 && bit % 8 > 0)
      delta |= (uint64_t) p[bit / 8 + 8] << (64 - bit % 8);
    value += (delta & mask) + least;
    values[i] = (int64_t) value;
  }
  *last = value;
}

static bool unpack_block(const uint8_t **p, const uint8_t *end, uint64_t *last, int64_t *values,
                         size_t count) {
  bool ok = true;
  uint64_t least = (uint64_t) unzigzag(take_varint(p, end, &ok));
  const uint8_t *widths = *p;
  if (!ok || end - *p < MINIBLOCKS)
    return false;
  *p += MINIBLOCKS;
  for (size_t m = 0; m * MINIBLOCK < count; m++) {
    size_t left = count - m * MINIBLOCK;
    if (widths[m] > 64 || end - *p < MINIBLOCK / 8 * widths[m])
      return false;
    add_up(*p, widths[m], least, last, values + m * MINIBLOCK,
           left < MINIBLOCK ? left : MINIBLOCK);
    *p += MINIBLOCK / 8 * widths[m];
  }
  return true;
}

bool unpack_delta(const uint8_t **p, const uint8_t *end, int64_t *values, size_t count) {
  bool ok = true;
  uint64_t block = take_varint(p, end, &ok), miniblocks = take_varint(p, end, &ok);
  uint64_t found = take_varint(p, end, &ok), last = (uint64_t) unzigzag(take_varint(p, end, &ok));
  if (!ok || block != BLOCK || miniblocks != MINIBLOCKS || found != count)
    return false;
  if (count > 0)
    values[0] = (int64_t) last;
  for (size_t i = 1; i < count && ok; i += BLOCK)
    ok = unpack_block(p, end, &last, values + i, count - i < BLOCK ? count - i : BLOCK);
  return ok;
}

bool unpack_plain(const uint8_t **p, const uint8_t *end, int64_t *values, size_t count) {
  if ((size_t) (end - *p) / 8 < count)
    return false;
  for (size_t i = 0; i < count; i++)
    values[i] = (int64_t) load(*p + i * 8);
  *p += count * 8;
  return true;
}

bool unpack_split(const uint8_t **p, const uint8_t *end, int64_t *values, size_t count) {
  const uint8_t *in = *p;
  if ((size_t) (end - in) / 8 < count)
    return false;
  for (size_t i = 0; i < count; i++) {
    uint64_t value = 0;
    for (size_t k = 0; k < 8; k++)
      value |= (uint64_t) in[k * count + i] << 8 * k;
    values[i] = (int64_t) value;
  }
  *p += count * 8;
  return true;
}

bool unpack_booleans(const uint8_t **p, const uint8_t *end, int64_t *values, size_t count) {
  size_t len = (count + 7) / 8;
  if ((size_t) (end - *p) < len)
    return false;
  for (size_t i = 0; i < count; i++)
    values[i] = (*p)[i / 8] >> i % 8 & 1;
  *p += len;
  return true;
}
