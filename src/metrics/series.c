#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "metrics/registry.h"

static size_t write_key(char *key, const struct metric *f, const struct metric_label *labels) {
  size_t n = 0;
  for (size_t i = 0; i < f->nlabels; i++) {
    struct metric_label label = labels[i];
    if (label.len == 0)
      label = (struct metric_label){"unknown", 7};
    n += utf8_copy(key + n, METRIC_MAX_LABEL, label.value, label.len);
    key[n++] = '\0';
  }
  return n;
}

static struct series *index_find(const struct series_index *index, uint64_t hash,
                                 const char *key, size_t len) {
  if (index == NULL)
    return NULL;
  for (size_t i = hash & (index->cap - 1);; i = (i + 1) & (index->cap - 1)) {
    struct series *s = atomic_load_explicit(&index->slots[i], memory_order_acquire);
    if (s == NULL || (s->hash == hash && s->key_len == len && memcmp(s->key, key, len) == 0))
      return s;
  }
}

static void index_place(struct series_index *index, struct series *s) {
  size_t i = s->hash & (index->cap - 1);
  while (index->slots[i] != NULL)
    i = (i + 1) & (index->cap - 1);
  atomic_store_explicit(&index->slots[i], s, memory_order_release);
}

static void grow_series(struct metric *f) {
  struct series_index *old = f->index;
  size_t cap = old == NULL ? 8 : old->cap * 2;
  struct series_index *index = xcalloc(1, sizeof *index + cap * sizeof *index->slots);
  index->cap = cap;
  index->smaller = old;
  for (struct series *s = f->first; s != NULL; s = s->next)
    index_place(index, s);
  atomic_store_explicit(&f->index, index, memory_order_release);
}

static void put_escaped(struct buf *out, const char *s) {
  for (; *s != '\0'; s++)
    if (*s == '\n')
      buf_literal(out, "\\n");
    else {
      if (*s == '\\' || *s == '"')
        buf_putc(out, '\\');
      buf_putc(out, *s);
    }
}

static void write_prefix(struct buf *out, const struct metric *f, const char *key) {
  bool histogram = f->kind == METRIC_HISTOGRAM;
  buf_puts(out, f->name);
  if (histogram)
    buf_literal(out, "_bucket");
  if (histogram || f->nlabels > 0)
    buf_putc(out, '{');
  for (size_t i = 0; i < f->nlabels; i++, key += strlen(key) + 1) {
    if (i > 0)
      buf_putc(out, ',');
    buf_printf(out, "%s=\"", f->labels[i]);
    put_escaped(out, key);
    buf_putc(out, '"');
  }
  if (histogram)
    buf_puts(out, f->nlabels > 0 ? ",le=\"" : "le=\"");
  else
    buf_puts(out, f->nlabels > 0 ? "} " : " ");
}

/* One block: cells, key, prefix. */
static struct series *series_new(struct metric *f, uint64_t hash, const char *key, size_t len) {
  struct buf prefix = {0};
  write_prefix(&prefix, f, key);
  size_t nbuckets = f->kind == METRIC_HISTOGRAM ? f->nbounds + 1 : 0;
  size_t cells = sizeof(struct series) + nbuckets * sizeof(int64_t);
  struct series *s = xcalloc(1, cells + len + prefix.len);
  char *texts = (char *) s + cells;
  memcpy(texts, key, len);
  memcpy(texts + len, prefix.data, prefix.len);
  s->family = f;
  s->hash = hash;
  s->key = texts;
  s->key_len = len;
  s->prefix = texts + len;
  s->prefix_len = prefix.len;
  buf_clear(&prefix);
  return s;
}

/* Under the family's lock. */
static struct series *add_series(struct metric *f, uint64_t hash, const char *key, size_t len) {
  struct series *s = series_new(f, hash, key, len);
  if (f->index == NULL || (f->nseries + 1) * 2 > f->index->cap)
    grow_series(f);
  index_place(f->index, s);
  if (f->last == NULL)
    f->first = s;
  else
    f->last->next = s;
  f->last = s;
  f->nseries++;
  return s;
}

static struct series *find_or_add(struct metric *f, const char *key, size_t len) {
  uint64_t hash = hash_quickly(key, len);
  pthread_mutex_lock(&f->lock);
  struct series *s = index_find(f->index, hash, key, len);
  if (s == NULL)
    s = add_series(f, hash, key, len);
  pthread_mutex_unlock(&f->lock);
  return s;
}

static struct series *overflow_series(struct metrics *m, struct metric *f) {
  char key[METRIC_MAX_KEY];
  struct metric_label labels[METRIC_MAX_LABELS];
  for (size_t i = 0; i < f->nlabels; i++)
    labels[i] = (struct metric_label){"overflow", 8};
  size_t len = write_key(key, f, labels);
  uint64_t hash = hash_quickly(key, len);

  pthread_mutex_lock(&f->lock);
  bool first = f->overflow == NULL;
  if (first)
    f->overflow = index_find(f->index, hash, key, len);
  if (f->overflow == NULL)
    f->overflow = add_series(f, hash, key, len);
  pthread_mutex_unlock(&f->lock);

  if (first)
    log_warn("too many label sets, the rest counts into the overflow series",
             log_str("family", f->name), log_int("max_series", (int64_t) m->max_series));
  metric_inc(m, m->overflows, &(struct metric_label){f->name, strlen(f->name)}, 1);
  return f->overflow;
}

struct series *metric_series(struct metrics *m, struct metric *f,
                             const struct metric_label *labels) {
  char key[METRIC_MAX_KEY];
  size_t len = write_key(key, f, labels);
  uint64_t hash = hash_quickly(key, len);
  struct series *s =
      index_find(atomic_load_explicit(&f->index, memory_order_acquire), hash, key, len);
  if (s != NULL)
    return s;

  pthread_mutex_lock(&f->lock);
  s = index_find(f->index, hash, key, len);
  bool full = f->nseries >= m->max_series && f != m->overflows;
  if (s == NULL && !full)
    s = add_series(f, hash, key, len);
  pthread_mutex_unlock(&f->lock);
  return s != NULL ? s : overflow_series(m, f);
}

struct series *metric_series_restored(struct metric *f, const char *key, size_t len) {
  return find_or_add(f, key, len);
}
