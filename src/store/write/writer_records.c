#include <stdlib.h>

#include "base/mem.h"
#include "metrics/metrics.h"
#include "store/file/database.h"
#include "store/file/rollup_tables.h"
#include "store/file/script_rows.h"
#include "store/write/merge.h"
#include "store/write/writer_state.h"

enum { SIDE_BY_SIDE = 32 }; /* records whose places among the ids come into the cache together */

static bool has_id(const struct writer *w, const struct record *r, const struct buf *text,
                   const char *id, size_t len) {
  size_t n;
  const char *s = value_text(text, r->v[w->schema->id], &n);
  return n == len && memcmp(s, id, len) == 0;
}

/* Loads the candidate that has the id into w->page.  SQLITE_DONE when none has. */
static int load_match(struct writer *w, const int64_t *rows, size_t nrows, const char *id,
                      size_t len) {
  for (size_t i = 0; i < nrows; i++) {
    rows_forget(w->page);
    int rc = rows_get(&w->rows, rows[i], w->page);
    if (rc == SQLITE_OK && has_id(w, batch_record(w->page, 0), &w->page->text, id, len))
      return SQLITE_OK;
    if (rc != SQLITE_OK && rc != SQLITE_DONE)
      return rc;
  }
  return SQLITE_DONE;
}

static int merge_into_row(struct writer *w, struct submission *sub, struct record *r,
                          const struct buf *text) {
  struct record *stored = batch_record(w->page, 0);
  double weights[METRICS_MAX_RULES];
  r->row = stored->row;
  stored->event = r->event;
  if (w->metrics != NULL)
    metrics_weigh(w->metrics, stored, &w->page->text, weights);
  writer_count(w, stored, &w->page->text, -1);
  r->unchanged = !merge_record(w->page, r, text);
  writer_count(w, stored, &w->page->text, 1);
  if (w->metrics != NULL && !r->unchanged)
    metrics_count_merge(w->metrics, weights, stored, &w->page->text);
  sub->merged++;
  if (r->unchanged)
    return SQLITE_OK;
  w->flush_due |= r->row <= w->rolled_up_to;
  return rows_update(&w->rows, stored, &w->page->text);
}

static void insert_row(struct writer *w, struct submission *sub, struct record *r,
                       const struct buf *text, int64_t fingerprint) {
  rows_insert(&w->rows, r, text);
  ids_add(w->ids, fingerprint, r->row);
  writer_count(w, r, text, 1);
  if (w->metrics != NULL)
    metrics_count_record(w->metrics, r, text);
  sub->accepted++;
  w->inserted++;
  w->last_row = r->row;
  w->flush_due |= r->event != w->schema->default_event; /* a row does not tell */
}

/* old is the row that the segments have for the fingerprint, or 0. */
static int apply_record(struct writer *w, struct submission *sub, struct record *r,
                        int64_t fingerprint, int64_t old) {
  const struct buf *text = &sub->batch->text;
  int64_t rows[ID_CANDIDATES + 1];
  size_t len, n = ids_find_pending(w->ids, fingerprint, rows);
  const char *id = value_text(text, r->v[w->schema->id], &len);
  if (old != 0)
    rows[n++] = old;
  int rc = load_match(w, rows, n, id, len);
  if (rc != SQLITE_DONE)
    return rc == SQLITE_OK ? merge_into_row(w, sub, r, text) : rc;
  insert_row(w, sub, r, text, fingerprint);
  return SQLITE_OK;
}

/* A start is not stored: it is only told of. */
static int note_record(struct writer *w, struct submission *sub, const struct record *r) {
  if (w->metrics != NULL)
    w->flush_due |= metrics_count_record(w->metrics, r, &sub->batch->text);
  sub->accepted++;
  return SQLITE_OK;
}

static int64_t fingerprint_of(const struct writer *w, const struct batch *b, size_t i) {
  size_t len;
  const char *id = value_text(&b->text, batch_record(b, i)->v[w->schema->id], &len);
  return ids_fingerprint(w->ids, id, len);
}

static int64_t probed_row(const struct id_entry *probed, size_t n, int64_t fingerprint) {
  const struct id_entry wanted = {.fingerprint = fingerprint};
  const struct id_entry *found = bsearch(&wanted, probed, n, sizeof *probed, id_entry_same);
  return found != NULL ? found->row : 0;
}

static int apply_all(struct writer *w, struct submission *sub, const int64_t *fingerprints,
                     const struct id_entry *probed) {
  struct batch *b = sub->batch;
  int rc = SQLITE_OK;
  for (size_t i = 0; i < b->count && rc == SQLITE_OK; i++) {
    struct record *r = batch_record(b, i);
    r->row = 0;
    r->unchanged = false;
    if (i % SIDE_BY_SIDE == 0)
      ids_touch(w->ids, fingerprints + i,
                b->count - i < SIDE_BY_SIDE ? b->count - i : SIDE_BY_SIDE);
    int64_t old = probed != NULL ? probed_row(probed, b->count, fingerprints[i]) : 0;
    bool stored = w->schema->events[r->event].stored;
    rc = stored ? apply_record(w, sub, r, fingerprints[i], old) : note_record(w, sub, r);
  }
  return rc;
}

static int probe_and_apply(struct writer *w, struct submission *sub, const int64_t *fingerprints) {
  size_t n = sub->batch->count;
  struct id_entry *wanted = xcalloc(n + 1, sizeof *wanted);
  for (size_t i = 0; i < n; i++)
    wanted[i].fingerprint = fingerprints[i];
  qsort(wanted, n, sizeof *wanted, id_entry_compare);
  int rc = sub->probe_all ? ids_probe_segments(w->db, wanted, n)
                          : ids_probe_unread(w->ids, wanted, n);
  if (rc == SQLITE_OK)
    rc = apply_all(w, sub, fingerprints, wanted);
  free(wanted);
  return rc;
}

int writer_apply(struct writer *w, struct submission *sub) {
  size_t n = sub->batch->count;
  int64_t *fingerprints = xmalloc((n + 1) * sizeof *fingerprints);
  for (size_t i = 0; i < n; i++)
    fingerprints[i] = fingerprint_of(w, sub->batch, i);
  sub->accepted = sub->merged = 0;
  bool probes = sub->probe_all || ids_has_unread(w->ids);
  int rc = probes ? probe_and_apply(w, sub, fingerprints) : apply_all(w, sub, fingerprints, NULL);
  free(fingerprints);
  return rc;
}

/* Row numbers go on after a reset: they name events. */
int writer_reset(struct writer *w) {
  w->flush_due = true;
  w->rows.last = 0;
  int rc = meta_set_int(w->db, "next_row", w->rows.next);
  if (rc == SQLITE_OK)
    rc = database_exec(w->db, "DELETE FROM rows");
  if (rc == SQLITE_OK)
    rc = script_rows_delete_all(w->db);
  if (rc == SQLITE_OK)
    rc = ids_delete_all(w->ids);
  if (rc == SQLITE_OK)
    rc = rollup_tables_empty(w->db, w->schema, UINT32_MAX);
  rollups_forget(w->rollups);
  if (w->fresh != NULL)
    rollups_forget(w->fresh);
  return rc;
}
