#ifndef MOONLEDGER_RECORD_SCHEMA_NAMES_H
#define MOONLEDGER_RECORD_SCHEMA_NAMES_H

#include "record/schema.h"

/* Fills slots, nslots zeros, from names. */
void schema_index_names(struct schema *s);

#endif
