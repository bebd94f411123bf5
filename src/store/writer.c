#include "store/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "hub/hub.h"
#include "metrics/metrics.h"
#include "store/database.h"
#include "store/journal.h"
#include "store/store_metrics.h"
#include "store/writer_state.h"

enum {
  TAIL_IDLE_MS = 100, /* without a write, before the cells go to the file */
  IDLE_MS = 1000,     /* and before the log does */
};

/* ---- One transaction ---- */

static int apply(struct writer *w, struct write *write) {
  switch (write->kind) {
  case WRITE_RESET:
    return writer_reset(w);
  case WRITE_JOURNAL:
    return journal_write(w->db, write->journal);
  default:
    return writer_apply(w, write);
  }
}

/* What commits rely on: the file's header on the disk, and a log without a gap. */
static int make_safe(struct writer *w) {
  int rc = w->synced ? SQLITE_OK : database_sync(w->db);
  w->synced = rc == SQLITE_OK;
  if (rc == SQLITE_OK && atomic_load(&w->syncer.failed))
    rc = writer_mend_log(w);
  return rc;
}

static int run_group(struct writer *w, struct write *group) {
  int rc = make_safe(w);
  if (rc == SQLITE_OK)
    rc = writer_begin(w);
  for (struct write *write = group; write != NULL && rc == SQLITE_OK; write = write->next)
    rc = apply(w, write);
  if (rc == SQLITE_OK)
    rc = rows_flush(&w->rows);
  if (rc == SQLITE_OK && writer_cells_due(w))
    rc = writer_flush_cells(w);
  return rc == SQLITE_OK ? statement_run(w->commit) : rc;
}

/* ---- After COMMIT ---- */

static void committed(struct writer *w, const struct write *group) {
  if (group->kind == WRITE_RESET) {
    ids_forget(w->ids);
    atomic_store(&w->counters.rows, 0);
  }
  atomic_fetch_add(&w->counters.rows, w->inserted);
  if (w->inserted > 0)
    atomic_store(&w->counters.last_row, w->last_row);
  atomic_store(&w->counters.writable, true);
  writer_cells_committed(w);
  ids_commit(w->ids, clock_now_us());
  if (w->metrics != NULL)
    metrics_commit(w->metrics);
}

static void tell(struct writer *w, const struct write *write, int64_t now_us) {
  const struct batch *b = write->batch;
  if (write->kind != WRITE_RECORDS)
    return;
  for (size_t i = 0; w->metrics != NULL && i < b->count; i++)
    metrics_track_active(w->metrics, batch_record(b, i), &b->text, now_us);
  if (w->hub != NULL)
    hub_publish_batch(w->hub, b);
}

static void count_commit(struct writer *w, const struct commit *commit) {
  int64_t accepted = 0, merged = 0;
  for (const struct write *write = commit->group; write != NULL; write = write->next) {
    accepted += write->accepted;
    merged += write->merged;
  }
  atomic_fetch_add(&w->counters.commits, 1);
  atomic_fetch_add(&w->counters.committed_records, accepted + merged);
  atomic_fetch_add(&w->counters.merged, merged);
  int64_t took_ns = clock_monotonic_ns() - commit->started_ns;
  atomic_store(&w->counters.last_commit_ns, took_ns);
  if (w->metrics != NULL)
    metric_observe(w->metrics, w->commit_seconds, NULL, (double) took_ns / 1e9);
}

static void answer(struct write *group) {
  while (group != NULL) {
    struct write *next = group->next;
    loop_post(group->loop, &group->done);
    group = next;
  }
}

static void succeed(struct writer *w, const struct commit *commit) {
  int64_t now_us = clock_now_us();
  count_commit(w, commit);
  for (struct write *write = commit->group; write != NULL; write = write->next) {
    write->status = 0;
    tell(w, write, now_us);
  }
  answer(commit->group);
}

static void fail(struct writer *w, struct write *group, int status, const char *error) {
  atomic_store(&w->counters.writable, false);
  for (struct write *write = group; write != NULL; write = write->next) {
    write->status = status;
    snprintf(write->error, sizeof write->error, "%s", error);
  }
  answer(group);
}

static void fail_to_sync(struct writer *w, struct write *group, int status) {
  char error[sizeof group->error];
  snprintf(error, sizeof error, "the log could not be synced to the disk: %s", uv_strerror(status));
  log_error("sync failed", log_str("error", error));
  fail(w, group, status, error);
}

static void synced(void *arg, const struct commit *commit, int status) {
  struct writer *w = arg;
  queue_release(&w->queue);
  if (status == 0)
    succeed(w, commit);
  else
    fail_to_sync(w, commit->group, status);
}

static bool syncs(const struct writer *w) {
  return w->options.durability == DURABILITY_FULL;
}

/* To the disk, if an answer has to wait for it.  Then the next group gathers until it is worth a commit. */
static void pass_on(struct writer *w, const struct commit *commit) {
  if (!syncs(w)) {
    succeed(w, commit);
    return;
  }
  queue_hold(&w->queue);
  syncer_push(&w->syncer, commit);
}

/* ---- A group ---- */

/* All of the group or, where that fails, each for itself, so that one cannot take the others with it. */
static void commit_group(struct writer *w, struct write *group) {
  const struct commit commit = {group, clock_monotonic_ns()};
  int64_t next_row = w->rows.next;
  int rc = run_group(w, group);
  if (rc == SQLITE_OK) {
    committed(w, group);
    pass_on(w, &commit);
    return;
  }
  char error[sizeof group->error];
  snprintf(error, sizeof error, "%s", sqlite3_errmsg(w->db));
  rows_roll_back(&w->rows, next_row);
  writer_roll_back(w);
  if (group->next == NULL) {
    log_error("commit failed", log_str("error", error), log_int("code", rc));
    fail(w, group, database_status(rc), error);
    return;
  }
  while (group != NULL) {
    struct write *next = group->next;
    group->next = NULL;
    commit_group(w, group);
    group = next;
  }
}

/* ---- The thread ---- */

static void load_ids(struct writer *w) {
  int64_t started = clock_monotonic_ns();
  int rc = ids_load(w->ids, w->schema->columns[w->schema->id].name, clock_now_us());
  if (rc != SQLITE_OK)
    log_error("reading fingerprints failed: repeated ids may be stored twice",
              log_str("error", sqlite3_errmsg(w->db)));
  sqlite3_db_release_memory(w->db);
  log_debug("fingerprints are loaded", log_int("ids", (int64_t) ids_count(w->ids)),
            log_int("ms", (clock_monotonic_ns() - started) / 1000000));
}

static int64_t patience_ms(const struct writer *w) {
  if (writer_has_upkeep(w))
    return 0;
  if (writer_has_tail(w) && atomic_load(&w->counters.writable))
    return TAIL_IDLE_MS;
  return w->wal_pages > 0 ? IDLE_MS : -1;
}

static void *run(void *arg) {
  struct writer *w = arg;
  load_ids(w);
  make_safe(w); /* now, so that the first commit need not; it tries again should this fail */
  for (bool stopped = false; !stopped;) {
    int64_t wait_ms = patience_ms(w);
    struct write *group = queue_take(&w->queue, wait_ms, &stopped);
    if (group != NULL)
      commit_group(w, group);
    else if (wait_ms > 0 && !stopped)
      writer_idle(w);
    if (!stopped)
      writer_upkeep(w);
  }
  writer_finish(w);
  return NULL;
}

static int on_wal(void *arg, sqlite3 *db, const char *name, int pages) {
  (void) db, (void) name;
  struct writer *w = arg;
  w->wal_pages = pages;
  return SQLITE_OK;
}

/* ---- Opening ---- */

/* The lock is a file of its own: to open the database itself anywhere but in SQLite would drop SQLite's
 * locks.  It stands beside the file that a link leads to, so that every name of a database has one lock. */
static int take_lock(struct writer *w, struct buf *error) {
  char *real = realpath(w->options.path, NULL);
  char *path = sqlite3_mprintf("%s-lock", real != NULL ? real : w->options.path);
  free(real);
  w->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  int status = 0;
  if (w->lock_fd < 0) {
    status = -errno;
    buf_printf(error, "%s: cannot be written (%s); choose another path or mend its permissions", path,
               strerror(errno));
  } else if (flock(w->lock_fd, LOCK_EX | LOCK_NB) < 0) {
    status = -errno;
    buf_printf(error, "%s: another Moonledger serves this database; stop it or choose another path",
               w->options.path);
  }
  sqlite3_free(path);
  return status;
}

/* Each of our connections would have a database of its own, or (file:x?mode=memory) what SQLite reads into a name. */
static int check_path(const char *path, struct buf *error) {
  if (*path != '\0' && strcmp(path, ":memory:") != 0 && strncmp(path, "file:", 5) != 0)
    return 0;
  buf_printf(error, "\"%s\": not a file; storage.path or --database names one, such as moonledger.db", path);
  return UV_EINVAL;
}

static int make_folders(const char *path, struct buf *error) {
  char *folder = xstrdup(path);
  int status = 0;
  for (char *slash = strchr(folder + 1, '/'); slash != NULL && status == 0; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    if (mkdir(folder, 0700) < 0 && errno != EEXIST) {
      status = -errno;
      buf_printf(error, "%s: cannot be made (%s)", folder, strerror(errno));
    }
    *slash = '/';
  }
  free(folder);
  return status;
}

static int prepare(sqlite3 *db, const char *sql, sqlite3_stmt **stmt) {
  return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL);
}

static int count_rows(struct writer *w) {
  int64_t last = 0, first = 0;
  int rc = database_int(w->db, "SELECT max(rowid) FROM rows", &last);
  if (rc == SQLITE_OK)
    rc = database_int(w->db, "SELECT min(rowid) FROM rows", &first);
  if (rc == SQLITE_OK)
    rc = meta_get_int(w->db, "counted", &w->counted);
  if (rc != SQLITE_OK)
    return rc;
  w->stale = true;
  w->rows.last = last;
  w->rows.next = last + 1;
  if (last == 0 && meta_get_int(w->db, "next_row", &w->rows.next) != SQLITE_OK)
    w->rows.next = 1;
  atomic_store(&w->counters.rows, last == 0 ? 0 : last - first + 1);
  atomic_store(&w->counters.last_row, w->rows.next - 1);
  return SQLITE_OK;
}

static int open_ids(struct writer *w) {
  struct buf seed = {0}, name = {0};
  int rc = meta_get_bytes(w->db, "seed", &seed);
  if (rc == SQLITE_OK)
    rc = meta_get_bytes(w->db, "name", &name);
  if (rc == SQLITE_OK && (seed.len != sizeof(struct hash_seed) || name.len >= sizeof w->name))
    rc = SQLITE_CORRUPT;
  if (rc == SQLITE_OK) {
    memcpy(w->name, name.data, name.len);
    struct hash_seed k;
    memcpy(&k, seed.data, sizeof k);
    struct ids_options options = {w->options.dedupe_hours * INT64_C(3600000000), w->options.dedupe_max_ids};
    w->ids = ids_open(w->db, &k, &options);
  }
  buf_clear(&seed);
  buf_clear(&name);
  return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

static int open_parts(struct writer *w) {
  int rc = prepare(w->db, "BEGIN IMMEDIATE", &w->begin);
  if (rc == SQLITE_OK)
    rc = prepare(w->db, "COMMIT", &w->commit);
  if (rc == SQLITE_OK)
    rc = prepare(w->db, "INSERT OR REPLACE INTO metric_series VALUES(?, ?)", &w->save_series);
  if (rc == SQLITE_OK)
    rc = prepare(w->db, "INSERT INTO metric_log(series) VALUES(?)", &w->log_series);
  rows_init(&w->rows, w->db, w->schema);
  if (rc == SQLITE_OK)
    rc = count_rows(w);
  if (rc == SQLITE_OK)
    rc = open_ids(w);
  if (rc == SQLITE_OK)
    rc = writer_restore_series(w);
  return rc == SQLITE_OK ? writer_resume_rebuild(w) : rc;
}

static int open_file(struct writer *w, struct buf *error) {
  const char *path = w->options.path;
  int rc = database_open(&w->db, path, ACCESS_WRITER);
  if (rc != SQLITE_OK) {
    database_explain(w->db, path, error);
    return database_status(rc);
  }
  int status = database_prepare(w->db, path, w->schema, error);
  if (status < 0)
    return status;
  sqlite3_wal_hook(w->db, on_wal, w);
  rc = database_exec(w->db, "PRAGMA synchronous=NORMAL"); /* checkpoints sync; commits are the syncer's */
  if (rc == SQLITE_OK)
    rc = open_parts(w);
  if (rc != SQLITE_OK)
    database_explain(w->db, path, error);
  sqlite3_db_release_memory(w->db); /* pages that only opening needed */
  return database_status(rc);
}

int writer_open(struct writer **writer, const struct schema *schema, const struct storage_options *options,
                struct metrics *metrics, struct hub *hub, struct buf *error) {
  struct writer *w = xcalloc(1, sizeof *w);
  *w = (struct writer) {.schema = schema, .options = *options, .metrics = metrics, .hub = hub, .lock_fd = -1};
  w->options.path = xstrdup(options->path);
  w->page = batch_new(schema);
  queue_init(&w->queue, options->queue_bytes);
  atomic_store(&w->counters.writable, true);
  if (metrics != NULL)
    w->commit_seconds = store_metrics_commits(metrics);
  int status = check_path(options->path, error);
  if (status == 0)
    status = make_folders(options->path, error);
  if (status == 0)
    status = take_lock(w, error);
  if (status == 0)
    status = open_file(w, error);
  if (status < 0)
    writer_close(w);
  else
    *writer = w;
  return status;
}

int writer_start(struct writer *w) {
  int status = syncs(w) ? syncer_start(&w->syncer, database_log_path(w->db), synced, w) : 0;
  if (status < 0)
    return status;
  status = -pthread_create(&w->thread, NULL, run, w);
  w->started = status == 0;
  if (syncs(w) && !w->started)
    syncer_stop(&w->syncer);
  return status;
}

static void stop(struct writer *w) {
  queue_stop(&w->queue);
  pthread_join(w->thread, NULL);
  if (syncs(w))
    syncer_stop(&w->syncer);
}

void writer_close(struct writer *w) {
  if (w == NULL)
    return;
  if (w->started)
    stop(w);
  queue_clear(&w->queue);
  rollups_free(w->rollups);
  rollups_free(w->fresh);
  ids_close(w->ids);
  rows_close(&w->rows);
  sqlite3_finalize(w->begin);
  sqlite3_finalize(w->commit);
  sqlite3_finalize(w->save_series);
  sqlite3_finalize(w->log_series);
  buf_clear(&w->series_log);
  batch_free(w->page);
  sqlite3_close(w->db);
  if (w->lock_fd >= 0)
    close(w->lock_fd);
  free((char *) w->options.path);
  free(w);
}

/* ---- For others ---- */

int writer_reserve(struct writer *w, struct write *write) {
  return queue_reserve(&w->queue, write);
}

void writer_submit(struct writer *w, struct write *first, struct write **last) {
  queue_add(&w->queue, first, last);
}

const char *writer_database_name(const struct writer *w) {
  return w->name;
}

struct ids *writer_ids(const struct writer *w) {
  return w->ids;
}

const struct writer_counters *writer_counters(const struct writer *w) {
  return &w->counters;
}

void writer_queue_stats(struct writer *w, struct storage_stats *stats) {
  pthread_mutex_lock(&w->queue.lock);
  stats->queued_bytes = (int64_t) w->queue.bytes;
  stats->queued_batches = (int64_t) w->queue.count;
  stats->oldest_queued_seconds =
      w->queue.first != NULL ? (double) (clock_monotonic_ns() - w->queue.first->queued_ns) / 1e9 : 0;
  pthread_mutex_unlock(&w->queue.lock);
}
