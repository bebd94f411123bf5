#include "store/write/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "metrics/metrics.h"
#include "store/file/database.h"
#include "store/file/place.h"
#include "store/file/script_rows.h"
#include "store/file/tables.h"
#include "store/write/writer_cold.h"
#include "store/write/writer_state.h"

enum {
  TAIL_IDLE_MS = 100, /* without a submission, before the cells go to the file */
  IDLE_MS = 1000,     /* and before the log does */
  AGAIN_MS = 500,     /* after a commit that failed */
};

static int apply_submission(struct writer *w, struct submission *sub) {
  switch (sub->kind) {
  case SUBMIT_RESET:
    return writer_reset(w);
  case SUBMIT_SCRIPT_ROWS:
    return script_rows_write(w->db, sub->script_rows);
  default:
    return writer_apply(w, sub);
  }
}

/* What commits rely on: the file's header on the disk, and a log without a gap. */
static int make_safe(struct writer *w) {
  int rc = w->synced ? SQLITE_OK : database_sync(w->db);
  w->synced = rc == SQLITE_OK;
  if (rc == SQLITE_OK && atomic_load(&w->syncer.failed))
    rc = writer_restart_wal(w);
  return rc;
}

static int apply_group(struct writer *w, struct submission *first) {
  int rc = make_safe(w);
  if (rc == SQLITE_OK)
    rc = writer_begin(w);
  for (struct submission *sub = first; sub != NULL && rc == SQLITE_OK; sub = sub->next)
    rc = apply_submission(w, sub);
  if (rc == SQLITE_OK)
    rc = rows_flush(&w->rows);
  if (rc == SQLITE_OK && writer_cells_due(w))
    rc = writer_flush_cells(w);
  if (rc == SQLITE_OK && w->parts_changed)
    rc = manifest_raise(w->db);
  return rc == SQLITE_OK ? statement_run(w->commit) : rc;
}

static void group_committed(struct writer *w, const struct submission *group) {
  if (group->kind == SUBMIT_RESET) {
    ids_forget(w->ids);
    w->sealing = (struct part){0};
    atomic_store(&w->shared->rows, 0);
    w->removed = 0;
    w->retainer.step = STEP_NONE;
  }
  atomic_fetch_add(&w->shared->rows, w->inserted);
  if (w->inserted > 0)
    atomic_store(&w->shared->last_row, w->last_row);
  atomic_store(&w->shared->writable, true);
  w->parts_changed = false;
  writer_cells_committed(w);
  ids_commit(w->ids, clock_now_us());
  if (w->metrics != NULL)
    metrics_commit(w->metrics);
}

static bool syncs(const struct writer *w) {
  return w->shared->options.durability == DURABILITY_FULL;
}

/* The senders are told once the group is as durable as they were promised.  While
 * it is synced, the next one gathers until it is worth a commit. */
static void pass_on(struct writer *w, const struct group *group) {
  if (!syncs(w) || (!group->wrote && syncer_is_idle(&w->syncer))) {
    receipts_succeed(w->receipts, group);
    return;
  }
  queue_hold(w->queue);
  syncer_push(&w->syncer, group);
}

static void fail_group(struct writer *w, const struct group *group, int rc, const char *error) {
  log_error("commit failed", log_str("error", error), log_int("code", rc));
  receipts_fail(w->receipts, group, database_status(rc), error);
}

/* It has been committed, but perhaps to files that nobody will find again. */
static void pass_on_or_fail(struct writer *w, const struct group *group) {
  const char *fault = identity_fault(&w->shared->identity);
  if (fault == NULL)
    pass_on(w, group);
  else
    fail_group(w, group, SQLITE_IOERR, fault);
}

/* All of the group or, where that fails, each for itself, so that one cannot take
 * the others with it. */
static void commit_group(struct writer *w, struct submission *first) {
  struct group group = {first, clock_monotonic_ns(), false};
  int64_t next_row = w->rows.next;
  const char *fault = identity_fault(&w->shared->identity);
  const char *refusal = retention_refusal(&w->retainer);
  if (fault != NULL || (refusal != NULL && first->kind != SUBMIT_RESET)) {
    fail_group(w, &group, fault != NULL ? SQLITE_IOERR : SQLITE_FULL,
               fault != NULL ? fault : refusal);
    return;
  }
  w->wrote = false;
  int rc = apply_group(w, first);
  if (rc == SQLITE_OK) {
    group.wrote = w->wrote;
    group_committed(w, first);
    pass_on_or_fail(w, &group);
    return;
  }
  char error[sizeof first->error];
  snprintf(error, sizeof error, "%s", database_why(w->db, rc));
  rows_roll_back(&w->rows, next_row);
  writer_roll_back(w);
  if (database_status(rc) == UV_ENOSPC)
    retention_disk_full(w);
  if (first->next == NULL) {
    fail_group(w, &group, rc, error);
    return;
  }
  for (struct submission *sub = first, *next; sub != NULL; sub = next) {
    next = sub->next;
    sub->next = NULL;
    commit_group(w, sub);
  }
}

static void load_ids(struct writer *w) {
  int64_t started = clock_monotonic_ns();
  const struct schema *s = w->schema;
  const char *other = s->other_id >= 0 ? s->columns[s->other_id].name : NULL;
  int rc = ids_load(w->ids, s->columns[s->id].name, other, clock_now_us());
  if (rc != SQLITE_OK)
    log_error("reading fingerprints failed: repeated ids may be stored twice",
              log_str("error", database_why(w->db, rc)));
  sqlite3_db_release_memory(w->db);
  log_debug("fingerprints are loaded", log_int("ids", (int64_t) ids_count(w->ids)),
            log_int("ms", (clock_monotonic_ns() - started) / 1000000));
}

static int64_t idle_ms(const struct writer *w) {
  if (!atomic_load(&w->shared->writable))
    return AGAIN_MS;
  if (writer_has_tail(w))
    return TAIL_IDLE_MS;
  return w->wal_pages > 0 ? IDLE_MS : -1;
}

/* After a commit that failed: whether another would succeed.  Who is told that the store cannot
 * be written may send nothing more, and would never hear that it can. */
static void try_again(struct writer *w) {
  if (identity_fault(&w->shared->identity) != NULL || retention_refusal(&w->retainer) != NULL)
    return;
  int rc = make_safe(w);
  if (rc == SQLITE_OK)
    rc = writer_begin(w);
  if (rc == SQLITE_OK)
    rc = meta_set_int(w->db, "tried_again", clock_now_us());
  if (rc == SQLITE_OK)
    rc = statement_run(w->commit);
  if (rc != SQLITE_OK) {
    writer_roll_back(w);
    return;
  }
  atomic_store(&w->shared->writable, true);
  log_info("commits succeed again");
}

static int64_t patience_ms(struct writer *w, int64_t idle) {
  int64_t retention = writer_has_maintenance(w) ? 0 : retention_wait_ms(w);
  return idle < 0 || (retention >= 0 && retention < idle) ? retention : idle;
}

static void *writer_main(void *arg) {
  struct writer *w = arg;
  load_ids(w);
  make_safe(w); /* now, so that the first commit need not; it tries again should this fail */
  for (bool stopped = false; !stopped;) {
    int64_t idle = idle_ms(w), wait_ms = patience_ms(w, idle);
    struct submission *group = queue_take(w->queue, wait_ms, &stopped);
    if (group != NULL)
      commit_group(w, group);
    else if (wait_ms > 0 && wait_ms == idle && !stopped)
      atomic_load(&w->shared->writable) ? writer_idle(w) : try_again(w);
    if (!stopped)
      writer_maintain(w);
  }
  chores_close(w->chores);
  writer_finish(w);
  return NULL;
}

static int on_wal(void *arg, sqlite3 *db, const char *name, int pages) {
  (void) db, (void) name;
  struct writer *w = arg;
  w->wal_pages = pages;
  w->wrote = true;
  return SQLITE_OK;
}

static int prepare_statement(sqlite3 *db, const char *sql, sqlite3_stmt **stmt) {
  return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL);
}

/* Above all rows that there ever were, as far as the file tells: they name events, and cells and
 * ids go by them. */
static int64_t next_row(const struct writer *w, int64_t last) {
  int64_t next = last + 1, after_reset = 0, with_id = ids_last_segment_row(w->db);
  if (w->rolled_up_to >= next)
    next = w->rolled_up_to + 1;
  if (with_id >= next)
    next = with_id + 1;
  return meta_get_int(w->db, "next_row", &after_reset) == SQLITE_OK && after_reset > next
             ? after_reset
             : next;
}

/* Numbers have no gaps but those that retention made. */
static int count_rows(struct writer *w) {
  int64_t first = 1;
  int rc = database_int(w->db, "SELECT max(rowid) FROM rows", &w->rows.last);
  if (rc == SQLITE_OK)
    rc = meta_get_int(w->db, "counted", &w->rolled_up_to);
  if (rc == SQLITE_OK && (rc = meta_get_int(w->db, "next_row", &first)) == SQLITE_DONE)
    rc = SQLITE_OK;
  if (rc == SQLITE_OK && (rc = meta_get_int(w->db, "removed", &w->removed)) == SQLITE_DONE)
    rc = SQLITE_OK;
  if (rc != SQLITE_OK)
    return rc;
  w->stale = true;
  w->rows.next = next_row(w, w->rows.last);
  atomic_store(&w->shared->rows, w->rows.next - first - w->removed);
  atomic_store(&w->shared->last_row, w->rows.next - 1);
  return SQLITE_OK;
}

static int open_ids(struct writer *w) {
  struct shared *shared = w->shared;
  struct ids_options options = {shared->options.dedupe_hours * INT64_C(3600000000),
                                shared->options.dedupe_max_ids};
  struct hash_seed seed;
  int rc = tables_name(w->db, shared->name, &seed);
  if (rc == SQLITE_OK)
    w->ids = shared->ids = ids_open(w->db, &seed, &options);
  return rc;
}

static int open_parts(struct writer *w) {
  int rc = prepare_statement(w->db, "BEGIN IMMEDIATE", &w->begin);
  if (rc == SQLITE_OK)
    rc = prepare_statement(w->db, "COMMIT", &w->commit);
  if (rc == SQLITE_OK)
    rc = prepare_statement(w->db, "INSERT OR REPLACE INTO metric_series VALUES(?, ?)",
                           &w->save_series);
  if (rc == SQLITE_OK)
    rc = prepare_statement(w->db, "INSERT INTO metric_log(series) VALUES(?)", &w->insert_changes);
  if (rc == SQLITE_OK)
    rc = rows_init(&w->rows, w->db, w->schema);
  if (rc == SQLITE_OK)
    rc = count_rows(w);
  if (rc == SQLITE_OK)
    rc = open_ids(w);
  if (rc == SQLITE_OK)
    rc = writer_restore_series(w);
  if (rc == SQLITE_OK)
    rc = writer_resume_fill(w);
  if (rc == SQLITE_OK)
    rc = writer_cold_open(w);
  return rc == SQLITE_OK ? writer_resume_rebuild(w) : rc;
}

static int open_file(struct writer *w, const char *path, struct buf *error) {
  int rc = database_open(&w->db, path, ACCESS_WRITER);
  if (rc != SQLITE_OK) {
    database_explain(w->db, path, error);
    return database_status(rc);
  }
  int status = tables_prepare(w->db, path, w->schema, error);
  if (status < 0)
    return status;
  sqlite3_wal_hook(w->db, on_wal, w);
  /* checkpoints sync; commits are the syncer's */
  rc = database_exec(w->db, "PRAGMA synchronous=NORMAL");
  if (rc == SQLITE_OK)
    rc = open_parts(w);
  if (rc != SQLITE_OK)
    database_explain(w->db, path, error);
  sqlite3_db_release_memory(w->db); /* pages that only opening needed */
  return database_status(rc);
}

int writer_open(struct writer **writer, struct shared *shared, struct queue *queue,
                struct chores *chores, const struct receipts *receipts, struct buf *error) {
  struct writer *w = xcalloc(1, sizeof *w);
  const char *path = shared->options.path;
  *w = (struct writer){.shared = shared,
                       .schema = shared->schema,
                       .metrics = shared->metrics,
                       .queue = queue,
                       .chores = chores,
                       .receipts = receipts,
                       .lock_fd = -1};
  w->page = batch_new(w->schema);
  retention_init(&w->retainer);
  int status = place_check(path, error);
  if (status == 0)
    status = place_make_folders(path, error);
  if (status == 0)
    status = w->lock_fd = place_lock(path, error);
  if (status >= 0)
    status = open_file(w, path, error);
  if (status < 0) {
    writer_close(w);
    return status;
  }
  identity_take(&shared->identity, path, database_wal_path(w->db));
  *writer = w;
  return status;
}

static int start_syncer(struct writer *w) {
  return syncer_start(&w->syncer, database_wal_path(w->db), w->receipts, queue_on_synced, w->queue);
}

int writer_start(struct writer *w) {
  int status = syncs(w) ? start_syncer(w) : 0;
  if (status < 0)
    return status;
  status = -pthread_create(&w->thread, NULL, writer_main, w);
  w->started = status == 0;
  if (syncs(w) && !w->started)
    syncer_stop(&w->syncer);
  return status;
}

static void stop_threads(struct writer *w) {
  queue_stop(w->queue);
  pthread_join(w->thread, NULL);
  if (syncs(w))
    syncer_stop(&w->syncer);
}

void writer_close(struct writer *w) {
  if (w == NULL)
    return;
  if (w->started)
    stop_threads(w);
  rollups_free(w->rollups);
  rollups_free(w->fresh);
  ids_close(w->ids);
  rows_close(&w->rows);
  sqlite3_finalize(w->begin);
  sqlite3_finalize(w->commit);
  sqlite3_finalize(w->save_series);
  sqlite3_finalize(w->insert_changes);
  buf_clear(&w->series_changes);
  view_free(w->view);
  batch_free(w->page);
  told_clear(&w->told);
  if (identity_fault(&w->shared->identity) != NULL) /* what is there now is not ours to write */
    sqlite3_db_config(w->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  sqlite3_close(w->db);
  if (w->lock_fd >= 0)
    close(w->lock_fd);
  free(w);
}
