#ifndef MOONLEDGER_STORE_COLD_PART_VALUE_H
#define MOONLEDGER_STORE_COLD_PART_VALUE_H

#include "store/cold/view.h"

/* A value as a part has it, whatever the schema says of its column: of columns that the schema has
 * lost, or has with another type by now. */
struct part_value {
  enum part_kind { KIND_NULL, KIND_INTEGER, KIND_DOUBLE, KIND_TEXT } kind;
  union parquet_value v; /* a text is its owner's */
};

enum part_kind part_kind_of(enum parquet_type type);

/* Of a column of the file, on the page where the cursor is.  false: view_why() tells. */
bool part_value_read(struct view *view, struct cursor *c, int column, size_t place,
                     struct part_value *value);

/* What a statement stands on; until its next step. */
struct part_value part_value_of(sqlite3_stmt *stmt, int index);

/* As SQLite reads it when asked for the type; texts go into b. */
union value part_value_as(const struct part_value *value, enum column_type type, struct batch *b);

/* As text, from which all of a number can be read again; scratch holds that of numbers. */
struct parquet_text part_value_text(const struct part_value *value, struct buf *scratch);

void part_value_bind(sqlite3_stmt *stmt, int index, const struct part_value *value);

#endif
