#ifndef MOONLEDGER_STORE_FILE_KEY_H
#define MOONLEDGER_STORE_FILE_KEY_H

#include "record/schema.h"

/* Keys of groups as bytes whose memcmp order is SQLite's order of the values they
 * were made from. */
void key_put_int(struct buf *key, int64_t n);
void key_put_real(struct buf *key, double n);
void key_put_text(struct buf *key, const char *s, size_t len);

void key_put_value(struct buf *key, const struct column *c, union value v, const struct buf *text);

/* What the key of a cell begins with: its set and its tier, a byte each, and its bucket in seconds.
 * The by columns follow. */
enum { KEY_CELL_BYTES = 10 };
void key_put_cell(struct buf *key, size_t set, enum tier tier, int64_t bucket);

/* Each returns the first byte after the value.  *s of a text points into the key,
 * or into scratch when the text has a NUL in it. */
const char *key_get_int(const char *p, int64_t *n);
const char *key_get_real(const char *p, double *n);
const char *key_get_text(const char *p, struct buf *scratch, const char **s, size_t *len);

#endif
