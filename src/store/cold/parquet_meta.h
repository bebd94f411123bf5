#ifndef MOONLEDGER_STORE_COLD_PARQUET_META_H
#define MOONLEDGER_STORE_COLD_PARQUET_META_H

#include "base/buf.h"
#include "store/cold/parquet.h"

/* A Parquet file's metadata, as bytes and as structs: parquet.thrift of the format.  Private to
 * parquet_*.c. */

#define PARQUET_MAGIC "PAR1"

enum parquet_encoding {
  ENCODING_PLAIN = 0,
  ENCODING_RLE = 3,
  ENCODING_DELTA_BINARY_PACKED = 5,
  ENCODING_DELTA_LENGTH_BYTE_ARRAY = 6,
  ENCODING_RLE_DICTIONARY = 8,
  ENCODING_BYTE_STREAM_SPLIT = 9,
};

enum parquet_codec { CODEC_NONE = 0, CODEC_ZSTD = 6 };

enum parquet_page_type { PAGE_DATA = 0, PAGE_DICTIONARY = 2 };

enum {
  PARQUET_MAX_TEXT = 1 << 28, /* bytes of one text; the other limits count those of all columns */
  PARQUET_PAGE_TEXT = 8 << 20,   /* a page ends with the row that reaches it .. */
  PARQUET_GROUP_TEXT = 64 << 20, /* .. and a group with the page */
  PARQUET_MAX_PAGES =
      PARQUET_GROUP_ROWS / PARQUET_FULL_PAGE + PARQUET_GROUP_TEXT / PARQUET_PAGE_TEXT + 1,
  PARQUET_MAX_BODY = PARQUET_PAGE_TEXT + PARQUET_MAX_TEXT + (1 << 20), /* bytes of a page */
};

/* A least or greatest value, as PLAIN writes it, a text without its length. */
enum { PARQUET_MAX_BOUND = 64 };

struct parquet_bound {
  uint8_t len;
  char bytes[PARQUET_MAX_BOUND];
};

/* A text points into the bound; a double is f. */
union parquet_value parquet_bound_value(const struct parquet_bound *bound, enum parquet_type type);

struct parquet_stats {
  bool known; /* min and max are */
  struct parquet_bound min, max;
  uint64_t values, nulls;
};

struct parquet_page {
  int64_t offset;
  int32_t size;      /* in the file, its header included */
  int64_t first_row; /* of its group */
};

/* Where an index stands; length 0: there is none. */
struct parquet_place {
  int64_t offset;
  int32_t length;
};

/* A column of a group. */
struct parquet_chunk {
  enum parquet_encoding encoding; /* of its data pages */
  enum parquet_codec codec;
  int64_t dictionary_offset; /* 0: it has none */
  int64_t data_offset;
  int64_t size, raw_size; /* of all its pages with their headers, and before compression */
  struct parquet_stats stats;
  struct parquet_place offset_index, column_index;
};

struct parquet_group {
  int64_t rows;
  struct parquet_chunk *chunks; /* a column each */
};

struct parquet_meta {
  struct parquet_column *columns; /* names are owned */
  size_t ncolumns;
  struct parquet_group *groups;
  size_t ngroups;
  int64_t rows;
  char **notes; /* key, value, .. */
  size_t nnotes; /* pairs */
};

void parquet_meta_clear(struct parquet_meta *meta);

bool parquet_is_text(enum parquet_type type); /* or bytes */

struct parquet_page_header {
  enum parquet_page_type type;
  int32_t size, raw_size; /* of what follows */
  bool has_checksum;
  uint32_t checksum;
  int32_t values; /* nulls included */
  enum parquet_encoding encoding;
};

/* Appended. */
void parquet_write_footer(struct buf *b, const struct parquet_meta *meta);
void parquet_write_page_header(struct buf *b, const struct parquet_page_header *header);
void parquet_write_offset_index(struct buf *b, const struct parquet_page *pages, size_t count);
/* Of pages whose min and max are known, or that have only nulls. */
void parquet_write_column_index(struct buf *b, const struct parquet_stats *pages, size_t count);

/* Each false where the bytes are not what our writer writes; meta is then cleared. */
bool parquet_read_footer(const char *data, size_t len, struct parquet_meta *meta);
/* *used: the bytes of the header. */
bool parquet_read_page_header(const char *data, size_t len, struct parquet_page_header *header,
                              size_t *used);
/* The count of pages, into an array of PARQUET_MAX_PAGES; 0 where they are not ours. */
size_t parquet_read_offset_index(const char *data, size_t len, struct parquet_page *pages);
/* Into an array of count. */
bool parquet_read_column_index(const char *data, size_t len, struct parquet_stats *pages,
                               size_t count);

#endif
