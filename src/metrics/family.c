#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "metrics/registry.h"

/* Prometheus data model, "Metric names and labels"; OpenMetrics 1.0, "Suffixes". */
static bool is_name(const char *s, const char *also) {
  for (const char *p = s; *p != '\0'; p++)
    if (!isalpha((unsigned char) *p) && !(p > s && isdigit((unsigned char) *p)) &&
        strchr(also, *p) == NULL)
      return false;
  return *s != '\0';
}

static bool ends_with(const char *s, const char *suffix) {
  size_t n = strlen(s), m = strlen(suffix);
  return n >= m && strcmp(s + n - m, suffix) == 0;
}

/* Whether name is one of those that the samples of a family go by, or the family
 * itself in OpenMetrics. */
static bool goes_by(enum metric_kind kind, const char *family, const char *name) {
  size_t len = strlen(family);
  if (strcmp(family, name) == 0)
    return true;
  if (kind == METRIC_COUNTER)
    return len > 6 && strlen(name) == len - 6 && memcmp(family, name, len - 6) == 0;
  if (kind == METRIC_GAUGE || strncmp(family, name, len) != 0)
    return false;
  const char *suffix = name + len;
  return strcmp(suffix, "_bucket") == 0 || strcmp(suffix, "_sum") == 0 ||
         strcmp(suffix, "_count") == 0;
}

static const char *check_label(const char *label, enum metric_kind kind) {
  if (!is_name(label, "_") || label[0] == '_')
    return "a label is letters, digits and _, and begins with a letter";
  if (kind == METRIC_HISTOGRAM && strcmp(label, "le") == 0)
    return "the label le is the histogram's own";
  return NULL;
}

/* NULL, or what is wrong. */
static const char *check(const struct metric_options *o) {
  if (!is_name(o->name, "_:"))
    return "a metric's name is letters, digits, _ and :, and does not begin with a digit";
  if ((o->kind == METRIC_COUNTER) != ends_with(o->name, "_total"))
    return "a counter's name, and no other, ends in _total";
  if (o->nlabels > METRIC_MAX_LABELS)
    return "a metric has at most 16 labels";
  for (size_t i = 0; i < o->nlabels; i++) {
    const char *wrong = check_label(o->labels[i], o->kind);
    if (wrong != NULL)
      return wrong;
    for (size_t j = 0; j < i; j++)
      if (strcmp(o->labels[i], o->labels[j]) == 0)
        return "each label stands once";
  }
  for (size_t i = 0; i < o->nbounds; i++)
    if (!isfinite(o->bounds[i]) || (i > 0 && o->bounds[i] <= o->bounds[i - 1]))
      return "the bounds of a histogram are finite and ascending";
  return NULL;
}

static bool is_same(const struct metric *f, const struct metric_options *o) {
  if (f->of_records || f->kind != o->kind || f->nlabels != o->nlabels || f->nbounds != o->nbounds)
    return false;
  for (size_t i = 0; i < o->nlabels; i++)
    if (strcmp(f->labels[i], o->labels[i]) != 0)
      return false;
  return o->nbounds == 0 || memcmp(f->bounds, o->bounds, o->nbounds * sizeof *o->bounds) == 0;
}

static void make_bounds(struct metric *f, const struct metric_options *o) {
  f->nbounds = o->nbounds;
  f->bounds = xmemdup(o->bounds, o->nbounds * sizeof *o->bounds);
  f->bound_texts = xcalloc(o->nbounds + 1, sizeof *f->bound_texts);
  for (size_t i = 0; i <= f->nbounds; i++) {
    if (i < f->nbounds)
      buf_put_double(&f->bound_texts[i], f->bounds[i]);
    else
      buf_literal(&f->bound_texts[i], "+Inf");
    buf_literal(&f->bound_texts[i], "\"} ");
  }
}

static struct metric *metric_new(const struct metric_options *o, const char *name) {
  struct metric *f = xcalloc(1, sizeof *f);
  f->kind = o->kind;
  f->name = xstrdup(name);
  f->bare_name = f->name + (strlen(name) - strlen(o->name));
  f->help = xstrdup(o->help != NULL && o->help[0] != '\0' ? o->help : name);
  f->nlabels = o->nlabels;
  for (size_t i = 0; i < o->nlabels; i++)
    f->labels[i] = xstrdup(o->labels[i]);
  if (o->kind == METRIC_HISTOGRAM)
    make_bounds(f, o);
  pthread_mutex_init(&f->lock, NULL);
  return f;
}

struct metric *metrics_find(struct metrics *m, const char *name) {
  struct metric *f = m->first;
  while (f != NULL && strcmp(f->name, name) != 0)
    f = f->next;
  return f;
}

static const struct metric *find_clash(struct metrics *m, enum metric_kind kind, const char *name) {
  const struct metric *f = m->first;
  while (f != NULL && !goes_by(f->kind, f->name, name) && !goes_by(kind, name, f->name))
    f = f->next;
  return f;
}

/* Under the registry's lock. */
static struct metric *find_or_add(struct metrics *m, const struct metric_options *o,
                                  const char *name, struct buf *error) {
  struct metric *f = metrics_find(m, name);
  if (f != NULL && is_same(f, o))
    return f;
  const struct metric *other = find_clash(m, o->kind, name);
  if (other != NULL) {
    buf_printf(error, "%s: %s is there with another kind, other labels or other bounds, until the "
                      "server starts again: take another name, or restart it",
               name, other == f ? "it" : other->name);
    return NULL;
  }
  f = metric_new(o, name);
  if (m->last == NULL)
    m->first = f;
  else
    m->last->next = f;
  m->last = f;
  return f;
}

struct metric *metrics_family(struct metrics *m, const struct metric_options *o,
                              struct buf *error) {
  const char *wrong = check(o);
  if (wrong != NULL) {
    buf_printf(error, "%s: %s", o->name, wrong);
    return NULL;
  }
  struct buf name = {0};
  if (o->namespaced && m->name_space[0] != '\0')
    buf_printf(&name, "%s_", m->name_space);
  buf_append(&name, o->name, strlen(o->name) + 1);

  pthread_mutex_lock(&m->lock);
  struct metric *f = find_or_add(m, o, name.data, error);
  pthread_mutex_unlock(&m->lock);
  buf_clear(&name);
  if (f != NULL && f->nlabels == 0)
    metric_series(m, f, NULL);
  return f;
}

struct metric *metrics_must(struct metrics *m, const struct metric_options *options) {
  struct buf error = {0};
  struct metric *f = metrics_family(m, options, &error);
  if (f == NULL) {
    log_error("a metric of the server's own is wrong", log_bytes("error", error.data, error.len));
    abort();
  }
  return f;
}
