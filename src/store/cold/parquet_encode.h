#ifndef MOONLEDGER_STORE_COLD_PARQUET_ENCODE_H
#define MOONLEDGER_STORE_COLD_PARQUET_ENCODE_H

#include <zstd.h>

#include "store/cold/parquet_fill.h"
#include "store/cold/parquet_meta.h"

/* Makes pages of what a column was filled with.  Private to parquet_*.c. */

enum { ENCODER_CUTS = 8 };

struct parquet_encoder {
  ZSTD_CCtx *zstd; /* NULL: pages are not compressed */
  struct buf raw, packed;   /* a page's body before and after */
  size_t cuts[ENCODER_CUTS]; /* of raw, where blocks of zstd end: bytes that differ in kind */
  size_t ncuts;
  struct parquet_distinct distinct; /* numbers of the column */
  int64_t *numbers; /* of the page, without nulls */
  uint32_t *codes;  /* the same */
  uint32_t *marks;  /* of entries: the last page, counted by mark, that had them */
  uint32_t mark;
};

void parquet_encoder_init(struct parquet_encoder *e, int level);
void parquet_encoder_clear(struct parquet_encoder *e);

/* A run of a column's rows. */
struct parquet_slice {
  const struct parquet_fill *fill;
  size_t first, count;
};

/* The encoding that makes the least of a whole column, tried on its first page.  With
 * ENCODING_RLE_DICTIONARY the dictionary is that of the next calls. */
enum parquet_encoding parquet_choose(struct parquet_encoder *e, const struct parquet_fill *fill,
                                     size_t first_page_rows);

/* The bytes of a page with its header, in e->packed, and the header.  false: no memory. */
bool parquet_encode_dictionary(struct parquet_encoder *e, const struct parquet_fill *fill,
                               struct parquet_page_header *header);
bool parquet_encode_page(struct parquet_encoder *e, const struct parquet_slice *slice,
                         enum parquet_encoding encoding, struct parquet_page_header *header);

/* Of the values in a slice. */
void parquet_stats_of(struct parquet_encoder *e, const struct parquet_slice *slice,
                      struct parquet_stats *stats);

/* Makes into those of both. */
void parquet_stats_add(struct parquet_stats *into, const struct parquet_stats *more,
                       enum parquet_type type);

#endif
