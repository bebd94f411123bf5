#ifndef MOONLEDGER_STORE_SEAL_PART_WRITE_H
#define MOONLEDGER_STORE_SEAL_PART_WRITE_H

#include <sqlite3.h>
#include <stdatomic.h>

#include "store/cold/view.h"

/* The file of a part.  Its columns are told in part_columns.h; its footer names the database.  Rows
 * are put in order of time, then rowid. */
struct part_source {
  sqlite3 *db; /* within a transaction */
  const struct schema *schema;
  struct view *view;   /* refreshed */
  const int64_t *joined; /* live parts whose rows are read; none: rows of the table */
  size_t njoined;
};

/* Writes path from the source: rows of part->day up to part->upto, or those that count of parts
 * that are joined.  Sets what the manifest keeps of it.  stop ends it early.  0, or UV_E with why.
 */
int part_write(const char *path, const char *database, const struct part_source *source,
               const atomic_bool *stop, struct part *part, struct buf *why);

#endif
