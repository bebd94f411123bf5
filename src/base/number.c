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

/* A decimal of at most 15 digits is the only one of that length that reads back as its double, so the
 * first scale at which the scaled value is a whole number and divides back exactly is the shortest. */
static size_t format_decimal(char *out, double n) {
  static const double scale[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
  enum { SCALES = sizeof scale / sizeof *scale };

  double magnitude = fabs(n);
  for (int places = 0; places < SCALES; places++) {
    double scaled = rint(magnitude * scale[places]);
    if (scaled >= 1e15)
      return 0;
    if (scaled / scale[places] != magnitude)
      continue;
    char *p = out;
    if (signbit(n))
      *p++ = '-';
    uint64_t unit = (uint64_t) scale[places], digits = (uint64_t) scaled;
    p += format_uint(p, digits / unit);
    *p++ = '.';
    if (places == 0) {
      *p++ = '0';
    } else {
      char fraction[20];
      size_t len = format_uint(fraction, digits % unit);
      memset(p, '0', (size_t) places - len);
      memcpy(p + places - len, fraction, len);
      p += places;
    }
    return (size_t) (p - out);
  }
  return 0;
}

size_t format_double(char *out, double n) {
  size_t len = format_decimal(out, n);
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

bool parse_number(const char *s, size_t len, bool *is_integer, int64_t *integer, double *real) {
  static const double power[] = {1,    1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  const char *p = s, *end = s + len;
  bool negative = p < end && *p == '-';
  p += negative;
  const char *digits = p;
  uint64_t mantissa = 0;
  int significant = 0, exponent = 0;

  for (; p < end && *p >= '0' && *p <= '9'; p++) {
    mantissa = mantissa * 10 + (uint64_t) (*p - '0');
    significant += significant > 0 || *p != '0';
  }
  size_t whole = (size_t) (p - digits);
  if (whole == 0 || (whole > 1 && *digits == '0'))
    return false;
  if (p == end && significant <= 19) {
    uint64_t limit = negative ? (uint64_t) INT64_MAX + 1 : (uint64_t) INT64_MAX;
    if (mantissa <= limit) {
      *is_integer = true;
      *integer = negative ? (int64_t) (0 - mantissa) : (int64_t) mantissa;
      return true;
    }
  }
  if (p < end && *p == '.') {
    const char *fraction = ++p;
    for (; p < end && *p >= '0' && *p <= '9'; p++) {
      mantissa = mantissa * 10 + (uint64_t) (*p - '0');
      significant += significant > 0 || *p != '0';
    }
    if (p == fraction)
      return false;
    exponent = (int) (fraction - p);
  }
  bool scientific = p < end && (*p == 'e' || *p == 'E');
  if (scientific) {
    p++;
    p += p < end && (*p == '+' || *p == '-');
    const char *power_digits = p;
    while (p < end && *p >= '0' && *p <= '9')
      p++;
    if (p == power_digits)
      return false;
  }
  if (p != end)
    return false;

  *is_integer = false;
  if (!scientific && significant <= 19 && mantissa <= (uint64_t) 1 << 53 && exponent >= -22) {
    double value = (double) mantissa / power[-exponent];
    *real = negative ? -value : value;
  } else {
    *real = parse_slowly(s, len);
  }
  return true;
}
