#include "base/number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t format_uint(char *out, uint64_t n) {
  char digits[20];
  size_t len = 0;
  do {
    digits[len++] = (char) ('0' + n % 10);
    n /= 10;
  } while (n > 0);
  for (size_t i = 0; i < len; i++)
    out[i] = digits[len - 1 - i];
  return len;
}

size_t format_int(char *out, int64_t n) {
  if (n >= 0)
    return format_uint(out, (uint64_t) n);
  *out = '-';
  return 1 + format_uint(out + 1, 0 - (uint64_t) n);
}

static const long double powers[] = {1e0L,  1e1L,  1e2L,  1e3L,  1e4L,  1e5L,  1e6L,
                                     1e7L,  1e8L,  1e9L,  1e10L, 1e11L, 1e12L, 1e13L,
                                     1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L};

/* mantissa / 10^places, correctly rounded; false when this way cannot tell.  Both are
 * exact where a long double has 64 bits of precision, so the quotient is off by at most
 * half its last bit.  Rounding it once more to a double is right unless it lies next to
 * the middle between two doubles. */
static bool divide(uint64_t mantissa, int places, double *out) {
  if (mantissa <= (uint64_t) 1 << 53) {
    *out = (double) mantissa / (double) powers[places];
    return true;
  }
#if LDBL_MANT_DIG == 64
  long double quotient = (long double) mantissa / powers[places];
  uint64_t bits;
  memcpy(&bits, &quotient, sizeof bits);
  *out = (double) quotient;
  return (bits & 0x7ff) < 0x3ff || (bits & 0x7ff) > 0x401;
#else
  return false;
#endif
}

/* digits / 10^places, with at least one digit on both sides of the point. */
static size_t write_decimal(char *out, bool negative, uint64_t digits, int places) {
  for (; places > 0 && digits % 10 == 0; places--)
    digits /= 10;
  uint64_t unit = (uint64_t) powers[places];
  char *p = out, fraction[20];
  if (negative)
    *p++ = '-';
  p += format_uint(p, digits / unit);
  *p++ = '.';
  size_t len = format_uint(fraction, digits % unit), width = places > 0 ? (size_t) places : 1;
  memset(p, '0', width - len);
  memcpy(p + width - len, fraction, len);
  return (size_t) (p - out) + width;
}

/* A decimal of at most 15 digits is the only one of that length that reads back as its
 * double, so the first scale at which the scaled value is a whole number and divides back
 * exactly is the shortest. */
static size_t format_decimal(char *out, double n) {
  static const double scale[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
  enum { SCALES = sizeof scale / sizeof *scale };

  double magnitude = fabs(n);
  for (int places = 0; places < SCALES; places++) {
    double scaled = rint(magnitude * scale[places]);
    if (scaled >= 1e15)
      return 0;
    if (scaled / scale[places] == magnitude)
      return write_decimal(out, signbit(n), (uint64_t) scaled, places);
  }
  return 0;
}

/* magnitude * 10^places, rounded; false where a long double cannot tell to which side. */
static bool multiply(double magnitude, int places, uint64_t *out) {
  long double product = (long double) magnitude * powers[places];
  *out = (uint64_t) product;
  long double rest = product - (long double) *out;
  *out += rest > 0.5L;
  /* twice what the product is off by */
  return LDBL_MANT_DIG == 64 && fabsl(rest - 0.5L) > product * 0x1p-63L;
}

/* The fewest of 15 to 17 digits that read back as n.  0 where it cannot tell. */
static size_t format_digits(char *out, double n) {
  double magnitude = fabs(n), value;
  int whole = 0; /* digits before the point, or less than 0: zeros behind it */
  if (!(magnitude >= 1e-3 && magnitude < 1e15))
    return 0;
  while (whole < 15 && magnitude >= (double) powers[whole])
    whole++;
  for (double tenth = 0.1; magnitude < tenth; tenth /= 10)
    whole--;
  for (int places = 15 - whole; places <= 17 - whole; places++) {
    uint64_t digits;
    if (!multiply(magnitude, places, &digits) || !divide(digits, places, &value))
      return 0;
    if (value == magnitude)
      return write_decimal(out, signbit(n), digits, places);
  }
  return 0;
}

size_t format_double(char *out, double n) {
  size_t len = format_decimal(out, n);
  if (len == 0)
    len = format_digits(out, n);
  if (len > 0)
    return len;

  char text[NUMBER_MAX];
  int least = fabs(n) < DBL_MIN ? 1 : 15; /* a subnormal has fewer digits */
  for (int precision = least; precision <= 17; precision++) {
    len = (size_t) snprintf(text, sizeof text, "%.*g", precision, n);
    if (strtod(text, NULL) == n)
      break;
  }
  memcpy(out, text, len);
  if (strcspn(text, ".eni") == len) {
    memcpy(out + len, ".0", 2);
    len += 2;
  }
  return len;
}

static double parse_slowly(const char *s, size_t len) {
  char small[64], *text = len < sizeof small ? small : malloc(len + 1);
  if (text == NULL)
    return NAN;
  memcpy(text, s, len);
  text[len] = '\0';
  double value = strtod(text, NULL);
  if (text != small)
    free(text);
  return value;
}

static const char *read_digits(const char *p, const char *end, uint64_t *mantissa) {
  uint64_t n = *mantissa;
  for (; p < end && (unsigned char) (*p - '0') < 10; p++)
    n = n * 10 + (uint64_t) (*p - '0');
  *mantissa = n;
  return p;
}

static const char *skip_exponent(const char *p, const char *end) {
  uint64_t ignored = 0;
  p++;
  p += p < end && (*p == '+' || *p == '-');
  const char *digits = p;
  p = read_digits(p, end, &ignored);
  return p > digits ? p : NULL;
}

/* The mantissa may have overflowed where there are more than 19 digits; then it is not
 * looked at. */
const char *read_number(const char *s, const char *end, bool *is_integer,
                        int64_t *integer, double *real) {
  bool negative = s < end && *s == '-';
  const char *whole = s + negative, *fraction = NULL;
  uint64_t mantissa = 0, limit = (uint64_t) INT64_MAX + negative;
  const char *p = read_digits(whole, end, &mantissa);
  size_t digits = (size_t) (p - whole);
  if (digits == 0 || (digits > 1 && *whole == '0'))
    return NULL;
  if ((p == end || (*p != '.' && (*p | 0x20) != 'e')) && digits <= 19 && mantissa <= limit) {
    *is_integer = true;
    *integer = negative ? (int64_t) (0 - mantissa) : (int64_t) mantissa;
    return p;
  }

  if (p < end && *p == '.') {
    fraction = ++p;
    p = read_digits(p, end, &mantissa);
    if (p == fraction)
      return NULL;
    digits += (size_t) (p - fraction);
  }
  *is_integer = false;
  bool scientific = p < end && (*p | 0x20) == 'e';
  if (scientific && (p = skip_exponent(p, end)) == NULL)
    return NULL;
  double value;
  if (!scientific && digits <= 19 && fraction != NULL &&
      divide(mantissa, (int) (p - fraction), &value))
    *real = negative ? -value : value;
  else
    *real = parse_slowly(s, (size_t) (p - s));
  return p;
}

bool parse_number(const char *s, size_t len, bool *is_integer, int64_t *integer, double *real) {
  const char *end = s + len;
  return len > 0 && read_number(s, end, is_integer, integer, real) == end;
}

int64_t number_saturate(double n) {
  if (n >= 0x1p63)
    return INT64_MAX;
  if (n < -0x1p63)
    return INT64_MIN;
  return n == n ? llrint(n) : 0;
}
