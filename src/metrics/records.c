#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/table.h"
#include "metrics/registry.h"
#include "record/condition.h"

/* Families that lua/schema.lua declares over records.  Entries of one name are
 * rules of one family.  The series that a combination of label values counts into
 * are remembered, so that a record of a known one costs one hash. */

enum { MAX_COMBINATIONS = 65536 };

struct combination {
  size_t key_len;
  char *key;
  struct series *series[]; /* per rule; NULL until it counts */
};

struct rule {
  const struct family *family;
  struct metric *metric;
  uint64_t rivals; /* earlier rules of the same family and value, bit per rule */
};

struct record_families {
  const struct schema *schema;
  struct rule *rules;
  size_t nrules;
  uint64_t columns; /* bit per column that a label shows */
  struct table combinations;
  struct buf key;
  struct series *past;
};

/* The schema's families have the configured namespace in front, but for those that bear
 * the server's own name. */
static bool has_own_name(const struct family *family) {
  static const char own[] = "moonledger_";
  return strncmp(family->name, own, sizeof own - 1) == 0;
}

static struct metric *declare(struct metrics *m, const struct family *family, struct buf *error) {
  const char *labels[METRIC_MAX_LABELS];
  for (size_t i = 0; i < family->nlabels && i < METRIC_MAX_LABELS; i++)
    labels[i] = family->labels[i].name;
  return metrics_family(m, &(struct metric_options){
    .kind = family->kind == FAMILY_HISTOGRAM ? METRIC_HISTOGRAM : METRIC_COUNTER,
    .name = family->name,
    .help = family->help,
    .labels = labels,
    .nlabels = family->nlabels,
    .bounds = family->bounds,
    .nbounds = family->nbounds,
    .namespaced = !has_own_name(family),
  }, error);
}

static void note_columns(struct record_families *f, const struct family *family) {
  for (size_t i = 0; i < family->nlabels; i++) {
    const struct label *label = &family->labels[i];
    if (label->column >= 0)
      f->columns |= 1ULL << label->column;
    if (label->prefix != NULL)
      f->columns |= 1ULL << f->schema->status;
  }
}

/* A gauge that is 1 and says what it has to say in its label. */
static void declare_fixed(struct metrics *m, const char *name, const char *help, const char *label,
                          const char *value, bool namespaced) {
  struct metric *f = metrics_must(m, &(struct metric_options){
    .kind = METRIC_GAUGE, .name = name, .help = help, .labels = &label, .nlabels = 1,
    .namespaced = namespaced});
  metric_set(m, f, &(struct metric_label){value, strlen(value)}, 1);
}

static void declare_past(struct metrics *m, struct record_families *f) {
  struct metric *past = metrics_must(m, &(struct metric_options){
    .kind = METRIC_COUNTER,
    .name = "moonledger_past_records_total",
    .help = "Records that are older than metrics.max_age, which no family of records counts.",
  });
  past->of_records = true;
  f->past = metric_series(m, past, NULL);
}

static uint64_t find_rivals(const struct record_families *f, size_t rule) {
  const struct rule *rules = f->rules;
  uint64_t rivals = 0;
  for (size_t i = 0; i < rule; i++)
    if (rules[i].metric == rules[rule].metric &&
        rules[i].family->value == rules[rule].family->value)
      rivals |= 1ULL << i;
  return rivals;
}

static bool declare_rules(struct metrics *m, struct record_families *f, struct buf *error) {
  for (size_t i = 0; i < f->nrules; i++) {
    const struct family *family = &f->schema->families[i];
    f->rules[i] = (struct rule){.family = family, .metric = declare(m, family, error)};
    if (f->rules[i].metric == NULL)
      return false;
    f->rules[i].rivals = find_rivals(f, i);
    note_columns(f, family);
  }
  for (size_t i = 0; i < f->nrules; i++)
    f->rules[i].metric->of_records = true;
  return true;
}

bool metrics_declare(struct metrics *m, const struct schema *schema, struct buf *error) {
  if (schema->nfamilies > METRICS_MAX_RULES) {
    buf_printf(error, "schema.lua: at most %d metric families", METRICS_MAX_RULES);
    return false;
  }
  struct record_families *f = xcalloc(1, sizeof *f);
  f->schema = schema;
  f->nrules = schema->nfamilies;
  f->rules = xcalloc(f->nrules, sizeof *f->rules);
  m->record_families = f;
  if (!declare_rules(m, f, error))
    return false;
  declare_past(m, f);
  active_declare(m, schema);
  declare_fixed(m, "info", "The server's version.", "version", MOONLEDGER_VERSION, true);
  declare_fixed(m, "up", "Whether the server is up.", "job", m->name_space, false);
  return true;
}

static void drop_combinations(struct record_families *f) {
  for (size_t i = 0; i < f->combinations.cap; i++)
    free(f->combinations.slots[i].item);
  table_clear(&f->combinations);
}

void record_families_free(struct record_families *f) {
  if (f == NULL)
    return;
  drop_combinations(f);
  buf_clear(&f->key);
  free(f->rules);
  free(f);
}

static void write_key(struct record_families *f, const struct record *r, const struct buf *text) {
  f->key.len = 0;
  uint64_t present = r->present & f->columns;
  buf_append(&f->key, &present, sizeof present);
  for (uint64_t left = f->columns; left != 0; left &= left - 1) {
    int column = __builtin_ctzll(left);
    if (f->schema->columns[column].type == COLUMN_STRING) {
      size_t len;
      const char *s = value_text(text, r->v[column], &len);
      buf_append(&f->key, &r->v[column].s.len, sizeof r->v[column].s.len);
      buf_append(&f->key, s, len);
    } else
      buf_append(&f->key, &r->v[column].i, sizeof r->v[column].i);
  }
}

static bool has_key(const void *item, const void *key) {
  const struct combination *c = item;
  const struct buf *k = key;
  return c->key_len == k->len && memcmp(c->key, k->data, k->len) == 0;
}

static struct combination *find_combination(struct record_families *f, const struct record *r,
                                            const struct buf *text) {
  write_key(f, r, text);
  uint64_t hash = hash_quickly(f->key.data, f->key.len);
  struct combination *c = table_find(&f->combinations, hash, has_key, &f->key);
  if (c != NULL)
    return c;
  if (f->combinations.len >= MAX_COMBINATIONS)
    drop_combinations(f);
  size_t series = f->nrules * sizeof *c->series;
  c = xcalloc(1, sizeof *c + series + f->key.len);
  c->key = (char *) c->series + series;
  c->key_len = f->key.len;
  memcpy(c->key, f->key.data, f->key.len);
  table_insert(&f->combinations, hash, c);
  return c;
}

/* The value of one label; room is where a number may be written. */
static struct metric_label label_value(const struct schema *schema, const struct label *label,
                                       const struct record *r, const struct buf *text,
                                       char room[2 * NUMBER_MAX]) {
  if (label->column >= 0) {
    const struct column *column = &schema->columns[label->column];
    union value v = r->v[label->column];
    size_t len;
    if (column->type == COLUMN_STRING) {
      const char *s = value_text(text, v, &len);
      if (len > 0)
        return (struct metric_label){s, len};
    } else if (column->type == COLUMN_BOOLEAN)
      return v.i ? (struct metric_label){"true", 4} : (struct metric_label){"false", 5};
    else
      return (struct metric_label){
          room, column->type == COLUMN_FLOAT ? format_double(room, v.f) : format_int(room, v.i)};
  }
  if (label->prefix != NULL && record_has(r, schema->status)) {
    size_t len = strnlen(label->prefix, NUMBER_MAX);
    memcpy(room, label->prefix, len);
    return (struct metric_label){room, len + format_int(room + len, r->v[schema->status].i)};
  }
  return (struct metric_label){label->text, label->text != NULL ? strlen(label->text) : 0};
}

static struct series *find_series(struct metrics *m, const struct rule *rule,
                                  const struct record *r, const struct buf *text) {
  char rooms[METRIC_MAX_LABELS][2 * NUMBER_MAX];
  struct metric_label labels[METRIC_MAX_LABELS];
  for (size_t i = 0; i < rule->family->nlabels; i++)
    labels[i] =
        label_value(m->record_families->schema, &rule->family->labels[i], r, text, rooms[i]);
  return metric_series(m, rule->metric, labels);
}

static double rule_value(const struct schema *schema, const struct family *family,
                         const struct record *r) {
  if (family->value < 0)
    return 1;
  union value v = r->v[family->value];
  return (schema->columns[family->value].type == COLUMN_FLOAT ? v.f : (double) v.i) * family->scale;
}

static struct delta *open_delta(struct metrics *m, struct series *s) {
  if (s->delta == NULL) {
    size_t nbuckets = s->family->kind == METRIC_HISTOGRAM ? s->family->nbounds + 1 : 0;
    s->delta = xcalloc(1, sizeof *s->delta + nbuckets * sizeof(int64_t));
  }
  if (!s->delta->pending) {
    s->delta->pending = true;
    s->delta->next = m->pending;
    m->pending = s;
  }
  if (!s->delta->changed) {
    s->delta->changed = true;
    s->delta->next_changed = m->changed;
    m->changed = s;
  }
  return s->delta;
}

static void add_pending(struct metrics *m, struct series *s, double n) {
  struct delta *d = open_delta(m, s);
  if (s->family->kind == METRIC_HISTOGRAM) {
    d->buckets[metric_bucket(s->family, n)]++;
    d->real += n;
  } else if (is_whole(n))
    d->integer += (int64_t) n;
  else
    d->real += n;
}

/* A record that two rules of one family count in the same way, such as an error by
 * its type and by its status, counts once. */
static bool is_counted(const struct record_families *f, const struct combination *c,
                       uint64_t matched, size_t rule) {
  for (uint64_t left = matched & f->rules[rule].rivals; left != 0; left &= left - 1)
    if (c->series[__builtin_ctzll(left)] == c->series[rule])
      return true;
  return false;
}

/* What a rule counts r as; NaN: not at all. */
static double weight(const struct schema *schema, const struct family *family,
                     const struct record *r, const struct buf *text) {
  if (!(family->events >> r->event & 1))
    return NAN;
  double n = rule_value(schema, family, r);
  if (!isfinite(n) || (family->kind == FAMILY_COUNTER && n <= 0))
    return NAN;
  return family->when == NULL || conditions_match_row(family->when, schema, r, text) ? n : NAN;
}

/* Whether a rule that counts the same of the same family did: a failure that first had only its
 * status, say. */
static bool was_counted(const struct record_families *f, const double *before, size_t rule) {
  for (size_t i = 0; i < f->nrules; i++)
    if (!isnan(before[i]) && f->rules[i].metric == f->rules[rule].metric &&
        f->rules[i].family->value == f->rules[rule].family->value)
      return true;
  return false;
}

/* What is left of n to count of a row that was weighed before: sums grow, records and observations
 * count once. */
static double gain(const struct record_families *f, const double *before, size_t rule, double n) {
  const struct family *family = f->rules[rule].family;
  if (isnan(n) || !was_counted(f, before, rule))
    return n;
  bool grows = family->kind == FAMILY_COUNTER && family->value >= 0 && n > before[rule];
  return grows ? n - before[rule] : NAN;
}

/* Series of a combination, and what is pending of them, stand in no order: side by side. */
static void touch_series(const struct record_families *f, const struct combination *c) {
  for (size_t i = 0; i < f->nrules; i++)
    if (c->series[i] != NULL)
      mem_touch(c->series[i], sizeof *c->series[i]);
  for (size_t i = 0; i < f->nrules; i++)
    if (c->series[i] != NULL && c->series[i]->delta != NULL)
      mem_touch(c->series[i]->delta, sizeof *c->series[i]->delta);
}

/* Returns whether any rule counted. */
static bool count_record(struct metrics *m, const struct record *r, const struct buf *text,
                  const double *before) {
  struct record_families *f = m->record_families;
  struct combination *c = find_combination(f, r, text);
  uint64_t matched = 0;
  touch_series(f, c);
  for (size_t i = 0; i < f->nrules; i++) {
    double n = weight(f->schema, f->rules[i].family, r, text);
    if (before != NULL)
      n = gain(f, before, i, n);
    if (isnan(n))
      continue;
    if (c->series[i] == NULL)
      c->series[i] = find_series(m, &f->rules[i], r, text);
    if (!is_counted(f, c, matched, i))
      add_pending(m, c->series[i], n);
    matched |= 1ULL << i;
  }
  return matched != 0;
}

static bool is_past(const struct metrics *m, const struct record *r) {
  int64_t time = r->v[m->record_families->schema->time].i;
  return m->max_age_us > 0 && time < clock_now_s() * 1000000 - m->max_age_us;
}

bool metrics_count_record(struct metrics *m, const struct record *r, const struct buf *text) {
  if (is_past(m, r)) {
    add_pending(m, m->record_families->past, 1);
    return true;
  }
  return count_record(m, r, text, NULL);
}

bool metrics_may_count(const struct metrics *m, const struct record *r) {
  const struct record_families *f = m->record_families;
  bool may = is_past(m, r);
  for (size_t i = 0; i < f->nrules && !may; i++)
    may = f->rules[i].family->events >> r->event & 1;
  return may;
}

void metrics_weigh(const struct metrics *m, const struct record *r, const struct buf *text,
                   double weights[METRICS_MAX_RULES]) {
  const struct record_families *f = m->record_families;
  for (size_t i = 0; i < f->nrules; i++)
    weights[i] = weight(f->schema, f->rules[i].family, r, text);
}

void metrics_count_merge(struct metrics *m, const double before[METRICS_MAX_RULES],
                         const struct record *r, const struct buf *text) {
  if (!is_past(m, r))
    count_record(m, r, text, before);
}

static void apply_pending(struct series *s) {
  const struct delta *d = s->delta;
  atomic_fetch_add_explicit(&s->integer, d->integer, memory_order_relaxed);
  if (d->real != 0)
    metric_add_real(&s->real, d->real);
  if (s->family->kind == METRIC_HISTOGRAM)
    for (size_t i = 0; i <= s->family->nbounds; i++)
      atomic_fetch_add_explicit(&s->buckets[i], d->buckets[i], memory_order_relaxed);
}

static void reset(struct delta *d, const struct metric *f) {
  d->pending = false;
  d->integer = 0;
  d->real = 0;
  if (f->kind == METRIC_HISTOGRAM)
    memset(d->buckets, 0, (f->nbounds + 1) * sizeof *d->buckets);
}

static void end_pending(struct metrics *m, bool keep) {
  for (struct series *s = m->pending; s != NULL; s = s->delta->next) {
    if (keep)
      apply_pending(s);
    reset(s->delta, s->family);
  }
  m->pending = NULL;
}

void metrics_commit(struct metrics *m) {
  end_pending(m, true);
}

void metrics_rollback(struct metrics *m) {
  end_pending(m, false);
}
