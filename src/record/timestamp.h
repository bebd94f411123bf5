#ifndef MOONLEDGER_RECORD_TIMESTAMP_H
#define MOONLEDGER_RECORD_TIMESTAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Unix microseconds from text (ISO 8601 with or without zone, UTC assumed, or a
 * number) or from a number whose magnitude tells seconds, milliseconds,
 * microseconds or nanoseconds.  false outside the years 1 to 9999. */
bool timestamp_parse(const char *s, size_t len, int64_t *us);
bool timestamp_from_integer(int64_t n, int64_t *us);
bool timestamp_from_real(double n, int64_t *us);

/* 2025-06-15T15:08:40.123456Z, without the fraction when it is zero. */
void timestamp_write(struct buf *out, int64_t us);

#endif
