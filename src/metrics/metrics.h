#ifndef MOONLEDGER_METRICS_METRICS_H
#define MOONLEDGER_METRICS_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "record/record.h"
#include "record/schema.h"

struct metrics; /* the registry: owned by the app, shared by all threads */
struct metric;  /* one family */

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric_options {
  enum metric_kind kind;
  const char *name, *help;     /* full name, as in the text format */
  const char *const *labels;
  size_t nlabels;
  const double *bounds;        /* histogram: ascending, without +Inf */
  size_t nbounds;
  bool namespaced;             /* name gets the configured namespace in front */
};

/* max_series: label sets a family may have; beyond it everything counts into one
 * overflow series. */
struct metrics *metrics_new(const char *name_space, size_t max_series);
void metrics_free(struct metrics *m);

/* Records that are older (0: however old) raise no family of records, and are counted as such.
 * Before metrics_declare. */
void metrics_set_max_age(struct metrics *m, int64_t seconds);

/* Registers a family, or returns the one of that name if kind, labels and bounds
 * are the same (so that a reloaded script finds its counters).  NULL with a message
 * in error when the name is not valid (Prometheus data model) or is another
 * family's. */
struct metric *metrics_family(struct metrics *m, const struct metric_options *options,
                              struct buf *error);

struct metric_label {
  const char *value;
  size_t len;
};

/* Any thread; no allocation and no lock on a known series.  An empty label value is
 * "unknown"; values become well-formed UTF-8 of at most 256 bytes.  inc of a
 * counter ignores a negative or not finite n; set raises a counter to n. */
void metric_inc(struct metrics *m, struct metric *f, const struct metric_label *labels, double n);
void metric_set(struct metrics *m, struct metric *f, const struct metric_label *labels, double n);
void metric_observe(struct metrics *m, struct metric *f, const struct metric_label *labels,
                    double n);

/* Called at each render to bring gauges up to date (process_*, queue lengths). */
void metrics_collector(struct metrics *m, void (*collect)(struct metrics *m, void *arg), void *arg);

/* Families over records (lua/schema.lua), by the writer thread only */

/* Also registers active_requests, info and up.  false with a message in error when
 * a family of the schema is wrong. */
bool metrics_declare(struct metrics *m, const struct schema *schema, struct buf *error);

/* Counts r into pending deltas that no reader sees.  false: no family counts such a
 * record. */
bool metrics_count_record(struct metrics *m, const struct record *r, const struct buf *text);

/* Whether it may; any thread. */
bool metrics_may_count(const struct metrics *m, const struct record *r);

enum { METRICS_MAX_RULES = 64 };

/* A stored row that a later record is merged into: weighed before, counted after.
 * Counts what it has gained: tokens that came with the end of a stream, an error
 * that was none.  Nothing is taken away. */
void metrics_weigh(const struct metrics *m, const struct record *row, const struct buf *text,
                   double weights[METRICS_MAX_RULES]);
void metrics_count_merge(struct metrics *m, const double before[METRICS_MAX_RULES],
                         const struct record *row, const struct buf *text);

/* Notes an event that opens or closes an id: the gauge active_requests.  Any event, after COMMIT
 * where it is stored; any thread. */
void metrics_track_active(struct metrics *m, const struct record *r, const struct buf *text,
                          int64_t now_us);

typedef int metrics_save(void *arg, const char *key, size_t key_len, const void *value, size_t len);

/* Calls save for every series that a record was counted in since the last call: key
 * identifies it for ever, value is its state with the pending delta included.
 * Stops at the first result that is not 0 and returns it. */
int metrics_each_changed(struct metrics *m, metrics_save *save, void *arg);
/* for every series of records */
int metrics_each_saved(struct metrics *m, metrics_save *save, void *arg);
void metrics_commit(struct metrics *m);
void metrics_rollback(struct metrics *m);

/* At start: a series as it was saved.  One that no longer fits its family is ignored. */
void metrics_restore(struct metrics *m, const char *key, size_t key_len, const void *value,
                     size_t len);

enum exposition { EXPOSITION_TEXT, EXPOSITION_OPENMETRICS };

enum exposition exposition_negotiate(const char *accept, size_t len);
const char *exposition_content_type(enum exposition format);

/* Appends the whole page.  Any thread; holds no lock that counting takes. */
void metrics_render(struct metrics *m, enum exposition format, struct buf *out);

#endif
