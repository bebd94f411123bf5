#include "base/clock.h"
#include "base/log.h"
#include "store/file/database.h"
#include "store/file/rollup_tables.h"
#include "store/write/writer_cold.h"
#include "store/write/writer_state.h"

enum {
  /* new ones in the log: copy what no reader holds back, in steps that nobody notices .. */
  SHORT_PAGES = 500,
  /* .. or, while much is coming in, in longer ones that cost less together */
  PASSIVE_PAGES = 4000,
  RESTART_PAGES = 16000, /* insist: the log must start over */
  PATIENCE_MS = 50,      /* for readers that are in the way */
  REBUILD_ROWS = 5000,   /* a transaction */
  /* ids that are worth a segment at the end; fewer are read from the rows at start */
  LEAST_SEGMENT = 4096,
};

int writer_checkpoint(struct writer *w, int mode, int patience_ms) {
  struct identity *identity = &w->shared->identity;
  if (identity_fault(identity) != NULL)
    return SQLITE_IOERR; /* every commit says so */
  int64_t started = clock_monotonic_ns();
  int pages = 0, done = 0;
  sqlite3_busy_timeout(w->db, patience_ms);
  identity_resize(identity);
  int rc = sqlite3_wal_checkpoint_v2(w->db, NULL, mode, &pages, &done);
  identity_resized(identity);
  sqlite3_busy_timeout(w->db, 2000);
  if (rc != SQLITE_OK && rc != SQLITE_BUSY)
    log_error("checkpoint failed", log_str("error", database_why(w->db, rc)));
  w->checkpointed_pages = pages; /* what a long reader, a backup, holds back goes with later ones */
  if (rc == SQLITE_OK && mode != SQLITE_CHECKPOINT_PASSIVE)
    w->wal_pages = w->checkpointed_pages = 0;
  atomic_fetch_add(&w->shared->checkpoint_ns, clock_monotonic_ns() - started);
  return rc;
}

static int checkpoint(struct writer *w, int mode) {
  return writer_checkpoint(w, mode, PATIENCE_MS);
}

/* The writer copies the log into the file itself, between transactions, and nobody
 * else does (store/file/database.h). */
static void checkpoint_if_due(struct writer *w) {
  if (w->wal_pages < w->checkpointed_pages)
    w->checkpointed_pages = 0;
  int due = writer_is_busy(w) && !w->retainer.tight ? PASSIVE_PAGES : SHORT_PAGES;
  if (w->wal_pages - w->checkpointed_pages < due)
    return;
  checkpoint(w, w->wal_pages >= RESTART_PAGES ? SQLITE_CHECKPOINT_RESTART
                                              : SQLITE_CHECKPOINT_PASSIVE);
  retention_file_grown(w);
}

/* What is behind the gap is lost with the power, unless it stands in the file
 * itself and the log starts over. */
int writer_restart_wal(struct writer *w) {
  int rc = checkpoint(w, SQLITE_CHECKPOINT_RESTART);
  if (rc == SQLITE_OK)
    atomic_store(&w->syncer.failed, false);
  return rc;
}

/* Older ones count in the cells that were kept (rollup_tables.c). */
static void count_fresh(struct writer *w, const struct record *r, const struct buf *text) {
  if (r->v[w->schema->time].i >= w->rebuild_from_us)
    rollups_add(w->fresh, r, text, 1);
}

static int rebuild_step(struct writer *w, int64_t *last) {
  int rc = writer_begin(w);
  bool ends = w->rebuild_upto - w->rebuilt <= REBUILD_ROWS;
  *last = ends ? w->rebuild_upto : w->rebuilt + REBUILD_ROWS;
  if (rc == SQLITE_OK)
    rc = writer_each_row(w, w->rebuilt, *last, count_fresh);
  if (rc == SQLITE_OK)
    rc = writer_each_cold_row(w, w->rebuilt, *last, count_fresh);
  if (rc == SQLITE_OK)
    rc = writer_flush_cells(w);
  if (rc == SQLITE_OK)
    rc = *last < w->rebuild_upto ? meta_set_int(w->db, "rebuilt", *last)
                                 : rollup_tables_rebuilt(w->db);
  return rc == SQLITE_OK ? statement_run(w->commit) : rc;
}

/* From now on one keeper has all sets. */
static void rebuild_done(struct writer *w) {
  rollups_free(w->fresh);
  rollups_free(w->rollups);
  w->fresh = NULL;
  w->rollups = rollups_new(w->db, w->schema, UINT32_MAX);
  atomic_store(&w->shared->rebuilding, 0);
  log_info("rollups are rebuilt", log_int("rows", w->rebuild_upto));
}

static void rebuild_some(struct writer *w) {
  int64_t last = 0;
  int rc = rebuild_step(w, &last);
  if (rc != SQLITE_OK) {
    log_error("rebuilding rollups failed; queries read rows until the next start",
              log_str("error", database_why(w->db, rc)));
    writer_roll_back(w);
    rollups_free(w->fresh);
    w->fresh = NULL;
    return;
  }
  writer_cells_committed(w);
  w->rebuilt = last;
  if (last >= w->rebuild_upto)
    rebuild_done(w);
}

int writer_resume_rebuild(struct writer *w) {
  uint32_t rebuilding = rollup_tables_rebuilding(w->db, w->schema);
  w->rollups = rollups_new(w->db, w->schema, ~rebuilding);
  if (rebuilding == 0)
    return SQLITE_OK;
  atomic_store(&w->shared->rebuilding, rebuilding);
  w->fresh = rollups_new(w->db, w->schema, rebuilding);
  struct coverage coverage = {0};
  int rc = meta_get_int(w->db, "rebuilt", &w->rebuilt);
  if (rc == SQLITE_OK)
    rc = meta_get_int(w->db, "rebuild_upto", &w->rebuild_upto);
  if (rc == SQLITE_OK)
    rc = coverage_read(w->db, w->schema, &coverage);
  int64_t from = rc == SQLITE_OK ? coverage_remade(&coverage) : COVERS_EVER;
  w->rebuild_from_us = from == COVERS_EVER ? INT64_MIN : from * 1000000;
  if (rc == SQLITE_OK)
    log_info("rollups are being rebuilt", log_int("rows", w->rebuild_upto - w->rebuilt));
  return rc;
}

bool writer_has_maintenance(const struct writer *w) {
  return w->filling != 0 || w->fresh != NULL || ids_has_unread(w->ids) ||
         chores_waiting(w->chores);
}

void writer_maintain(struct writer *w) {
  if (ids_segment_due(w->ids))
    ids_write_segment(w->ids, 1, false, clock_now_us());
  if (ids_has_unread(w->ids) && ids_read_some(w->ids) != SQLITE_OK)
    log_error("reading fingerprints failed: they are looked for in the file",
              log_str("error", sqlite3_errmsg(w->db)));
  if (w->filling != 0)
    writer_fill(w);
  else if (w->fresh != NULL)
    rebuild_some(w);
  else if (retention_wait_ms(w) == 0)
    retention_work(w);
  chores_do(w->chores, w);
  checkpoint_if_due(w);
}

int writer_flush_tail(struct writer *w) {
  int rc = writer_begin(w);
  if (rc == SQLITE_OK)
    rc = writer_flush_cells(w);
  if (rc == SQLITE_OK)
    rc = statement_run(w->commit);
  if (rc == SQLITE_OK) {
    writer_cells_committed(w);
    return SQLITE_OK;
  }
  log_error("writing rollups failed", log_str("error", database_why(w->db, rc)));
  writer_roll_back(w);
  return rc;
}

void writer_idle(struct writer *w) {
  if (writer_has_tail(w))
    writer_flush_tail(w);
  else
    checkpoint(w, SQLITE_CHECKPOINT_TRUNCATE);
}

void writer_finish(struct writer *w) {
  if (writer_has_tail(w))
    writer_flush_tail(w);
  writer_save_series(w);
  ids_write_segment(w->ids, LEAST_SEGMENT, true, clock_now_us());
  checkpoint(w, SQLITE_CHECKPOINT_TRUNCATE);
}
