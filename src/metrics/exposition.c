#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "metrics/registry.h"

/* Prometheus text format 0.0.4 ("Exposition formats") and OpenMetrics 1.0. */

enum { PIECE_BYTES = 64 << 10 };

static const char *const CONTENT_TYPES[] = {
    [EXPOSITION_TEXT] = "text/plain; version=0.0.4; charset=utf-8",
    [EXPOSITION_OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

const char *exposition_content_type(enum exposition format) {
  return CONTENT_TYPES[format];
}

/* Accept (RFC 9110, section 12.5.1) */

struct range {
  const char *s;
  size_t len;
};

static struct range trim(struct range r) {
  for (; r.len > 0 && (r.s[0] == ' ' || r.s[0] == '\t'); r.s++)
    r.len--;
  while (r.len > 0 && (r.s[r.len - 1] == ' ' || r.s[r.len - 1] == '\t'))
    r.len--;
  return r;
}

/* Cuts what stands before the next separator off rest. */
static struct range cut(struct range *rest, char separator) {
  const char *at = memchr(rest->s, separator, rest->len);
  struct range piece = {rest->s, at != NULL ? (size_t) (at - rest->s) : rest->len};
  size_t used = piece.len + (at != NULL);
  rest->s += used;
  rest->len -= used;
  return trim(piece);
}

static bool is(struct range r, const char *text) {
  return r.len == strlen(text) && strncasecmp(r.s, text, r.len) == 0;
}

static bool is_version(struct range r, const char *version) {
  if (r.len >= 2 && r.s[0] == '"' && r.s[r.len - 1] == '"')
    r = (struct range){r.s + 1, r.len - 2};
  return is(r, version);
}

static double parse_q(struct range r) {
  char text[8] = "";
  memcpy(text, r.s, r.len < sizeof text ? r.len : sizeof text - 1);
  char *end;
  double q = strtod(text, &end);
  return end != text && q >= 0 && q <= 1 ? q : 0;
}

/* The quality that one member of the list gives to OpenMetrics; below 0 when it
 * does not speak of it. */
static double openmetrics_q(struct range member, double *text_q) {
  struct range type = cut(&member, ';');
  bool openmetrics = is(type, "application/openmetrics-text");
  bool text = is(type, "text/plain") || is(type, "text/*") || is(type, "*/*");
  double q = 1;
  while (member.len > 0) {
    struct range value = cut(&member, ';');
    struct range name = cut(&value, '=');
    value = trim(value);
    if (is(name, "q"))
      q = parse_q(value);
    else if (is(name, "version")) {
      openmetrics = openmetrics && is_version(value, "1.0.0");
      text = text && is_version(value, "0.0.4");
    }
  }
  if (text && q > *text_q)
    *text_q = q;
  return openmetrics ? q : -1;
}

enum exposition exposition_negotiate(const char *accept, size_t len) {
  struct range rest = {accept, len};
  double best = 0, text_q = 0;
  while (rest.len > 0) {
    double q = openmetrics_q(cut(&rest, ','), &text_q);
    if (q > best)
      best = q;
  }
  return best > 0 && best >= text_q ? EXPOSITION_OPENMETRICS : EXPOSITION_TEXT;
}

static void put_help(struct buf *out, const char *s, enum exposition format) {
  for (; *s != '\0'; s++)
    if (*s == '\n')
      buf_literal(out, "\\n");
    else {
      if (*s == '\\' || (*s == '"' && format == EXPOSITION_OPENMETRICS))
        buf_putc(out, '\\');
      buf_putc(out, *s);
    }
}

static void put_metadata(struct buf *out, const struct metric *f, enum exposition format) {
  static const char *const kinds[] = {"counter", "gauge", "histogram"};
  int len = (int) strlen(f->name);
  if (format == EXPOSITION_OPENMETRICS && f->kind == METRIC_COUNTER)
    len -= (int) strlen("_total");
  if (format == EXPOSITION_OPENMETRICS)
    buf_printf(out, "# TYPE %.*s %s\n", len, f->name, kinds[f->kind]);
  buf_printf(out, "# HELP %.*s ", len, f->name);
  put_help(out, f->help, format);
  buf_putc(out, '\n');
  if (format == EXPOSITION_TEXT)
    buf_printf(out, "# TYPE %.*s %s\n", len, f->name, kinds[f->kind]);
}

/* Where room for one sample has been reserved. */
static char *put_number(char *p, double n) {
  if (isnan(n))
    return (char *) memcpy(p, "NaN", 3) + 3;
  if (isinf(n))
    return (char *) memcpy(p, n > 0 ? "+Inf" : "-Inf", 4) + 4;
  return p + (is_whole(n) ? format_int(p, (int64_t) n) : format_double(p, n));
}

static char *put_bytes(char *p, const char *s, size_t len) {
  return (char *) memcpy(p, s, len) + len;
}

static void put_simple(struct buf *out, const struct series *s) {
  char *start = buf_reserve(out, s->prefix_len + NUMBER_MAX + 1);
  char *p = put_bytes(start, s->prefix, s->prefix_len);
  double real = atomic_load_explicit(&s->real, memory_order_relaxed);
  int64_t integer = atomic_load_explicit(&s->integer, memory_order_relaxed);
  p = real == 0 ? p + format_int(p, integer) : put_number(p, (double) integer + real);
  *p++ = '\n';
  out->len += (size_t) (p - start);
}

/* The labels as they stand in the prefix of the buckets, without le. */
static char *put_aggregate(char *p, const struct series *s, const char *suffix) {
  size_t name = strlen(s->family->name), labels = name + strlen("_bucket"), le = strlen(",le=\"");
  p = put_bytes(p, s->family->name, name);
  p = put_bytes(p, suffix, strlen(suffix));
  if (s->family->nlabels > 0) {
    p = put_bytes(p, s->prefix + labels, s->prefix_len - labels - le);
    *p++ = '}';
  }
  *p++ = ' ';
  return p;
}

/* _count is what +Inf says, whatever a writer does meanwhile. */
static void put_histogram(struct buf *out, const struct series *s) {
  const struct metric *f = s->family;
  char *start = buf_reserve(out, (f->nbounds + 3) * (s->prefix_len + 2 * NUMBER_MAX));
  char *p = start;
  int64_t count = 0;
  for (size_t i = 0; i <= f->nbounds; i++) {
    count += atomic_load_explicit(&s->buckets[i], memory_order_relaxed);
    p = put_bytes(p, s->prefix, s->prefix_len);
    p = put_bytes(p, f->bound_texts[i].data, f->bound_texts[i].len);
    p += format_int(p, count);
    *p++ = '\n';
  }
  p = put_aggregate(p, s, "_count");
  p += format_int(p, count);
  *p++ = '\n';
  p = put_aggregate(p, s, "_sum");
  p = put_number(p, atomic_load_explicit(&s->real, memory_order_relaxed));
  *p++ = '\n';
  out->len += (size_t) (p - start);
}

/* Yields between pieces: a loop on the same core would wait for the end of this
 * thread's slice, some 3 ms. */
static void put_family(struct buf *out, const struct metric *f, enum exposition format) {
  put_metadata(out, f, format);
  for (const struct series *s = f->first; s != NULL;
       s = atomic_load_explicit(&s->next, memory_order_acquire)) {
    size_t piece = out->len / PIECE_BYTES;
    if (f->kind == METRIC_HISTOGRAM)
      put_histogram(out, s);
    else
      put_simple(out, s);
    if (out->len / PIECE_BYTES > piece)
      sched_yield();
  }
}

void metrics_render(struct metrics *m, enum exposition format, struct buf *out) {
  pthread_mutex_lock(&m->lock);
  struct collector *collectors = m->collectors;
  pthread_mutex_unlock(&m->lock);
  for (struct collector *c = collectors; c != NULL; c = c->next)
    c->collect(m, c->arg);

  for (const struct metric *f = m->first; f != NULL;
       f = atomic_load_explicit(&f->next, memory_order_acquire))
    put_family(out, f, format);
  if (format == EXPOSITION_OPENMETRICS)
    buf_literal(out, "# EOF\n");
}
