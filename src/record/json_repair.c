#include "record/json_repair.h"

#include <math.h>
#include <string.h>

#include "base/number.h"
#include "base/utf8.h"
#include "record/json_scan.h"

enum { DOUBLE_DIGITS = 15, ESCAPE = 6 };

/* The text, what of it is written already, and where to. */
struct repairer {
  const char *done, *end;
  struct buf *out;
};

/* The code unit of an escape \uXXXX at p, or -1. */
static int32_t unit_at(const char *p, const char *end) {
  if (end - p < ESCAPE || p[0] != '\\' || p[1] != 'u')
    return -1;
  return json_hex4(p + 2);
}

/* Writes what stands before p, then instead; it goes on at next. */
static void replace(struct repairer *m, const char *p, const char *instead, const char *next) {
  buf_append(m->out, m->done, (size_t) (p - m->done));
  buf_puts(m->out, instead);
  m->done = next;
}

/* Behind the closing quote of the string that is open at p. */
static const char *string_end(const char *p, const char *end) {
  for (p++; p < end && *p != '"'; p++)
    if (*p == '\\')
      p++;
  return p < end ? p + 1 : end;
}

static bool is_name(const char *after, const char *end) {
  while (after < end && strchr(" \t\r\n", *after) != NULL && *after != '\0')
    after++;
  return after < end && *after == ':';
}

static bool is_high(int32_t unit) {
  return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low(int32_t unit) {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

static const char *repair_escape(struct repairer *m, const char *p, bool in_name) {
  int32_t unit = unit_at(p, m->end);
  if (unit < 0)
    return p + 2;
  const char *next = p + ESCAPE;
  if (is_high(unit) && is_low(unit_at(next, m->end)))
    return next + ESCAPE;
  if (is_high(unit) || is_low(unit) || (unit == 0 && in_name))
    replace(m, p, "\\ufffd", next);
  return next;
}

static const char *repair_string(struct repairer *m, const char *p) {
  const char *after = string_end(p, m->end), *escape = p;
  while ((escape = memchr(escape, '\\', (size_t) (after - escape))) != NULL) {
    escape = repair_escape(m, escape, is_name(after, m->end));
    if (escape >= after)
      break;
  }
  return after;
}

static bool is_in(char c, const char *set) {
  return c != '\0' && strchr(set, c) != NULL;
}

/* What the decoder makes of it. */
enum number { NUMBER_FINE, NUMBER_TOO_MUCH, NUMBER_NONE };

/* Too much: more digits than a double is sure to keep, or more than it can hold at all. */
static enum number weigh(const char *p, const char *after) {
  bool is_integer;
  int64_t integer;
  double real = 0;
  const char *digits = p + (*p == '-'), *end = digits;
  while (end < after && *end >= '0' && *end <= '9')
    end++;
  if (!parse_number(p, (size_t) (after - p), &is_integer, &integer, &real))
    return NUMBER_NONE;
  bool too_much = end == after ? end - digits > DOUBLE_DIGITS : isinf(real) != 0;
  return too_much ? NUMBER_TOO_MUCH : NUMBER_FINE;
}

static const char *repair_number(struct repairer *m, const char *p) {
  const char *after = p + 1;
  while (after < m->end && is_in(*after, "0123456789+-.eE"))
    after++;
  enum number number = weigh(p, after);
  if (number == NUMBER_TOO_MUCH) {
    replace(m, p, "\"", p);
    replace(m, after, "\"", after);
  } else if (number == NUMBER_NONE) {
    replace(m, p, "?", after); /* the decoder takes all that strtod() does: 2.E9 */
  }
  return after;
}

static void repair_tokens(struct repairer *m) {
  for (const char *p = m->done; p < m->end;)
    if (*p == '"')
      p = repair_string(m, p);
    else if (*p == '-' || (*p >= '0' && *p <= '9'))
      p = repair_number(m, p);
    else
      p++;
  if (m->out->len > 0)
    replace(m, m->end, "", m->end);
}

bool json_repair(const char *text, size_t len, struct buf *out) {
  struct buf valid = {0};
  if (utf8_valid(text, len) < len) {
    utf8_append(&valid, text, len);
    text = valid.data;
    len = valid.len;
  }
  struct repairer m = {.done = text, .end = text + len, .out = out};
  repair_tokens(&m);
  if (out->len > 0 || valid.len == 0) {
    buf_clear(&valid);
    return out->len > 0;
  }
  *out = valid;
  return true;
}
