#include "record/timestamp.h"

#include <math.h>

#include "base/clock.h"
#include "base/number.h"

static const int64_t min_us = -62135596800000000, max_us = 253402300799999999; /* years 1 to 9999 */

/* Howard Hinnant, "chrono-compatible low-level date algorithms": years begin in
 * March, so that the leap day is last. */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2;
  int64_t era = (year >= 0 ? year : year - 399) / 400;
  int64_t year_of_era = year - era * 400;
  int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
         719468;
}

static void civil_from_days(int64_t days, int *year, int *month, int *day) {
  days += 719468;
  int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  int64_t day_of_era = days - era * 146097;
  int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t shifted = (5 * day_of_year + 2) / 153;
  *day = (int) (day_of_year - (153 * shifted + 2) / 5 + 1);
  *month = (int) (shifted < 10 ? shifted + 3 : shifted - 9);
  *year = (int) (year_of_era + era * 400 + (*month <= 2));
}

static bool in_range(int64_t candidate, int64_t *us) {
  if (candidate < min_us || candidate > max_us)
    return false;
  *us = candidate;
  return true;
}

/* Seconds stay below 1e11 until the year 5138; milliseconds, microseconds and
 * nanoseconds of dates after 1973 fill the next decades of the scale. */
bool timestamp_from_integer(int64_t n, int64_t *us) {
  uint64_t magnitude = n < 0 ? 0 - (uint64_t) n : (uint64_t) n;
  if (magnitude < 100000000000)
    return in_range(n * 1000000, us);
  if (magnitude < 100000000000000)
    return in_range(n * 1000, us);
  if (magnitude < 100000000000000000)
    return in_range(n, us);
  return in_range(n / 1000 - (n % 1000 < 0), us);
}

bool timestamp_from_real(double n, int64_t *us) {
  double magnitude = fabs(n);
  if (!(magnitude < 9e18))
    return false;
  double scale = magnitude < 1e11 ? 1e6 : magnitude < 1e14 ? 1e3 : magnitude < 1e17 ? 1 : 1e-3;
  double rounded = rint(n * scale);
  return rounded >= (double) min_us && rounded <= (double) max_us &&
         in_range((int64_t) rounded, us);
}

struct text {
  const char *p, *end;
};

static bool take_char(struct text *t, const char *any_of) {
  if (t->p == t->end || *t->p == '\0' || strchr(any_of, *t->p) == NULL)
    return false;
  t->p++;
  return true;
}

static bool digits(struct text *t, int count, int64_t *n) {
  if (t->end - t->p < count)
    return false;
  *n = 0;
  for (int i = 0; i < count; i++) {
    if (t->p[i] < '0' || t->p[i] > '9')
      return false;
    *n = *n * 10 + (t->p[i] - '0');
  }
  t->p += count;
  return true;
}

/* Digits after the point; those beyond the microsecond are cut. */
static bool fraction(struct text *t, int64_t *us) {
  const char *start = t->p;
  int64_t unit = 100000;
  *us = 0;
  for (; t->p < t->end && *t->p >= '0' && *t->p <= '9'; t->p++, unit /= 10)
    *us += (*t->p - '0') * unit;
  return t->p > start;
}

/* Z, +hh:mm, +hhmm, +hh or nothing; the offset in microseconds. */
static bool zone(struct text *t, int64_t *offset) {
  int64_t hours, minutes = 0;
  *offset = 0;
  take_char(t, " ");
  if (t->p == t->end || take_char(t, "Zz"))
    return true;
  bool west = *t->p == '-';
  if (!take_char(t, "+-") || !digits(t, 2, &hours))
    return false;
  if (t->p < t->end && !(take_char(t, ":"), digits(t, 2, &minutes)))
    return false;
  *offset = (hours * 60 + minutes) * 60000000 * (west ? -1 : 1);
  return hours < 24 && minutes < 60;
}

static bool time_of_day(struct text *t, int64_t *us) {
  int64_t hour, minute, second = 0, part = 0;
  if (!digits(t, 2, &hour) || !take_char(t, ":") || !digits(t, 2, &minute))
    return false;
  if (take_char(t, ":") && (!digits(t, 2, &second) || (take_char(t, ".,") && !fraction(t, &part))))
    return false;
  *us = ((hour * 60 + minute) * 60 + second) * 1000000 + part;
  return hour < 24 && minute < 60 && second <= 60; /* 60: a leap second */
}

static bool parse_iso(const char *s, size_t len, int64_t *us) {
  static const int8_t month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  struct text t = {s, s + len};
  int64_t year, month, day, time = 0, offset = 0;
  if (!digits(&t, 4, &year) || !take_char(&t, "-") || !digits(&t, 2, &month) ||
      !take_char(&t, "-") || !digits(&t, 2, &day))
    return false;
  if (month < 1 || month > 12)
    return false;
  bool leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  if (day < 1 || day > month_days[month - 1] + leap)
    return false;
  if (t.p < t.end &&
      (!take_char(&t, "Tt ") || !time_of_day(&t, &time) || !zone(&t, &offset) || t.p < t.end))
    return false;
  return in_range(days_from_civil(year, month, day) * DAY_US + time - offset, us);
}

bool timestamp_parse(const char *s, size_t len, int64_t *us) {
  bool is_integer;
  int64_t integer;
  double real;
  while (len > 0 && (*s == ' ' || *s == '\t'))
    s++, len--;
  while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t'))
    len--;
  if (!parse_number(s, len, &is_integer, &integer, &real))
    return parse_iso(s, len, us);
  return is_integer ? timestamp_from_integer(integer, us) : timestamp_from_real(real, us);
}

static char *put_digits(char *p, int count, int64_t n) {
  for (int i = count - 1; i >= 0; i--, n /= 10)
    p[i] = (char) ('0' + n % 10);
  return p + count;
}

void timestamp_write(struct buf *out, int64_t us) {
  int year, month, day;
  int64_t days = us / DAY_US - (us % DAY_US < 0);
  int64_t rest = us - days * DAY_US, second = rest / 1000000, part = rest % 1000000;
  civil_from_days(days, &year, &month, &day);

  char *start = buf_reserve(out, 32), *p = put_digits(start, 4, year);
  *p++ = '-';
  p = put_digits(p, 2, month);
  *p++ = '-';
  p = put_digits(p, 2, day);
  *p++ = 'T';
  p = put_digits(p, 2, second / 3600);
  *p++ = ':';
  p = put_digits(p, 2, second / 60 % 60);
  *p++ = ':';
  p = put_digits(p, 2, second % 60);
  if (part != 0) {
    *p++ = '.';
    p = put_digits(p, 6, part);
  }
  *p++ = 'Z';
  out->len += (size_t) (p - start);
}
