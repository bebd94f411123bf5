#ifndef MOONLEDGER_STORE_SEAL_PART_COLUMNS_H
#define MOONLEDGER_STORE_SEAL_PART_COLUMNS_H

#include <stdatomic.h>

#include "store/cold/view.h"

/* The columns of a part that is to be written: rowid, those of the schema under their names, extra,
 * told (an integer) and told_stamps (a blob, where told is null; file/told.h), and what the source
 * has beyond the schema, as it has it: what a sender told is not lost with its column. */
struct part_columns {
  struct parquet_column items[PARQUET_MAX_COLUMNS];
  bool as_is[PARQUET_MAX_COLUMNS]; /* as the source has it, and optional; else by the schema */
  size_t count;
  size_t extra;      /* the first after those of the schema, which begin at 1 */
  size_t beyond;     /* the first that is not of the schema, up to count */
  uint64_t by_schema; /* stored columns that are not as_is */
};

/* Of the table's rows of a day up to `upto`.  With stop it ends early.  0 or UV_E with why. */
int part_columns_of_table(struct part_columns *columns, sqlite3 *db, const struct schema *schema,
                          const struct part *part, const atomic_bool *stop, struct buf *why);

/* Of parts that are joined. */
int part_columns_of_parts(struct part_columns *columns, const struct schema *schema,
                          struct cursor *const *parts, size_t nparts, struct buf *why);

void part_columns_clear(struct part_columns *columns);

#endif
