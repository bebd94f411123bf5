#ifndef MOONLEDGER_BASE_NUMBER_H
#define MOONLEDGER_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NUMBER_MAX = 32 };  /* bytes that any formatted number fits in */

/* Decimal digits of n at out, without a terminating NUL; returns their count. */
size_t format_int(char *out, int64_t n);

/* The shortest decimal form that reads back as the same double, with a point or an
 * exponent so that it reads as a float: 2.0, 0.1, 1e+16.  n is finite.  No terminating
 * NUL; returns the length. */
size_t format_double(char *out, double n);

/* Reads the JSON number (RFC 8259, section 6) at s, which ends where it cannot go on, at
 * the latest at end; returns the byte behind it, or NULL when there is none.  An integer
 * that fits int64_t goes to *integer with *is_integer true; everything else to *real. Too
 * large a number becomes an infinity. */
const char *read_number(const char *s, const char *end, bool *is_integer,
                        int64_t *integer, double *real);

/* The same for a number of exactly len bytes; false when they are none. */
bool parse_number(const char *s, size_t len, bool *is_integer, int64_t *integer, double *real);

/* n rounded to the nearest int64_t; beyond them the last one, 0 for NaN. */
int64_t number_saturate(double n);

/* n * scale, where 1000 and not the inexact 0.001 decides the digits. */
static inline double number_scale(double n, double scale) {
  return scale >= 1 ? n * scale : n / (1 / scale);
}

/* The value of a hexadecimal digit; -1: it is none. */
static inline int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif
