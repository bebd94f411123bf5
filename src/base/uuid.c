#include "base/uuid.h"

#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"

/* One system call gives the randomness of 256 identifiers. */
static void draw(unsigned char out[16]) {
  static _Thread_local unsigned char pool[4096];
  static _Thread_local size_t used = sizeof pool;

  if (used == sizeof pool) {
    random_bytes(pool, sizeof pool);
    used = 0;
  }
  memcpy(out, pool + used, 16);
  used += 16;
}

static void format(char out[UUID_LENGTH], unsigned char bytes[16], int version) {
  static const char hex[] = "0123456789abcdef";
  static const unsigned char places[16] = {0,  2,  4,  6,  9,  11, 14, 16,
                                           19, 21, 24, 26, 28, 30, 32, 34};

  bytes[6] = (unsigned char) ((bytes[6] & 0x0f) | version << 4);
  bytes[8] = (unsigned char) ((bytes[8] & 0x3f) | 0x80);
  for (int i = 0; i < 16; i++) {
    out[places[i]] = hex[bytes[i] >> 4];
    out[places[i] + 1] = hex[bytes[i] & 15];
  }
  out[8] = out[13] = out[18] = out[23] = '-';
}

void uuid4(char out[UUID_LENGTH]) {
  unsigned char bytes[16];
  draw(bytes);
  format(out, bytes, 4);
}

void uuid7(char out[UUID_LENGTH]) {
  unsigned char bytes[16];
  draw(bytes);
  uint64_t ms = (uint64_t) clock_now_us() / 1000;
  for (int i = 5; i >= 0; i--, ms >>= 8)
    bytes[i] = (unsigned char) ms;
  format(out, bytes, 7);
}
