#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "metrics/registry.h"

struct metrics *metrics_new(const char *name_space, size_t max_series) {
  struct metrics *m = xcalloc(1, sizeof *m);
  m->name_space = xstrdup(name_space);
  m->max_series = max_series;
  pthread_mutex_init(&m->lock, NULL);
  m->overflows = metrics_must(m, &(struct metric_options){
    .kind = METRIC_COUNTER,
    .name = "moonledger_metrics_overflow_total",
    .help = "Samples counted into a family's overflow series because it has too many label sets.",
    .labels = (const char *[]){"family"},
    .nlabels = 1,
  });
  process_metrics(m);
  return m;
}

static void metric_free(struct metric *f) {
  for (struct series *s = f->first, *next; s != NULL; s = next) {
    next = s->next;
    free(s->delta);
    free(s);
  }
  for (struct series_index *index = f->index, *smaller; index != NULL; index = smaller) {
    smaller = index->smaller;
    free(index);
  }
  for (size_t i = 0; i < f->nlabels; i++)
    free(f->labels[i]);
  for (size_t i = 0; f->bound_texts != NULL && i <= f->nbounds; i++)
    buf_clear(&f->bound_texts[i]);
  free(f->bound_texts);
  free(f->bounds);
  free(f->help);
  free(f->name);
  pthread_mutex_destroy(&f->lock);
  free(f);
}

void metrics_set_max_age(struct metrics *m, int64_t seconds) {
  m->max_age_us = seconds * 1000000;
}

void metrics_free(struct metrics *m) {
  if (m == NULL)
    return;
  record_families_free(m->record_families);
  active_free(m->active);
  for (struct metric *f = m->first, *next; f != NULL; f = next) {
    next = f->next;
    metric_free(f);
  }
  for (struct collector *c = m->collectors, *next; c != NULL; c = next) {
    next = c->next;
    free(c);
  }
  pthread_mutex_destroy(&m->lock);
  free(m->name_space);
  free(m);
}

void metrics_collector(struct metrics *m, void (*collect)(struct metrics *m, void *arg),
                       void *arg) {
  struct collector *c = xmalloc(sizeof *c);
  *c = (struct collector){NULL, collect, arg};
  pthread_mutex_lock(&m->lock);
  c->next = m->collectors;
  m->collectors = c;
  pthread_mutex_unlock(&m->lock);
}

bool is_whole(double n) {
  return fabs(n) <= 9007199254740992.0 && n == trunc(n);
}

static bool replace(_Atomic double *cell, double *old, double n) {
  return atomic_compare_exchange_weak_explicit(cell, old, n, memory_order_relaxed,
                                               memory_order_relaxed);
}

void metric_add_real(_Atomic double *cell, double n) {
  double old = atomic_load_explicit(cell, memory_order_relaxed);
  while (!replace(cell, &old, old + n))
    continue;
}

size_t metric_bucket(const struct metric *f, double n) {
  size_t i = 0;
  while (i < f->nbounds && !(n <= f->bounds[i]))
    i++;
  return i;
}

void metric_inc(struct metrics *m, struct metric *f, const struct metric_label *labels, double n) {
  if (f->kind == METRIC_COUNTER && !(n >= 0 && n < INFINITY))
    return;
  struct series *s = metric_series(m, f, labels);
  if (f->kind == METRIC_COUNTER && is_whole(n))
    atomic_fetch_add_explicit(&s->integer, (int64_t) n, memory_order_relaxed);
  else
    metric_add_real(&s->real, n);
}

/* A counter that mirrors another one only goes up, also when two threads render at
 * once. */
static void raise_to(struct series *s, double n) {
  double old = atomic_load_explicit(&s->real, memory_order_relaxed);
  while (n > old && !replace(&s->real, &old, n))
    continue;
}

void metric_set(struct metrics *m, struct metric *f, const struct metric_label *labels, double n) {
  struct series *s = metric_series(m, f, labels);
  if (f->kind == METRIC_COUNTER)
    raise_to(s, n);
  else
    atomic_store_explicit(&s->real, n, memory_order_relaxed);
}

void metric_observe(struct metrics *m, struct metric *f, const struct metric_label *labels,
                    double n) {
  struct series *s = metric_series(m, f, labels);
  atomic_fetch_add_explicit(&s->buckets[metric_bucket(f, n)], 1, memory_order_relaxed);
  metric_add_real(&s->real, n);
}
