#ifndef MOONLEDGER_RECORD_JSON_H
#define MOONLEDGER_RECORD_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* The JSON of responses: compact, UTF-8 as it is (invalid bytes become U+FFFD), integers
 * exact, floats in the shortest form that reads back equal; not finite becomes null. */
void json_write_string(struct buf *out, const char *s, size_t len);
void json_write_double(struct buf *out, double n);

#endif
