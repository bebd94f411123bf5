#ifndef MOONLEDGER_STORE_COLD_PARQUET_ENCODE_H
#define MOONLEDGER_STORE_COLD_PARQUET_ENCODE_H

#include <zstd.h>

#include "store/cold/parquet_fill.h"
#include "store/cold/parquet_meta.h"

/* Makes pages of what a column was filled with.  Private to parquet_*.c. */

enum { ENCODER_CUTS = 8 };

/* A column's encoding is the one that takes least, as tried on its first page. */
struct parquet_choice {
  enum parquet_encoding candidates[3], best;
  size_t count, tried, least;
};

struct parquet_encoder {
  ZSTD_CCtx *zstd; /* NULL: pages are not compressed */
  struct parquet_choice choice;
  struct buf dictionary; /* the column's, as a page, once it has been tried */
  struct parquet_page_header dictionary_header;
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

/* Begins with a column; then tries one encoding after the other on its first page, until all have
 * been: e->choice.best. */
void parquet_choose(struct parquet_encoder *e, const struct parquet_fill *fill);
bool parquet_try_next(struct parquet_encoder *e, const struct parquet_slice *first_page);

/* The body of a page, in e->packed, and its header.  false: no memory. */
bool parquet_encode_page(struct parquet_encoder *e, const struct parquet_slice *slice,
                         enum parquet_encoding encoding, struct parquet_page_header *header);

/* Of the values in a slice. */
void parquet_stats_of(struct parquet_encoder *e, const struct parquet_slice *slice,
                      struct parquet_stats *stats);

/* Makes into those of both. */
void parquet_stats_add(struct parquet_stats *into, const struct parquet_stats *more,
                       enum parquet_type type);

#endif
