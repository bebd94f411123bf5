#include "base/number.h"

#include <math.h>

#include "test.h"

static void check_double(double n, const char *expected) {
  char text[NUMBER_MAX];
  size_t len = format_double(text, n);
  CHECK_BYTES(text, len, expected);
}

/* The shortest that reads back, by trying. */
static void check_shortest(double n) {
  char text[NUMBER_MAX + 1], tried[NUMBER_MAX];
  text[format_double(text, n)] = '\0';
  for (int precision = 15; precision <= 17; precision++) {
    snprintf(tried, sizeof tried, "%.*g%s", precision, n, n == floor(n) ? ".0" : "");
    if (strtod(tried, NULL) == n)
      break;
  }
  CHECK_BYTES(text, strlen(text), tried);
}

static void check_parse(const char *text, bool valid, bool integer, double value) {
  bool is_integer = false;
  int64_t i = 0;
  double real = 0;
  CHECK(parse_number(text, strlen(text), &is_integer, &i, &real) == valid);
  if (!valid)
    return;
  CHECK(is_integer == integer);
  CHECK((is_integer ? (double) i : real) == value);
}

int main(void) {
  check_double(0, "0.0");
  check_double(-0.0, "-0.0");
  check_double(2, "2.0");
  check_double(0.1, "0.1");
  check_double(-12.5, "-12.5");
  check_double(0.036356100, "0.0363561");
  check_double(1795140951.668652, "1795140951.668652");
  check_double(3315.6442700073894, "3315.6442700073894");
  check_double(1e16, "1e+16");
  check_double(1e100, "1e+100");
  check_double(5e-324, "5e-324");
  check_double(1.0 / 3, "0.3333333333333333");
  check_double(123456789012345, "123456789012345.0");

  srand(7);
  for (int i = 0; i < 200000; i++) {
    union {
      unsigned long long bits;
      double n;
    } u = {(unsigned long long) rand() << 62 ^ (unsigned long long) rand() << 31 ^
           (unsigned long long) rand()};
    if (!isfinite(u.n))
      continue;
    char text[NUMBER_MAX + 1];
    text[format_double(text, u.n)] = '\0';
    CHECK(strtod(text, NULL) == u.n);
  }

  for (int i = 0; i < 300000; i++) {
    double n = (double) (rand() - RAND_MAX / 2) / (1 + rand() % 100000) * pow(10, rand() % 9 - 4);
    if (fabs(n) >= 1e-4 && fabs(n) < 1e15)
      check_shortest(i % 2 ? n : n / 3);
  }

  check_parse("0", true, true, 0);
  check_parse("-0", true, true, 0);
  check_parse("9223372036854775807", true, true, 9223372036854775807.0);
  check_parse("-9223372036854775808", true, true, -9223372036854775808.0);
  check_parse("9223372036854775808", true, false, 9223372036854775808.0);
  check_parse("1.5", true, false, 1.5);
  check_parse("3315.6442700073894", true, false, 3315.6442700073894);
  check_parse("1e3", true, false, 1000);
  check_parse("1E-2", true, false, 0.01);
  check_parse("123456789012345678901234567890", true, false, 123456789012345678901234567890.0);
  check_parse("0.00000000000000000000000000000001", true, false, 1e-32);
  check_parse("1e999", true, false, INFINITY);
  for (int i = 0; i < 300000; i++) {
    char text[64];
    long long whole = ((long long) rand() << 31 ^ rand()) >> rand() % 60;
    snprintf(text, sizeof text, "%lld.%0*lld", whole, rand() % 17 + 1,
             (long long) rand() << rand() % 20);
    check_parse(text, true, false, strtod(text, NULL));
  }
  static const char *const wrong[] = {"",    "-",  "01",   "1.", ".5",  "1e",
                                      "1e+", "+1", "0x10", "1 ", "NaN", "--1"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    check_parse(wrong[i], false, false, 0);
  return TEST_END;
}
