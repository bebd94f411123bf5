#ifndef MOONLEDGER_STORE_COLD_PARQUET_READ_H
#define MOONLEDGER_STORE_COLD_PARQUET_READ_H

#include "base/buf.h"
#include "store/cold/parquet.h"

/* Reads what parquet_write.h writes, and tells apart what it cannot read; bytes that are wrong in
 * any way never crash.  A struct parquet_file is immutable and for any thread; a struct
 * parquet_reader is one thread's view of it, on one page at a time.  Both bounded in memory: the
 * footer; and for each column that was asked for, a page and a dictionary.
 *
 * All that can fail returns false or NULL and appends to why a sentence that names the file. */

struct parquet_file;

/* With skip_checks the checksums of pages are not compared (for fuzzers). */
struct parquet_file *parquet_open(const char *path, bool skip_checks, struct buf *why);
void parquet_close(struct parquet_file *f); /* after its readers; NULL is allowed */

size_t parquet_columns(const struct parquet_file *f);
const struct parquet_column *parquet_column(const struct parquet_file *f, size_t column);
int parquet_find(const struct parquet_file *f, const char *name); /* a column; -1: not there */

size_t parquet_groups(const struct parquet_file *f);
size_t parquet_pages(const struct parquet_file *f, size_t group);
/* The first row of a page, counted from its group's first; of page == pages, the group's rows. */
size_t parquet_page_row(const struct parquet_file *f, size_t group, size_t page);

/* What is known of the values in a group or a page. */
struct parquet_range {
  bool known; /* min and max of what is not null: not with long texts, with NaN, or of only nulls */
  union parquet_value min, max; /* texts live as long as the file, or the reader's group */
  uint64_t nulls; /* so many or, of a page for which nothing is known, less */
};

void parquet_group_range(const struct parquet_file *f, size_t group, size_t column,
                         struct parquet_range *range);

struct parquet_reader;

struct parquet_reader *parquet_reader_new(const struct parquet_file *f);
void parquet_reader_free(struct parquet_reader *r); /* NULL is allowed */
void parquet_reader_open(struct parquet_reader *r, const struct parquet_file *f); /* another one */

/* Moves to a page.  Nothing is read yet; what parquet_get gave before is gone. */
void parquet_seek(struct parquet_reader *r, size_t group, size_t page);

/* Of the group that the reader is in, from the page index. */
bool parquet_page_range(struct parquet_reader *r, size_t page, size_t column,
                        struct parquet_range *range, struct buf *why);

/* What is read as a double has been written as the integer of its bits. */
typedef double __attribute__((may_alias)) parquet_double;

/* A page of a column: an entry for each row of it, a null one's being 0 or empty.  Numbers are
 * always flat.  Texts are either codes into a dictionary (the group's), or texts of their own. */
struct parquet_vector {
  size_t rows;
  const uint8_t *present;  /* a byte for each row: 1, or 0 where it is null; NULL: none is null */
  const int64_t *integers; /* of integers, times and booleans */
  const parquet_double *doubles;
  const struct parquet_text *texts; /* NULL when they are codes */
  const uint32_t *codes;            /* of a dictionary; a null one's is 0 */
  const struct parquet_text *dictionary; /* the same for all pages of a group with codes */
  size_t dictionary_size;
};

/* The column on the page that the reader stands on, read and decoded at the first call.  Valid
 * until the next seek; the dictionary until a seek into another group. */
const struct parquet_vector *parquet_get(struct parquet_reader *r, size_t column,
                                         struct buf *why);

/* The text of a row, whichever way it is kept. */
static inline struct parquet_text parquet_text_at(const struct parquet_vector *v, size_t row) {
  return v->texts != NULL ? v->texts[row]
         : v->present != NULL && !v->present[row] ? (struct parquet_text){"", 0}
                                                  : v->dictionary[v->codes[row]];
}

/* The dictionary of a column in the reader's group, before any page of it is read, so that a
 * whole group can be skipped in which no entry matches.  *size 0: it has none. */
bool parquet_dictionary(struct parquet_reader *r, size_t column,
                        const struct parquet_text **entries, size_t *size, struct buf *why);

#endif
