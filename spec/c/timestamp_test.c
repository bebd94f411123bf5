#include "record/timestamp.h"

#include <math.h>

#include "test.h"

static void check_write(int64_t us, const char *expected) {
  struct buf out = {0};
  timestamp_write(&out, us);
  CHECK_BYTES(out.data, out.len, expected);
  int64_t back = 0;
  CHECK(timestamp_parse(out.data, out.len, &back) && back == us);
  buf_clear(&out);
}

static void written(void) {
  check_write(0, "1970-01-01T00:00:00Z");
  check_write(1750000120123456, "2025-06-15T15:08:40.123456Z");
  check_write(1750000120000001, "2025-06-15T15:08:40.000001Z");
  check_write(951782400000000, "2000-02-29T00:00:00Z");
  check_write(-1, "1969-12-31T23:59:59.999999Z");
  check_write(-62135596800000000, "0001-01-01T00:00:00Z");
  check_write(253402300799999999, "9999-12-31T23:59:59.999999Z");
}

static void texts(void) {
  const struct {
    const char *text, *expected; /* NULL: no time */
  } cases[] = {
      {"2025-06-15T15:08:40.123456Z", "2025-06-15T15:08:40.123456Z"},
      {"2025-06-15T15:08:40.123456789Z", "2025-06-15T15:08:40.123456Z"},
      {"2025-06-15T15:08:40,5z", "2025-06-15T15:08:40.500000Z"},
      {"2025-08-13 10:15:30.123", "2025-08-13T10:15:30.123000Z"},
      {"2025-08-13 10:15:30 +02:00", "2025-08-13T08:15:30Z"},
      {"2025-08-13T10:15:30-0330", "2025-08-13T13:45:30Z"},
      {"2025-08-13T10:15:30+01", "2025-08-13T09:15:30Z"},
      {"2025-08-13T10:15", "2025-08-13T10:15:00Z"},
      {"2025-08-13", "2025-08-13T00:00:00Z"},
      {" 2024-02-29 ", "2024-02-29T00:00:00Z"},
      {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"},
      {"1750000120", "2025-06-15T15:08:40Z"},
      {"1750000120.25", "2025-06-15T15:08:40.250000Z"},
      {"1750000120123", "2025-06-15T15:08:40.123000Z"},
      {"1750000120123456789", "2025-06-15T15:08:40.123456Z"},
      {"", NULL},
      {"10:15:30.123", NULL},
      {"2023-02-29", NULL},
      {"2025-13-01", NULL},
      {"2025-00-01", NULL},
      {"2025-01-32", NULL},
      {"2025-01-01T24:00:00Z", NULL},
      {"2025-01-01T10:60:00Z", NULL},
      {"2025-01-01T10:00:61Z", NULL},
      {"2025-01-01T10:00:00.Z", NULL},
      {"2025-01-01T10:00:00Zz", NULL},
      {"2025-01-01T10:00:00+1", NULL},
      {"2025-01-01T10:00:00+25:00", NULL},
      {"0000-01-01", NULL},
      {"0001-01-01T00:00:00+01:00", NULL},
      {"9999-12-31T23:59:59-01:00", NULL},
      {"today", NULL},
      {"1e400", NULL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t us = 0;
    bool ok = timestamp_parse(cases[i].text, strlen(cases[i].text), &us);
    CHECK(ok == (cases[i].expected != NULL));
    if (ok && cases[i].expected != NULL) {
      struct buf out = {0};
      timestamp_write(&out, us);
      CHECK_BYTES(out.data, out.len, cases[i].expected);
      buf_clear(&out);
    }
  }
  int64_t us;
  CHECK(!timestamp_parse("2025-01-01\0T", 12, &us));
}

static void magnitudes(void) {
  const int64_t second = 1750000120, expected = second * 1000000;
  int64_t us = 0;
  for (int64_t scale = 1; scale <= 1000000000; scale *= 1000) {
    CHECK(timestamp_from_integer(second * scale, &us) && us == expected);
    CHECK(timestamp_from_real((double) second * (double) scale, &us) && us == expected);
  }
  CHECK(timestamp_from_real(1795140951.668652, &us) && us == 1795140951668652);
  CHECK(timestamp_from_real(0.0000014, &us) && us == 1);
  CHECK(timestamp_from_integer(-1, &us) && us == -1000000);
  CHECK(timestamp_from_integer(-1750000120123456789, &us) && us == -1750000120123457);
  CHECK(timestamp_from_integer(99999999999, &us) && us == 99999999999000000);
  CHECK(timestamp_from_integer(INT64_MAX, &us));
  CHECK(timestamp_from_integer(INT64_MIN, &us));
  CHECK(!timestamp_from_real(NAN, &us));
  CHECK(!timestamp_from_real(INFINITY, &us));
  CHECK(!timestamp_from_real(-INFINITY, &us));
  CHECK(!timestamp_from_real(1e19, &us));
}

int main(void) {
  written();
  texts();
  magnitudes();
  return TEST_END;
}
