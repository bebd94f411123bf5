#include "store/storage.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "store/file/ids.h"
#include "store/read/reader.h"
#include "store/store_metrics.h"
#include "store/write/writer.h"

/* What a turn of a loop has to store. */
struct turn {
  struct write *first, **last;
};

struct storage {
  struct storage_options options;
  struct turn *turns; /* by loop index, each its loop's alone */
  struct writer *writer;
  struct readers *readers;
  struct store_metrics *metrics;
};

int storage_open(struct storage **storage, const struct schema *schema, const struct storage_options *options,
                 struct metrics *metrics, struct hub *hub, struct buf *error) {
  struct storage *s = xcalloc(1, sizeof *s);
  s->options = *options;
  s->options.path = xstrdup(options->path);
  s->turns = xcalloc(options->nloops, sizeof *s->turns);
  sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0); /* no twenty pages in advance for every connection */
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);          /* nor a lock around every allocation */
  int status = writer_open(&s->writer, schema, options, metrics, hub, error);
  if (status < 0) {
    storage_close(s);
    return status;
  }
  s->readers = readers_open(schema, options, s->writer);
  if (metrics != NULL)
    s->metrics = store_metrics_new(metrics, s);
  *storage = s;
  return 0;
}

int storage_start(struct storage *s) {
  return writer_start(s->writer);
}

void storage_close(struct storage *s) {
  readers_close(s->readers);
  writer_close(s->writer);
  free(s->metrics);
  free((char *) s->options.path);
  free(s->turns);
  free(s);
}

static void submit(struct message *m) {
  struct write *first = container_of(m, struct write, turn_end);
  struct turn *turn = &first->storage->turns[first->loop->index];
  turn->first = NULL;
  writer_submit(first->storage->writer, first, turn->last);
}

int storage_write(struct storage *s, struct write *w) {
  struct turn *turn = &s->turns[w->loop->index];
  int rc = writer_reserve(s->writer, w);
  if (rc < 0)
    return rc;
  w->storage = s;
  w->next = NULL;
  if (turn->first == NULL) {
    turn->last = &turn->first;
    w->turn_end.receive = submit;
    loop_at_turn_end(w->loop, &w->turn_end);
  }
  *turn->last = w;
  turn->last = &w->next;
  return 0;
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
  for (size_t i = 0; i < q->nquestions; i++)
    rowset_clear(&q->questions[i].rows);
  free(q->questions);
  buf_clear(&q->id);
  buf_clear(&q->sql);
  rowset_clear(&q->bound);
  batch_free(q->batch);
  buf_clear(&q->json);
  rowset_clear(&q->rows);
  free(q);
}

void storage_query(struct storage *s, struct query *q) {
  readers_submit(s->readers, q);
}

static int64_t file_size(const char *path, const char *suffix) {
  struct buf name = {0};
  struct stat st;
  buf_printf(&name, "%s%s", path, suffix);
  buf_putc(&name, '\0');
  int rc = stat(name.data, &st);
  buf_clear(&name);
  return rc == 0 ? (int64_t) st.st_size : 0;
}

void storage_stats(const struct storage *s, struct storage_stats *stats) {
  const struct writer_counters *c = writer_counters(s->writer);
  *stats = (struct storage_stats) {
    .rows = atomic_load(&c->rows),
    .file_bytes = file_size(s->options.path, ""),
    .wal_bytes = file_size(s->options.path, "-wal"),
    .ids = (int64_t) ids_count(writer_ids(s->writer)),
    .commits = atomic_load(&c->commits),
    .committed_records = atomic_load(&c->committed_records),
    .merged = atomic_load(&c->merged),
    .last_commit_seconds = (double) atomic_load(&c->last_commit_ns) / 1e9,
    .checkpoint_seconds = (double) atomic_load(&c->checkpoint_ns) / 1e9,
    .writable = atomic_load(&c->writable),
    .rebuilding = atomic_load(&c->rebuilding) != 0,
  };
  writer_queue_stats(s->writer, stats);
}

const char *durability_name(const struct storage *s) {
  return s->options.durability == DURABILITY_FULL ? "full" : "normal";
}

const char *storage_name(const struct storage *s) {
  return writer_database_name(s->writer);
}

int64_t storage_last_row(const struct storage *s) {
  return atomic_load(&writer_counters(s->writer)->last_row);
}
