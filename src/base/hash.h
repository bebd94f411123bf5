#ifndef MOONLEDGER_BASE_HASH_H
#define MOONLEDGER_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_seed {
  uint64_t k0, k1;
};

/* SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF"): clients who do
 * not know the seed cannot choose colliding keys. */
uint64_t hash_bytes(const struct hash_seed *seed, const void *data, size_t len);

/* The same in every process: for what is kept in files. */
uint64_t hash_for_files(const void *data, size_t len);

/* A seed of this process, drawn once at first use; for tables that do not outlive it. Any
 * thread. */
const struct hash_seed *hash_process_seed(void);

/* Seeded by the process, in a third of the time: multiplications folded to 64 bits (Wang
 * Yi: "wyhash").  For bounded tables that are asked several times a record: nobody has
 * shown that keys cannot be chosen to collide. */
uint64_t hash_quickly(const void *data, size_t len);

/* Random bytes from the kernel. */
void random_bytes(void *out, size_t len);

#endif
