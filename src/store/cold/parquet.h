#ifndef MOONLEDGER_STORE_COLD_PARQUET_H
#define MOONLEDGER_STORE_COLD_PARQUET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the writer and the reader of Parquet files share.  The format:
 * github.com/apache/parquet-format (its pages on
 * encodings and the page index, parquet.thrift).
 *
 * A file has groups of rows, a group a chunk for each column, a chunk pages.  All columns of ours
 * have their page boundaries at the same rows, so that a page is a number: rows first to last of
 * all columns. */

enum {
  PARQUET_MAX_COLUMNS = 128,
  PARQUET_GROUP_ROWS = 131072, /* at most */
  PARQUET_PAGE_ROWS = 8192,    /* at most */
  PARQUET_FULL_PAGE = 4096,    /* rows that end a page of ours: one of them costs a page to read */
};

enum parquet_type {
  PARQUET_TEXT,    /* UTF-8; the bytes are not checked */
  PARQUET_BYTES,   /* the same without a meaning */
  PARQUET_INTEGER, /* 64 bits */
  PARQUET_TIME,    /* microseconds since 1970, UTC */
  PARQUET_DOUBLE,
  PARQUET_BOOLEAN
};

struct parquet_column {
  const char *name;
  enum parquet_type type;
  bool optional; /* may be null */
};

struct parquet_text {
  const char *data;
  uint32_t len;
};

/* One value: i of integers, times and booleans, f of doubles. */
union parquet_value {
  int64_t i;
  double f;
  struct parquet_text s;
};

#endif
