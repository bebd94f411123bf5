#ifndef MOONLEDGER_STORE_READ_RESULT_H
#define MOONLEDGER_STORE_READ_RESULT_H

#include "store/storage.h"

/* Filling a result: first the names, then the cells row by row; nrows is the
 * caller's to count. */
void result_name(struct result *r, const char *name);
void result_put(struct result *r, struct result_value value);
void result_put_text(struct result *r, const char *s, size_t len);

#endif
