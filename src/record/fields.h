#ifndef MOONLEDGER_RECORD_FIELDS_H
#define MOONLEDGER_RECORD_FIELDS_H

#include "record/record.h"

enum { FIELD_EXTRA = -1 };

/* Appends a row as one JSON object of the fields chosen: columns, or FIELD_EXTRA.  What the row
 * does not know is null. */
void record_write_fields(struct buf *out, const struct schema *schema, const struct record *r,
                         const struct buf *text, const int *fields, size_t nfields);

#endif
