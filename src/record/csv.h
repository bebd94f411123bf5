#ifndef MOONLEDGER_RECORD_CSV_H
#define MOONLEDGER_RECORD_CSV_H

#include "base/buf.h"
#include "record/record.h"

/* Appends the row's fields (record_write_fields; none: its public columns) as a line of CSV (RFC
 * 4180, ended by CR LF); what it does not know is empty.  A text that a spreadsheet would run as a
 * formula gets an apostrophe in front (OWASP, "CSV Injection"). */
void csv_write_row(struct buf *out, const struct schema *schema, const struct record *r,
                   const struct buf *text, const int *fields, size_t nfields);

#endif
