#include "store/storage.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "metrics/metrics.h"
#include "store/cold/view.h"
#include "store/file/place.h"
#include "store/file/ids.h"
#include "store/file/reading.h"
#include "store/read/reader.h"
#include "store/seal/sealer.h"
#include "store/store_metrics.h"
#include "store/write/writer.h"

/* What a turn of a loop has to store. */
struct turn {
  struct submission *first, **last;
};

struct storage {
  struct shared shared;
  struct receipts receipts;
  struct queue queue;
  struct chores chores;
  struct sealer *sealer;
  struct turn *turns; /* by loop index, each its loop's alone */
  struct writer *writer;
  struct readers *readers;
  struct store_metrics *metrics;
};

/* A connection has the file and its log, files to sort in, and a view of the parts; a reader opens
 * some more to share them out. */
enum { FILES_OF_CONNECTION = 4, CONNECTIONS_OF_READER = 2, OTHER_CONNECTIONS = 4 };

unsigned storage_descriptors(unsigned readers) {
  unsigned connections = OTHER_CONNECTIONS + readers * CONNECTIONS_OF_READER;
  return PART_FILES_IDLE + connections * (FILES_OF_CONNECTION + VIEW_CURSORS) +
         readers * COLD_SHARE_PARTS;
}

bool storage_is_held(const char *path) {
  return place_is_locked(path);
}

int storage_open(struct storage **storage, const struct schema *schema,
                 const struct storage_options *options, struct metrics *metrics,
                 struct buf *error) {
  struct storage *s = xcalloc(1, sizeof *s);
  s->shared = (struct shared){.schema = schema,
                              .options = *options,
                              .metrics = metrics,
                              .retention = options->retention,
                              .writable = true};
  pthread_mutex_init(&s->shared.retention_lock, NULL);
  s->shared.options.path = xstrdup(options->path);
  s->turns = xcalloc(options->nloops, sizeof *s->turns);
  s->receipts.shared = &s->shared;
  if (metrics != NULL)
    s->receipts.commit_seconds = store_metrics_commits(metrics);
  queue_init(&s->queue, options->queue_bytes);
  chores_init(&s->chores, &s->queue);
  /* no twenty pages in advance for every connection */
  sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);          /* nor a lock around every allocation */
  int status = options->read_only ? reading_open(&s->shared, error)
                                  : writer_open(&s->writer, &s->shared, &s->queue, &s->chores,
                                                &s->receipts, error);
  if (status < 0) {
    storage_close(s);
    return status;
  }
  if (s->shared.parts == NULL)
    s->shared.parts = part_files_new(options->path);
  s->readers = readers_open(&s->shared);
  if (metrics != NULL)
    s->metrics = store_metrics_new(metrics, s);
  *storage = s;
  return 0;
}

void storage_on_committed(struct storage *s, storage_committed *committed, void *arg) {
  s->receipts.committed = committed;
  s->receipts.arg = arg;
}

int storage_start(struct storage *s) {
  return writer_start(s->writer);
}

int storage_seal(struct storage *s) {
  if (s->shared.options.hot_days == 0 && !s->shared.has_parts)
    return 0;
  return sealer_start(&s->sealer, &s->shared, &s->chores, readers_oldest, s->readers);
}

void storage_close(struct storage *s) {
  sealer_stop(s->sealer);
  readers_close(s->readers);
  writer_close(s->writer);
  part_files_free(s->shared.parts);
  chores_clear(&s->chores);
  if (s->shared.options.read_only)
    ids_close(s->shared.ids);
  queue_clear(&s->queue);
  pthread_mutex_destroy(&s->shared.retention_lock);
  free(s->metrics);
  free((char *) s->shared.options.path);
  free(s->turns);
  free(s);
}

static void on_turn_end(struct message *m) {
  struct submission *first = container_of(m, struct submission, turn_end);
  struct storage *s = first->storage;
  struct turn *turn = &s->turns[first->loop->index];
  turn->first = NULL;
  queue_add(&s->queue, first, turn->last);
}

int storage_submit(struct storage *s, struct submission *sub) {
  struct turn *turn = &s->turns[sub->loop->index];
  int rc = queue_reserve(&s->queue, sub);
  if (rc < 0)
    return rc;
  sub->storage = s;
  sub->next = NULL;
  if (turn->first == NULL) {
    turn->last = &turn->first;
    sub->turn_end.receive = on_turn_end;
    loop_at_turn_end(sub->loop, &sub->turn_end);
  }
  *turn->last = sub;
  turn->last = &sub->next;
  return 0;
}

static bool is_only_told(const struct storage *s, const struct record *r) {
  const struct metrics *metrics = s->shared.metrics;
  return !s->shared.schema->events[r->event].stored &&
         (metrics == NULL || !metrics_may_count(metrics, r));
}

bool storage_tell(struct storage *s, const struct batch *b) {
  for (size_t i = 0; i < b->count; i++)
    if (!is_only_told(s, batch_record(b, i)))
      return false;
  receipts_tell(&s->receipts, b);
  return true;
}

struct query *query_new(enum query_kind kind) {
  struct query *q = xcalloc(1, sizeof *q);
  q->kind = kind;
  return q;
}

void query_free(struct query *q) {
  if (q == NULL)
    return;
  conditions_unref(q->where);
  for (size_t i = 0; i < q->nquestions; i++) {
    result_clear(&q->questions[i].rows);
    result_clear(&q->questions[i].other);
    result_clear(&q->questions[i].totals);
    free(q->questions[i].bounds);
  }
  free(q->questions);
  buf_clear(&q->id);
  buf_clear(&q->sql);
  result_clear(&q->bound);
  batch_free(q->batch);
  buf_clear(&q->json);
  result_clear(&q->rows);
  free(q);
}

void storage_query(struct storage *s, struct query *q) {
  readers_submit(s->readers, q);
}

void storage_set_retention(struct storage *s, const struct retention *retention) {
  pthread_mutex_lock(&s->shared.retention_lock);
  s->shared.retention = *retention;
  pthread_mutex_unlock(&s->shared.retention_lock);
  queue_wake(&s->queue);
}

static int64_t file_size(const char *path, const char *suffix) {
  struct stat st;
  return place_stat(path, suffix, &st) ? (int64_t) st.st_size : 0;
}

void storage_stats(const struct storage *s, struct storage_stats *stats) {
  const struct shared *shared = &s->shared;
  const char *fault = identity_fault((struct identity *) &shared->identity);
  *stats = (struct storage_stats){
    .rows = atomic_load(&shared->rows),
    .file_bytes = file_size(shared->options.path, ""),
    .wal_bytes = file_size(shared->options.path, "-wal"),
    .free_bytes = place_free(shared->options.path),
    .ids = (int64_t) ids_count(shared->ids),
    .commits = atomic_load(&shared->commits),
    .committed_records = atomic_load(&shared->committed_records),
    .merged = atomic_load(&shared->merged),
    .last_commit_seconds = (double) atomic_load(&shared->last_commit_ns) / 1e9,
    .checkpoint_seconds = (double) atomic_load(&shared->checkpoint_ns) / 1e9,
    .writable = atomic_load(&shared->writable) && fault == NULL,
    .fault = fault,
    .rebuilding = atomic_load(&shared->rebuilding) != 0,
    .passes = atomic_load(&shared->passes),
    .removed = {atomic_load(&shared->removed_rows), atomic_load(&shared->removed_cells),
                atomic_load(&shared->removed_parts), atomic_load(&shared->given_back_bytes)},
    .last_pass_us = atomic_load(&shared->last_pass_us),
    .retention = shared_retention((struct shared *) shared),
    .retention_seconds = (double) atomic_load(&shared->retention_ns) / 1e9,
  };
  if (shared->parts != NULL)
    part_files_missing(shared->parts, stats->missing_part, sizeof stats->missing_part);
  queue_stats((struct queue *) &s->queue, stats);
}

const char *durability_name(const struct storage *s) {
  return s->shared.options.durability == DURABILITY_FULL ? "full" : "normal";
}

const char *storage_name(const struct storage *s) {
  return s->shared.name;
}

const char *storage_path(const struct storage *s) {
  return s->shared.options.path;
}

int64_t storage_last_row(const struct storage *s) {
  return atomic_load(&s->shared.last_row);
}
