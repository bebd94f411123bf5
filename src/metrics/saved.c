#include <string.h>

#include "metrics/registry.h"

/* What the store keeps of a series.  Key: the family's name without the namespace,
 * then each label's name and value, all ended by a NUL.  Value: the integer, the
 * real, and of a histogram its buckets and its bounds. */

static void write_saved_key(struct buf *out, const struct series *s) {
  const struct metric *f = s->family;
  buf_append(out, f->bare_name, strlen(f->bare_name) + 1);
  const char *value = s->key;
  for (size_t i = 0; i < f->nlabels; i++, value += strlen(value) + 1) {
    buf_append(out, f->labels[i], strlen(f->labels[i]) + 1);
    buf_append(out, value, strlen(value) + 1);
  }
}

static void write_saved_value(struct buf *out, const struct series *s) {
  const struct metric *f = s->family;
  const struct delta *d = s->delta;
  int64_t integer = s->integer + (d != NULL ? d->integer : 0);
  double real = s->real + (d != NULL ? d->real : 0);
  buf_append(out, &integer, sizeof integer);
  buf_append(out, &real, sizeof real);
  if (f->kind != METRIC_HISTOGRAM)
    return;
  for (size_t i = 0; i <= f->nbounds; i++) {
    int64_t count = s->buckets[i] + (d != NULL ? d->buckets[i] : 0);
    buf_append(out, &count, sizeof count);
  }
  buf_append(out, f->bounds, f->nbounds * sizeof *f->bounds);
}

struct saver {
  metrics_save *save;
  void *arg;
  struct buf key, value;
};

static int save_one(struct saver *saver, const struct series *s) {
  saver->key.len = saver->value.len = 0;
  write_saved_key(&saver->key, s);
  write_saved_value(&saver->value, s);
  return saver->save(saver->arg, saver->key.data, saver->key.len, saver->value.data,
                     saver->value.len);
}

static void saver_clear(struct saver *saver) {
  buf_clear(&saver->key);
  buf_clear(&saver->value);
}

int metrics_each_changed(struct metrics *m, metrics_save *save, void *arg) {
  struct saver saver = {.save = save, .arg = arg};
  struct series *s;
  int rc = 0;
  while ((s = m->changed) != NULL && (rc = save_one(&saver, s)) == 0) {
    s->delta->changed = false;
    m->changed = s->delta->next_changed;
  }
  saver_clear(&saver);
  return rc;
}

int metrics_each_saved(struct metrics *m, metrics_save *save, void *arg) {
  struct saver saver = {.save = save, .arg = arg};
  int rc = 0;
  for (struct metric *f = m->first; f != NULL; f = f->next)
    for (struct series *s = f->of_records ? f->first : NULL; s != NULL && rc == 0; s = s->next)
      rc = save_one(&saver, s);
  saver_clear(&saver);
  return rc;
}

static const char *next_text(const char **p, const char *end) {
  const char *s = *p;
  const char *nul = memchr(s, '\0', (size_t) (end - s));
  if (nul == NULL)
    return NULL;
  *p = nul + 1;
  return s;
}

static struct metric *find_saved(struct metrics *m, const char *bare_name) {
  struct metric *f = bare_name != NULL ? m->first : NULL;
  while (f != NULL && !(f->of_records && strcmp(f->bare_name, bare_name) == 0))
    f = f->next;
  return f;
}

void metrics_restore(struct metrics *m, const char *key, size_t key_len, const void *value,
                     size_t len) {
  const char *p = key, *end = key + key_len;
  struct metric *f = find_saved(m, next_text(&p, end));
  if (f == NULL)
    return;
  struct buf values = {0};
  for (size_t i = 0; i < f->nlabels; i++) {
    const char *name = next_text(&p, end);
    const char *text = name != NULL && strcmp(name, f->labels[i]) == 0 ? next_text(&p, end) : NULL;
    if (text == NULL)
      goto done;
    buf_append(&values, text, strlen(text) + 1);
  }
  size_t nbuckets = f->kind == METRIC_HISTOGRAM ? f->nbounds + 1 : 0;
  size_t bounds = f->nbounds * sizeof *f->bounds, cells = (2 + nbuckets) * 8;
  const char *cell = value;
  if (p != end || len != cells + bounds ||
      (bounds > 0 && memcmp(cell + cells, f->bounds, bounds) != 0))
    goto done;

  struct series *s = metric_series_restored(f, values.len > 0 ? values.data : "", values.len);
  memcpy(&s->integer, cell, 8);
  memcpy(&s->real, cell + 8, 8);
  memcpy(s->buckets, cell + 16, nbuckets * 8);
done:
  buf_clear(&values);
}
