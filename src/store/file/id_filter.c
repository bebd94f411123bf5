#include "store/file/id_filter.h"

#include <sys/mman.h>

#include "base/mem.h"

enum { BITS_AN_ID = 12, BLOCK_BYTES = 64, PLACES = 7, PLACE_BITS = 9 };

void id_filter_init(struct id_filter *f, size_t ids) {
  f->nblocks = ids * BITS_AN_ID / (BLOCK_BYTES * 8);
  f->nblocks += f->nblocks == 0;
  f->blocks = xmap(id_filter_bytes(f));
}

void id_filter_clear(struct id_filter *f) {
  if (f->blocks != NULL)
    munmap(f->blocks, id_filter_bytes(f));
  *f = (struct id_filter){0};
}

size_t id_filter_bytes(const struct id_filter *f) {
  return f->nblocks * BLOCK_BYTES;
}

static uint8_t *block_of(const struct id_filter *f, int64_t fingerprint) {
  return f->blocks +
         ((uint64_t) fingerprint >> 32) * f->nblocks / (UINT64_C(1) << 32) * BLOCK_BYTES;
}

/* Places in the block, one in each PLACE_BITS: other bits than those that choose it. */
static uint64_t places_of(int64_t fingerprint) {
  return (uint64_t) fingerprint * UINT64_C(0x9e3779b97f4a7c15) >> 1;
}

void id_filter_add(struct id_filter *f, int64_t fingerprint) {
  uint8_t *block = block_of(f, fingerprint);
  uint64_t places = places_of(fingerprint);
  for (int i = 0; i < PLACES; i++, places >>= PLACE_BITS)
    block[places >> 3 & (BLOCK_BYTES - 1)] |= (uint8_t) (1 << (places & 7));
}

void id_filter_touch(const struct id_filter *f, int64_t fingerprint) {
  if (f->blocks != NULL)
    mem_touch(block_of(f, fingerprint), BLOCK_BYTES);
}

bool id_filter_may_have(const struct id_filter *f, int64_t fingerprint) {
  if (f->blocks == NULL)
    return true;
  const uint8_t *block = block_of(f, fingerprint);
  uint64_t places = places_of(fingerprint);
  for (int i = 0; i < PLACES; i++, places >>= PLACE_BITS)
    if (!(block[places >> 3 & (BLOCK_BYTES - 1)] >> (places & 7) & 1))
      return false;
  return true;
}
