#ifndef MOONLEDGER_METRICS_REGISTRY_H
#define MOONLEDGER_METRICS_REGISTRY_H

#include <pthread.h>
#include <stdatomic.h>

#include "metrics/metrics.h"

/* What the files of this folder share.  Families and series are only ever added and
 * live as long as the registry, so readers walk them without a lock; adding one
 * takes a lock. */

enum {
  METRIC_MAX_LABELS = 16,
  METRIC_MAX_LABEL = 256, /* bytes of a value; the rest is cut off */
  METRIC_MAX_KEY = METRIC_MAX_LABELS * (METRIC_MAX_LABEL + 1),
};

/* What the transaction in hand adds to a series: the writer thread's own. */
struct delta {
  struct series *next;         /* among the pending ones */
  struct series *next_changed; /* among those that metrics_each_changed has yet to tell of */
  bool pending, changed;
  int64_t integer;
  double real;
  int64_t buckets[];
};

/* One label set.  A counter's value is integer + real: whole numbers are added
 * exactly.  A gauge's is real.  A histogram's buckets are not cumulative (the last
 * one is +Inf's) and real is its sum. */
struct series {
  struct series *_Atomic next;
  struct metric *family;
  uint64_t hash;
  const char *key; /* the label values, each ended by a NUL */
  size_t key_len;
  const char *prefix; /* name{labels} and a blank; histogram: name_bucket{labels,le=" */
  size_t prefix_len;
  struct delta *delta; /* NULL until a record is counted */
  _Atomic int64_t integer;
  _Atomic double real;
  _Atomic int64_t buckets[];
};

/* Open addressing.  One that has grown too small stays readable until the registry
 * goes. */
struct series_index {
  struct series_index *smaller;
  size_t cap;
  struct series *_Atomic slots[];
};

struct metric {
  struct metric *_Atomic next;
  enum metric_kind kind;
  char *name, *help;
  const char *bare_name; /* without the namespace */
  bool of_records;       /* counted by the writer for records, and by nothing else */
  char *labels[METRIC_MAX_LABELS];
  size_t nlabels;
  double *bounds;
  size_t nbounds;
  struct buf *bound_texts; /* nbounds + 1 of: 0.5"} and a blank */

  pthread_mutex_t lock; /* for adding series */
  struct series_index *_Atomic index;
  struct series *_Atomic first, *last;
  size_t nseries;
  struct series *overflow;
};

struct collector {
  struct collector *next;
  void (*collect)(struct metrics *m, void *arg);
  void *arg;
};

struct metrics {
  char *name_space;
  size_t max_series;
  pthread_mutex_t lock; /* for adding families and collectors */
  struct metric *_Atomic first, *last;
  struct collector *collectors;
  struct metric *overflows;
  struct record_families *record_families; /* records.c */
  int64_t max_age_us;                      /* of records that are counted; 0: none */
  struct series *pending;                  /* with a delta; the writer's own, as is the next */
  struct series *changed;
  struct active *active;                   /* active.c */
};

/* The series of these labels, made when it is new; the overflow series when the
 * family is full. */
struct series *metric_series(struct metrics *m, struct metric *f,
                             const struct metric_label *labels);

/* The series of a key as it was saved, beyond the bound of the family as well. */
struct series *metric_series_restored(struct metric *f, const char *key, size_t len);

struct metric *metrics_find(struct metrics *m, const char *name);
struct metric *metrics_must(struct metrics *m, const struct metric_options *options);

size_t metric_bucket(const struct metric *f, double n); /* index of the bucket that n falls into */
void metric_add_real(_Atomic double *cell, double n);
bool is_whole(double n); /* can be counted exactly as an integer */

void process_metrics(struct metrics *m);
void record_families_free(struct record_families *f);
void active_declare(struct metrics *m, const struct schema *schema);
void active_free(struct active *active);

#endif
