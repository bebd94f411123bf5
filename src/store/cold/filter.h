#ifndef MOONLEDGER_STORE_COLD_FILTER_H
#define MOONLEDGER_STORE_COLD_FILTER_H

#include "record/condition.h"
#include "store/cold/parquet_read.h"

/* Conditions on the columns of parts, decided as early as can be: for a group by its statistics
 * and its dictionaries, for a page by its statistics, for rows by one column after the other, each
 * only where rows are left.  The same answers as conditions_match_row.  One thread's. */
struct filter;

/* where may be NULL: every row; else it is held until filter_free. */
struct filter *filter_new(struct conditions *where, const struct schema *schema);
void filter_free(struct filter *f); /* NULL is allowed */

/* What follows is of this part.  columns: of the file, by column of the schema; -1: it has none. */
void filter_bind(struct filter *f, const struct parquet_file *file, struct parquet_reader *reader,
                 const int *columns);

/* Columns of the schema, bit per column, that the part has not: filter_rows lets rows pass whatever
 * the conditions on them are. */
uint64_t filter_left_open(const struct filter *f);

enum filter_answer { FILTER_FAILED = -1, FILTER_NONE, FILTER_SOME };

/* The group that the reader stands in; the next two are of it.  FILTER_FAILED: why. */
enum filter_answer filter_group(struct filter *f, size_t group, struct buf *why);
enum filter_answer filter_page(struct filter *f, size_t page, struct buf *why);

/* Leaves those of *n places, ascending ones of the page that the reader stands on, whose rows
 * match.  false: why. */
bool filter_rows(struct filter *f, uint16_t *places, size_t *n, struct buf *why);

#endif
