#include "base/hash.h"

#include <endian.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define ROTATE(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

#define SIP_ROUND                                       \
  do {                                                  \
    v0 += v1, v1 = ROTATE(v1, 13), v1 ^= v0;            \
    v0 = ROTATE(v0, 32);                                \
    v2 += v3, v3 = ROTATE(v3, 16), v3 ^= v2;            \
    v0 += v3, v3 = ROTATE(v3, 21), v3 ^= v0;            \
    v2 += v1, v1 = ROTATE(v1, 17), v1 ^= v2;            \
    v2 = ROTATE(v2, 32);                                \
  } while (0)

/* The `left` bytes at p, the first one lowest; where there are bytes before them, as part
 * of one word. */
static uint64_t tail(const unsigned char *start, const unsigned char *p, size_t left) {
  uint64_t word = 0;
  if (left > 0 && p > start) {
    memcpy(&word, p + left - 8, 8);
    return le64toh(word) >> (8 * (8 - left));
  }
  for (size_t i = 0; i < left; i++)
    word |= (uint64_t) p[i] << (8 * i);
  return word;
}

uint64_t hash_bytes(const struct hash_seed *seed, const void *data, size_t len) {
  uint64_t v0 = seed->k0 ^ 0x736f6d6570736575, v1 = seed->k1 ^ 0x646f72616e646f6d;
  uint64_t v2 = seed->k0 ^ 0x6c7967656e657261, v3 = seed->k1 ^ 0x7465646279746573;
  const unsigned char *p = data;
  size_t left = len;

  for (; left >= 8; p += 8, left -= 8) {
    uint64_t word;
    memcpy(&word, p, 8);
    v3 ^= word;
    SIP_ROUND;
    v0 ^= word;
  }
  uint64_t last = (uint64_t) len << 56 | tail(data, p, left);
  v3 ^= last;
  SIP_ROUND;
  v0 ^= last;
  v2 ^= 0xff;
  SIP_ROUND;
  SIP_ROUND;
  SIP_ROUND;
  return v0 ^ v1 ^ v2 ^ v3;
}

uint64_t hash_for_files(const void *data, size_t len) {
  static const struct hash_seed seed = {0x6d6f6f6e6c656467, 0x65722e736e617073};
  return hash_bytes(&seed, data, len);
}

static inline uint64_t load(const unsigned char *p) {
  uint64_t word;
  memcpy(&word, p, 8);
  return word;
}

/* All of 0 to 7 bytes. */
static inline uint64_t load_few(const unsigned char *p, size_t len) {
  uint32_t head, end;
  if (len < 4)
    return len == 0 ? 0 : (uint64_t) (p[0] | p[len / 2] << 8 | p[len - 1] << 16);
  memcpy(&head, p, 4);
  memcpy(&end, p + len - 4, 4);
  return (uint64_t) head << 32 | end;
}

static inline uint64_t fold(uint64_t a, uint64_t b) {
  unsigned __int128 product = (unsigned __int128) a * b;
  return (uint64_t) product ^ (uint64_t) (product >> 64);
}

uint64_t hash_quickly(const void *data, size_t len) {
  const struct hash_seed *seed = hash_process_seed();
  const unsigned char *start = data, *p = start, *end = start + len;
  uint64_t hash = seed->k0 ^ len, first, last = 0;
  for (; end - p > 16; p += 16)
    hash = fold(load(p) ^ seed->k1, load(p + 8) ^ hash);
  if (len < 8) {
    first = load_few(start, len);
  } else {
    first = load(len >= 16 ? end - 16 : start); /* some of it for the second time */
    last = load(end - 8);
  }
  return fold(fold(first ^ seed->k1, last ^ hash), seed->k0 ^ seed->k1);
}

void random_bytes(void *out, size_t len) {
  char *p = out;
  while (len > 0) {
    ssize_t n = getrandom(p, len, 0);
    if (n < 0)
      continue;
    p += n;
    len -= (size_t) n;
  }
}

static struct hash_seed process_seed;
static pthread_once_t process_seed_once = PTHREAD_ONCE_INIT;

static void draw_process_seed(void) {
  random_bytes(&process_seed, sizeof process_seed);
}

const struct hash_seed *hash_process_seed(void) {
  pthread_once(&process_seed_once, draw_process_seed);
  return &process_seed;
}
