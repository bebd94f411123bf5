#ifndef MOONLEDGER_BASE_SHA256_H
#define MOONLEDGER_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32, SHA256_BLOCK = 64 };

struct sha256 {
  uint32_t state[8];
  uint64_t len; /* bytes so far */
  unsigned char block[SHA256_BLOCK];
};

/* FIPS 180-4. */
void sha256_init(struct sha256 *h);
void sha256_add(struct sha256 *h, const void *data, size_t len);
void sha256_final(struct sha256 *h, unsigned char out[SHA256_BYTES]);

/* RFC 2104. */
void hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                 unsigned char out[SHA256_BYTES]);

#endif
