#ifndef MOONLEDGER_STORE_FILE_ID_EPOCH_H
#define MOONLEDGER_STORE_FILE_ID_EPOCH_H

#include <stddef.h>
#include <stdint.h>

/* Hash tables of fingerprints in memory: which rows may have an id.  No lock of its own. */

enum { ID_SHARDS = 256 }; /* by the top bits; each grows alone, so that no growth takes long */

struct id_entry {
  int64_t fingerprint, row;
};

static inline size_t id_shard_number(int64_t fingerprint) {
  return (uint64_t) fingerprint >> 56;
}

/* All zeros is an empty one. */
struct id_shard {
  struct id_entry *slots; /* open addressing, about in order of fingerprint; row 0 is free */
  size_t cap, len;
};

void id_shard_add(struct id_shard *s, struct id_entry entry);
size_t id_shard_find(const struct id_shard *s, int64_t fingerprint, int64_t *rows, size_t max);
void id_shard_empty(struct id_shard *s); /* its room stays for as many again, not for far fewer */
void id_shard_clear(struct id_shard *s);

/* Those of some time, which are dropped together.  All zeros is an empty one. */
struct id_epoch {
  struct id_shard shards[ID_SHARDS];
  size_t len;
  int64_t since_us, last_row;
};

void id_epoch_reserve(struct id_epoch *e, size_t n); /* room for n in an empty one */
void id_epoch_add(struct id_epoch *e, struct id_entry entry);
size_t id_epoch_find(const struct id_epoch *e, int64_t fingerprint, int64_t *rows, size_t max);
void id_epoch_touch(const struct id_epoch *e, int64_t fingerprint); /* brings it into the cache */
void id_epoch_clear(struct id_epoch *e);

#endif
