#ifndef MOONLEDGER_STORE_READ_ROWSET_H
#define MOONLEDGER_STORE_READ_ROWSET_H

#include "store/storage.h"

/* Filling a rowset: first the names, then the cells row by row; nrows is the caller's to count. */
void rowset_name(struct rowset *r, const char *name);
void rowset_put(struct rowset *r, struct cell cell);
void rowset_put_text(struct rowset *r, const char *s, size_t len);

#endif
