#include "base/sha256.h"

#include <endian.h>
#include <string.h>

static const uint32_t k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t x, int n) {
  return x >> n | x << (32 - n);
}

static void expand(uint32_t w[64], const unsigned char *block) {
  for (int i = 0; i < 16; i++) {
    memcpy(&w[i], block + 4 * i, 4);
    w[i] = be32toh(w[i]);
  }
  for (int i = 16; i < 64; i++) {
    uint32_t a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + w[i - 7] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) +
           (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
  }
}

static void compress(uint32_t state[8], const unsigned char *block) {
  uint32_t w[64], s[8];
  expand(w, block);
  memcpy(s, state, sizeof s);
  for (int i = 0; i < 64; i++) {
    uint32_t a = s[0], e = s[4];
    uint32_t t1 = s[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                  ((e & s[5]) ^ (~e & s[6])) + k[i] + w[i];
    uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                  ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += t1;
    s[0] = t1 + t2;
  }
  for (int i = 0; i < 8; i++)
    state[i] += s[i];
}

void sha256_init(struct sha256 *h) {
  *h = (struct sha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void sha256_add(struct sha256 *h, const void *data, size_t len) {
  const unsigned char *p = data;
  while (len > 0) {
    size_t used = h->len % SHA256_BLOCK, n = SHA256_BLOCK - used;
    if (n > len)
      n = len;
    memcpy(h->block + used, p, n);
    h->len += n;
    p += n;
    len -= n;
    if (h->len % SHA256_BLOCK == 0)
      compress(h->state, h->block);
  }
}

void sha256_final(struct sha256 *h, unsigned char out[SHA256_BYTES]) {
  static const unsigned char padding[SHA256_BLOCK] = {0x80};
  uint64_t bits = htobe64(h->len * 8);
  size_t used = h->len % SHA256_BLOCK;
  sha256_add(h, padding, (used < 56 ? 56 : 120) - used);
  sha256_add(h, &bits, sizeof bits);
  for (int i = 0; i < 8; i++) {
    uint32_t word = htobe32(h->state[i]);
    memcpy(out + 4 * i, &word, 4);
  }
}

static void add_padded_key(struct sha256 *h, const unsigned char key[SHA256_BLOCK],
                           unsigned char with) {
  unsigned char block[SHA256_BLOCK];
  for (int i = 0; i < SHA256_BLOCK; i++)
    block[i] = key[i] ^ with;
  sha256_init(h);
  sha256_add(h, block, sizeof block);
}

void hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                 unsigned char out[SHA256_BYTES]) {
  struct sha256 h;
  unsigned char padded[SHA256_BLOCK] = {0};
  if (key_len > SHA256_BLOCK) {
    sha256_init(&h);
    sha256_add(&h, key, key_len);
    sha256_final(&h, padded);
  } else if (key_len > 0) {
    memcpy(padded, key, key_len);
  }
  add_padded_key(&h, padded, 0x36);
  sha256_add(&h, data, len);
  sha256_final(&h, out);
  add_padded_key(&h, padded, 0x5c);
  sha256_add(&h, out, SHA256_BYTES);
  sha256_final(&h, out);
}
