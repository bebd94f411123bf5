#ifndef MOONLEDGER_STORE_COLD_PARQUET_FILE_H
#define MOONLEDGER_STORE_COLD_PARQUET_FILE_H

#include "store/cold/parquet_meta.h"
#include "store/cold/parquet_pack.h"
#include "store/cold/parquet_read.h"

/* An open file, as the reader sees it.  Private to parquet_*.c. */

struct group_pages {
  size_t count;
  uint32_t *first; /* row of each page, and the group's rows */
  struct parquet_page *pages; /* count of each column */
};

struct parquet_file {
  char *path;
  int fd;
  int64_t size;
  bool skip_checks;
  struct parquet_meta meta;
  struct group_pages *groups;
};

/* Tells why of the file; false. */
bool parquet_fail(const struct parquet_file *f, struct buf *why, const char *what);

/* Reads bytes of the file, with a slack behind them (parquet_pack.h). */
bool parquet_pread(const struct parquet_file *f, int64_t offset, int64_t len, struct buf *into,
                   struct buf *why);

void parquet_range_of(const struct parquet_stats *stats, enum parquet_type type,
                      struct parquet_range *range);

#endif
