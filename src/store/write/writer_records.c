#include <stdlib.h>

#include "base/mem.h"
#include "metrics/metrics.h"
#include "store/file/database.h"
#include "store/file/rollup_tables.h"
#include "store/file/script_rows.h"
#include "store/write/writer_cold.h"
#include "store/write/writer_state.h"

enum {
  SIDE_BY_SIDE = 32, /* records whose places among the ids come into the cache together */
  AHEAD = 2,         /* and of one that comes itself */
};

static bool is_text(const struct record *r, const struct buf *text, int column, const char *id,
                    size_t len) {
  size_t n;
  const char *s = value_text(text, r->v[column], &n);
  return n == len && memcmp(s, id, len) == 0;
}

static bool has_other_id(const struct writer *w, const struct record *r) {
  return w->schema->other_id >= 0 && record_has(r, w->schema->other_id);
}

static bool has_id(const struct writer *w, const struct record *r, const struct buf *text,
                   const char *id, size_t len) {
  return is_text(r, text, w->schema->id, id, len) ||
         (has_other_id(w, r) && is_text(r, text, w->schema->other_id, id, len));
}

/* Into w->page, from the table or from the part that it is in by now. */
static int load_row(struct writer *w, int64_t row) {
  w->from_part = 0;
  rows_forget(w->page);
  int rc = rows_get(&w->rows, row, w->page, &w->told);
  return rc == SQLITE_DONE ? writer_cold_get(w, row) : rc;
}

static int store_row(struct writer *w, const struct record *r, const struct buf *text) {
  int rc = writer_cold_changed(w, r->row);
  if (rc != SQLITE_OK)
    return rc;
  if (w->from_part == 0)
    return rows_update(&w->rows, r, text, &w->told);
  rc = rows_put_back(&w->rows, r, text, &w->told);
  return rc == SQLITE_OK ? writer_cold_put_back(w, r->row) : rc;
}

/* Loads the candidate that has the id into w->page.  SQLITE_DONE when none has; then *gone is one
 * whose row is there no longer, or 0. */
static int load_match(struct writer *w, const int64_t *rows, size_t nrows, const char *id,
                      size_t len, int64_t *gone) {
  *gone = 0;
  for (size_t i = 0; i < nrows; i++) {
    int rc = load_row(w, rows[i]);
    if (rc == SQLITE_OK && has_id(w, batch_record(w->page, 0), &w->page->text, id, len))
      return SQLITE_OK;
    if (rc == SQLITE_DONE)
      *gone = rows[i];
    else if (rc != SQLITE_OK)
      return rc;
  }
  return SQLITE_DONE;
}

/* A row keeps the ids that it has first: by them it was found, or will be.  One that was found by
 * the record's other id has the record's own as its other.  The column of r that is an id which
 * the row has not had, or -1. */
static int settle_ids(const struct writer *w, const struct record *stored,
                      const struct buf *stored_text, struct record *r, const struct buf *text) {
  int id = w->schema->id, other = w->schema->other_id;
  size_t len;
  const char *own = value_text(text, r->v[id], &len);
  bool is_found_by_other = !is_text(stored, stored_text, id, own, len);
  if (is_found_by_other)
    r->present &= ~(UINT64_C(1) << id);
  if (!has_other_id(w, r))
    return -1;
  if (has_other_id(w, stored)) {
    r->present &= ~(UINT64_C(1) << other);
    return -1;
  }
  if (!is_found_by_other)
    return other;
  r->v[other] = r->v[id];
  return id;
}

static int merge_into_row(struct writer *w, struct submission *sub, struct record *r,
                          const struct buf *text, int64_t fingerprint, int64_t other) {
  struct record *stored = batch_record(w->page, 0);
  const struct buf *stored_text = &w->page->text;
  double weights[METRICS_MAX_RULES];
  int other_id = w->schema->other_id;
  uint64_t present = r->present;
  union value told_other = other_id >= 0 ? r->v[other_id] : (union value){0};
  r->row = stored->row;
  int gained = settle_ids(w, stored, stored_text, r, text);
  stored->event = w->told.stamps[w->told.count - 1].event;
  if (w->metrics != NULL)
    metrics_weigh(w->metrics, stored, stored_text, weights);
  writer_count(w, stored, stored_text, -1);
  enum merge_result result = merge_record(w->page, &w->told, r, text);
  r->present = present; /* as it came: where the group fails, it is applied again */
  if (other_id >= 0)
    r->v[other_id] = told_other;
  writer_count(w, stored, stored_text, 1);
  r->unchanged = result != MERGE_ROW;
  if (w->metrics != NULL && !r->unchanged)
    metrics_count_merge(w->metrics, weights, stored, stored_text);
  sub->merged++;
  if (result == MERGE_NOTHING)
    return SQLITE_OK;
  if (gained >= 0) {
    int rc = ids_add_late(w->ids, gained == w->schema->id ? fingerprint : other, r->row);
    if (rc != SQLITE_OK)
      return rc;
  }
  w->flush_due |= !r->unchanged && r->row <= w->rolled_up_to;
  return store_row(w, stored, stored_text);
}

static int insert_row(struct writer *w, struct submission *sub, struct record *r,
                      const struct buf *text, int64_t fingerprint, int64_t other) {
  int rc = rows_insert(&w->rows, r, text);
  ids_add(w->ids, fingerprint, r->row);
  if (other != fingerprint)
    ids_add(w->ids, other, r->row);
  writer_count(w, r, text, 1);
  if (w->metrics != NULL)
    metrics_count_record(w->metrics, r, text);
  sub->accepted++;
  w->inserted++;
  w->last_row = r->row;
  w->flush_due |= r->event != w->schema->default_event; /* a row does not tell */
  return rc;
}

/* Its row went with retention, and so did what there was to merge. */
static int merge_into_gone(struct submission *sub, struct record *r, int64_t row) {
  r->row = row;
  r->unchanged = true;
  sub->merged++;
  return SQLITE_OK;
}

static size_t add_older(const struct id_entries *older, int64_t fingerprint, int64_t *rows,
                        size_t n) {
  const struct id_entry wanted = {.fingerprint = fingerprint}, *end = older->items + older->len;
  const struct id_entry *found =
      older->len > 0 ? bsearch(&wanted, older->items, older->len, sizeof wanted, id_entry_same)
                     : NULL;
  while (found != NULL && found > older->items && found[-1].fingerprint == fingerprint)
    found--;
  for (; found != NULL && found < end && found->fingerprint == fingerprint && n < ID_CANDIDATES;
       found++)
    rows[n++] = found->row;
  return n;
}

/* The row that has what the column of r says as one of its ids. */
static int find_row(struct writer *w, const struct record *r, const struct buf *text, int column,
                    int64_t fingerprint, const struct id_entries *older, int64_t *gone) {
  int64_t rows[ID_CANDIDATES];
  size_t len, n = ids_find_pending(w->ids, fingerprint, rows);
  const char *id = value_text(text, r->v[column], &len);
  n = add_older(older, fingerprint, rows, n);
  return load_match(w, rows, n, id, len, gone);
}

/* older are those that stand in the file only; other is fingerprint where there is no other id. */
static int apply_record(struct writer *w, struct submission *sub, struct record *r,
                        int64_t fingerprint, int64_t other, const struct id_entries *older) {
  const struct buf *text = &sub->batch->text;
  int64_t gone;
  int rc = find_row(w, r, text, w->schema->id, fingerprint, older, &gone);
  if (rc == SQLITE_DONE && gone == 0 && other != fingerprint)
    rc = find_row(w, r, text, w->schema->other_id, other, older, &gone);
  if (rc != SQLITE_DONE)
    return rc == SQLITE_OK ? merge_into_row(w, sub, r, text, fingerprint, other) : rc;
  if (gone != 0)
    return merge_into_gone(sub, r, gone);
  return insert_row(w, sub, r, text, fingerprint, other);
}

/* A start is not stored: it is only told of. */
static int note_record(struct writer *w, struct submission *sub, const struct record *r) {
  if (w->metrics != NULL)
    w->flush_due |= metrics_count_record(w->metrics, r, &sub->batch->text);
  sub->accepted++;
  return SQLITE_OK;
}

static int64_t fingerprint_of(const struct writer *w, const struct batch *b,
                              const struct record *r, int column) {
  size_t len;
  const char *id = value_text(&b->text, r->v[column], &len);
  return ids_fingerprint(w->ids, id, len);
}

/* Those of the ids, then those of the other ids, or of the ids again; answers how many of them are
 * to be looked for. */
static size_t read_fingerprints(const struct writer *w, const struct batch *b, int64_t *out) {
  size_t n = b->count, wanted = n;
  for (size_t i = 0; i < n; i++) {
    const struct record *r = batch_record(b, i);
    out[i] = out[n + i] = fingerprint_of(w, b, r, w->schema->id);
    if (!has_other_id(w, r))
      continue;
    out[n + i] = fingerprint_of(w, b, r, w->schema->other_id);
    wanted = 2 * n;
  }
  return wanted;
}

static int apply_all(struct writer *w, struct submission *sub, const int64_t *fingerprints,
                     const struct id_entries *older) {
  struct batch *b = sub->batch;
  int rc = SQLITE_OK;
  for (size_t i = 0; i < b->count && rc == SQLITE_OK; i++) {
    struct record *r = batch_record(b, i);
    r->row = 0;
    r->unchanged = false;
    batch_touch(b, i + AHEAD);
    if (i % SIDE_BY_SIDE == 0)
      ids_touch(w->ids, fingerprints + i,
                b->count - i < SIDE_BY_SIDE ? b->count - i : SIDE_BY_SIDE);
    bool stored = w->schema->events[r->event].stored;
    rc = stored ? apply_record(w, sub, r, fingerprints[i], fingerprints[b->count + i], older)
                : note_record(w, sub, r);
  }
  return rc;
}

int writer_apply(struct writer *w, struct submission *sub) {
  size_t n = sub->batch->count;
  int64_t *fingerprints = xmalloc((2 * n + 1) * sizeof *fingerprints);
  struct id_entries older = {0};
  size_t wanted = read_fingerprints(w, sub->batch, fingerprints);
  sub->accepted = sub->merged = 0;
  int rc = ids_probe(w->ids, fingerprints, wanted, &older);
  if (older.len > 1)
    qsort(older.items, older.len, sizeof *older.items, id_entry_compare);
  if (rc == SQLITE_OK)
    rc = apply_all(w, sub, fingerprints, &older);
  id_entries_clear(&older);
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
    rc = manifest_drop_all(w->db);
  if (rc == SQLITE_OK)
    rc = script_rows_delete_all(w->db);
  if (rc == SQLITE_OK)
    rc = ids_delete_all(w->ids);
  if (rc == SQLITE_OK)
    rc = rollup_tables_empty(w->db, w->schema, UINT32_MAX);
  if (rc == SQLITE_OK)
    rc = coverage_forget(w->db);
  if (rc == SQLITE_OK)
    rc = meta_set_int(w->db, "removed", 0);
  rollups_forget(w->rollups);
  if (w->fresh != NULL)
    rollups_forget(w->fresh);
  return rc;
}
