#ifndef MOONLEDGER_STORE_COLD_PARQUET_WRITE_H
#define MOONLEDGER_STORE_COLD_PARQUET_WRITE_H

#include "base/buf.h"
#include "store/cold/parquet.h"

/* Writes one Parquet file.  Rows are put value by value into the group that is being filled, which
 * is kept in memory; a full group is encoded and written in small steps (a page of one column
 * each), so that the caller can stop between any two of them:
 *
 *   while there are rows:
 *     while (parquet_is_full(w))              a group is full: encode it, bounded steps
 *       if (!parquet_step(w)) goto fail;
 *     parquet_put_text(w, 0, s, len); ..      each column once, in any order
 *     parquet_row(w);
 *   parquet_end(w);
 *   while (!parquet_is_done(w))
 *     if (!parquet_step(w)) goto fail;
 *   if (!parquet_sync(w)) goto fail;
 *   checksum = parquet_checksum(w); parquet_writer_free(w);
 *
 * Any thread, one at a time.  Not libuv's: writes block. */

struct parquet_writer;

/* Creates the file, which must not be there.  columns and their names are copied.  level is
 * zstd's; 0: pages are not compressed.  NULL: why tells. */
struct parquet_writer *parquet_writer_new(const char *path, const struct parquet_column *columns,
                                          size_t ncolumns, int level, struct buf *why);

/* Closes the file; one that is not done is left for the caller to unlink.  NULL is allowed. */
void parquet_writer_free(struct parquet_writer *w);

/* A pair for the footer, copied; before parquet_end. */
void parquet_note(struct parquet_writer *w, const char *key, const char *value);

/* The current row's value of a column.  A text is copied, and has at most 2^28 bytes.  A column
 * that is not put is null, which it must be allowed to be. */
void parquet_put_text(struct parquet_writer *w, size_t column, const char *data, size_t len);
void parquet_put_integer(struct parquet_writer *w, size_t column, int64_t value); /* times too */
void parquet_put_double(struct parquet_writer *w, size_t column, double value);
void parquet_put_boolean(struct parquet_writer *w, size_t column, bool value);

void parquet_row(struct parquet_writer *w); /* ends the row */

/* Ends the group early; no more rows until it is written. */
void parquet_end_group(struct parquet_writer *w);

/* No more rows: what is left is written by the steps, then the footer. */
void parquet_end(struct parquet_writer *w);

bool parquet_is_full(const struct parquet_writer *w); /* no row may be put before the next steps */
bool parquet_is_done(const struct parquet_writer *w);

/* One page of one column, or the footer: about a millisecond.  false: parquet_fault tells, and
 * the file is of no use. */
bool parquet_step(struct parquet_writer *w);
const char *parquet_fault(const struct parquet_writer *w);

/* Once done: the file is on the disk (its folder is the caller's to sync). */
bool parquet_sync(struct parquet_writer *w);

uint64_t parquet_bytes(const struct parquet_writer *w);  /* written so far */
uint32_t parquet_checksum(const struct parquet_writer *w); /* CRC-32 of all bytes, once done */

#endif
