#ifndef MOONLEDGER_RECORD_JSON_H
#define MOONLEDGER_RECORD_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* The JSON that answers are written in: compact, UTF-8 as it is (invalid bytes become U+FFFD), integers exact, floats in
 * the shortest form that reads back equal; not finite becomes null. */
void json_write_string(struct buf *out, const char *s, size_t len);
void json_write_double(struct buf *out, double n);

/* Reading: p points into text that ends at end.  Each answers the first byte after what it read, or NULL with
 * *error set. */
struct json_error {
  const char *at;
  const char *what;
};

const char *json_skip_space(const char *p, const char *end);

/* Past one value of any kind, checked as RFC 8259 asks, nested at most depth deep. */
const char *json_skip_value(const char *p, const char *end, unsigned depth, struct json_error *error);

/* Decodes the string whose opening quote is at p in place; the bytes are at *s, *len long.  Invalid UTF-8 and lone
 * surrogates become U+FFFD (three bytes: where that does not fit in place, one '?'). */
const char *json_read_string(char *p, char *end, char **s, size_t *len, struct json_error *error);

#endif
