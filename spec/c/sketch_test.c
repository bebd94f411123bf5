#include <math.h>

#include "sketch_fixture.h"
#include "test.h"

static double noise(void) {
  return (rand() + 1.0) / (RAND_MAX + 2.0);
}

static bool same(const struct sketch *a, const struct sketch *b) {
  struct buf x = {0}, y = {0};
  sketch_pack(a, &x);
  sketch_pack(b, &y);
  bool equal = x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
  buf_clear(&x);
  buf_clear(&y);
  return equal;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

static void error_bound(void) {
  enum { COUNT = 20000 };
  static double values[COUNT];
  struct sketch s = {0};
  for (int i = 0; i < COUNT; i++) {
    values[i] = exp(log(1800) + sqrt(-2 * log(noise())) * cos(6.283185307179586 * noise()) * 3);
    sketch_add(&s, values[i], 1);
  }
  qsort(values, COUNT, sizeof *values, ascending);
  for (double q = 0; q <= 1; q += 0.001) {
    int rank = (int) ceil(q * COUNT);
    double exact = values[rank < 1 ? 0 : rank - 1];
    CHECK(fabs(sketch_quantile(&s, q) - exact) <= 0.011 * exact);
  }
  sketch_clear(&s);
  for (double value = 1e-8; value < 1e17; value *= 1.00371) {
    sketch_add(&s, value, 1);
    CHECK(fabs(sketch_quantile(&s, 1) - value) <= 0.011 * value);
  }
  sketch_clear(&s);
}

/* Of few values a sketch is a list, of many a range: both are merged into both. */
static void order(int values) {
  struct sketch parts[8] = {0}, forward = {0}, backward = {0}, whole = {0};
  for (int i = 0; i < values; i++) {
    double value = exp(noise() * 20) - 2;
    sketch_add(&parts[rand() % 8], value, 1);
  }
  for (int i = 0; i < 8; i++) {
    sketch_merge(&forward, &parts[i]);
    sketch_merge(&backward, &parts[7 - i]);
  }
  CHECK(same(&forward, &backward));
  CHECK(sketch_total(&forward) == values);

  struct buf packed = {0};
  for (int i = 0; i < 8; i++) {
    packed.len = 0;
    sketch_pack(&parts[i], &packed);
    CHECK(sketch_merge_packed(&whole, packed.data, packed.len, 1));
  }
  CHECK(same(&forward, &whole));

  for (int i = 0; i < 7; i++) {
    packed.len = 0;
    sketch_pack(&parts[i], &packed);
    CHECK(sketch_merge_packed(&whole, packed.data, packed.len, -1));
  }
  CHECK(same(&whole, &parts[7]));

  buf_clear(&packed);
  for (int i = 0; i < 8; i++)
    sketch_clear(&parts[i]);
  sketch_clear(&forward);
  sketch_clear(&backward);
  sketch_clear(&whole);
}

static void taking_away(void) {
  struct sketch s = {0}, empty = {0};
  double odd[] = {0, -1, NAN, INFINITY, -INFINITY, 1e-300, 1e300, 5e-324, 0.5, 1, 2, 1234.5};
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
    sketch_add(&s, odd[i], 3);
  CHECK(sketch_total(&s) == 36);
  CHECK(s.zero == 12);
  CHECK(sketch_quantile(&s, 0.2) == 0);
  CHECK(isfinite(sketch_quantile(&s, 1)));
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
    sketch_add(&s, odd[i], -3);
  CHECK(same(&s, &empty));
  CHECK(sketch_total(&s) == 0 && sketch_quantile(&s, 0.5) == 0);
  CHECK(sketch_quantile(&empty, 0.5) == 0);
  sketch_clear(&s);
}

/* Counted together, as one after the other; and the counts are empty again. */
static void counting(void) {
  static struct sketch_counts counts;
  static const double odd[] = {0, -1, NAN, INFINITY, 1e-300, 1e300, 1};
  for (int values = 1; values <= 4096; values *= 2) {
    struct sketch each = {0}, taken = {0};
    for (int i = 0; i < values; i++) {
      double value = i < 7 ? odd[i] : exp(noise() * 20) - 2;
      int sign = i % 5 == 4 ? -1 : 1;
      sketch_add(&each, value, sign);
      sketch_count(&counts, sketch_bucket(value), sign);
    }
    sketch_take(&taken, &counts);
    CHECK(same(&taken, &each));
    CHECK(sketch_total(&taken) == values - values / 5 * 2);
    sketch_clear(&each);
    sketch_clear(&taken);
  }
}

/* More than the list of few buckets can count. */
static void many(void) {
  struct sketch s = {0}, sum = {0};
  for (int i = 0; i < 3; i++)
    sketch_add(&s, 7, INT32_MAX);
  sketch_add(&s, 9, 1);
  sketch_add(&sum, 7, INT32_MAX);
  sketch_add(&sum, 9, INT32_MAX);
  CHECK(sketch_total(&s) == 3 * (int64_t) INT32_MAX + 1);
  sketch_merge(&sum, &s);
  CHECK(sketch_total(&sum) == 5 * (int64_t) INT32_MAX + 1);
  sketch_reset(&s);
  sketch_add(&s, 9, 1);
  CHECK(sketch_total(&s) == 1);
  sketch_merge(&sum, &s);
  CHECK(sketch_total(&sum) == 5 * (int64_t) INT32_MAX + 2);
  sketch_clear(&s);
  sketch_clear(&sum);
}

static void garbage(void) {
  struct sketch s = {0};
  static const char *const wrong[] = {"",
                                      "\x02",
                                      "\x01",
                                      "\x01\x80",
                                      "\x01\x02\x05",
                                      "\x01\x02\xff\xff\x7f\x02",
                                      "\x01\x01\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
                                      "\x01\x02\x10\x02\xbf\x16\x02\x10\x02"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    CHECK(!sketch_merge_packed(&s, wrong[i], strlen(wrong[i]), 1));

  for (int i = 0; i < 200000; i++) {
    unsigned char bytes[24];
    size_t len = (size_t) rand() % sizeof bytes;
    for (size_t k = 0; k < len; k++)
      bytes[k] = (unsigned char) rand();
    if (len > 0 && rand() % 2)
      bytes[0] = 1;
    sketch_merge_packed(&s, bytes, len, 1);
    CHECK(s.len <= 91 * 32);
  }
  sketch_clear(&s);
}

static void size(void) {
  struct sketch s = {0};
  struct buf packed = {0};
  for (int i = 0; i < 1000; i++)
    sketch_add(&s, exp(log(1800) + noise() * 3), 1);
  sketch_pack(&s, &packed);
  CHECK(packed.len < 500);
  buf_clear(&packed);
  sketch_clear(&s);
}

int main(void) {
  srand(3);
  error_bound();
  for (int values = 8; values <= 4096; values *= 2)
    order(values);
  taking_away();
  counting();
  many();
  garbage();
  size();
  return TEST_END;
}
