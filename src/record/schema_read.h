#ifndef MOONLEDGER_RECORD_SCHEMA_READ_H
#define MOONLEDGER_RECORD_SCHEMA_READ_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "record/condition.h"
#include "record/schema.h"

/* What the files that compile lua/schema.lua share.  The functions look at the table at the top of the stack,
 * leave the stack as it was, and answer false after a mistake, which they have described in error. */
struct schema_reader {
  struct lua_State *L;
  struct schema *schema;
  struct buf *error;
};

/* Owns p from now on; answers it. */
void *schema_keep(struct schema *schema, void *p);

bool reader_fail(struct schema_reader *r, const char *where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Refuses text keys other than the known ones, which end with NULL. */
bool reader_keys(struct schema_reader *r, const char *where, const char *const *known);

/* Optional members: *out stays as it is where there is none.  Texts are kept by the schema. */
bool reader_text(struct schema_reader *r, const char *where, const char *key, const char **out);
bool reader_number(struct schema_reader *r, const char *where, const char *key, double *out);
bool reader_flag(struct schema_reader *r, const char *where, const char *key, bool *out);
bool reader_column(struct schema_reader *r, const char *where, const char *key, int *out);
bool reader_conditions(struct schema_reader *r, const char *where, const char *key, struct conditions **out);

/* The text at position i of a list, or NULL with error set. */
const char *reader_item(struct schema_reader *r, const char *where, int i, const char *expected);

/* Calls read for each table of the list under key, which lies at the top of the stack; where is "key[i]".  A
 * missing list is an empty one. */
typedef bool (*reader_entry)(struct schema_reader *r, const char *where, size_t i);
bool reader_list(struct schema_reader *r, const char *key, size_t max, reader_entry read);
size_t reader_length(struct schema_reader *r, const char *key);

/* The parts: schema_columns.c, schema_sums.c, schema_families.c. */
bool schema_read_columns(struct schema_reader *r);
bool schema_read_events(struct schema_reader *r);
bool schema_read_sums(struct schema_reader *r);
bool schema_read_families(struct schema_reader *r);

#endif
