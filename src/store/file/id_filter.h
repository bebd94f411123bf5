#ifndef MOONLEDGER_STORE_FILE_ID_FILTER_H
#define MOONLEDGER_STORE_FILE_ID_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Says of a fingerprint that it is surely not in a segment of ids: a Bloom filter whose bits of one
 * fingerprint stand in one cache line (Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient
 * Bloom Filters", 2007).  12 bits an id; it is wrong about one in some 200 that are not there. */
struct id_filter {
  uint8_t *blocks; /* NULL: there is none, and any may be there */
  size_t nblocks;
};

void id_filter_init(struct id_filter *f, size_t ids);
void id_filter_clear(struct id_filter *f);
size_t
id_filter_bytes(const struct id_filter *f); /* of blocks, which are the same on every machine */

void id_filter_add(struct id_filter *f, int64_t fingerprint);
void id_filter_touch(const struct id_filter *f, int64_t fingerprint); /* into the cache */
bool id_filter_may_have(const struct id_filter *f, int64_t fingerprint);

#endif
