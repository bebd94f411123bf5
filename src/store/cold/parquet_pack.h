#ifndef MOONLEDGER_STORE_COLD_PARQUET_PACK_H
#define MOONLEDGER_STORE_COLD_PARQUET_PACK_H

#include <stdbool.h>

#include "base/buf.h"
#include "store/cold/parquet.h"

/* Parquet's encodings of values (its page on encodings), both ways.  Private to parquet_*.c. */

enum { PACK_SLACK = 16 }; /* bytes behind what is unpacked that may be read, and mean nothing */

unsigned bits_of(uint64_t n); /* that n needs: 0 for 0 */

/* Each is appended.  Doubles come as the integers that have their bits. */
void pack_hybrid(struct buf *b, const uint32_t *values, size_t count, unsigned width);
void pack_delta(struct buf *b, const int64_t *values, size_t count);
void pack_plain(struct buf *b, const int64_t *values, size_t count);
void pack_split(struct buf *b, const int64_t *values, size_t count);
void pack_booleans(struct buf *b, const int64_t *values, size_t count);

/* Each unpacks so many values from bytes that have a slack behind them, and moves *p behind what
 * was read.  false where they are wrong or too few. */
bool unpack_hybrid(const uint8_t **p, const uint8_t *end, unsigned width, uint32_t *values,
                   size_t count);
bool unpack_delta(const uint8_t **p, const uint8_t *end, int64_t *values, size_t count);
bool unpack_plain(const uint8_t **p, const uint8_t *end, int64_t *values, size_t count);
bool unpack_split(const uint8_t **p, const uint8_t *end, int64_t *values, size_t count);
bool unpack_booleans(const uint8_t **p, const uint8_t *end, int64_t *values, size_t count);

#endif
