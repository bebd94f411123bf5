#ifndef MOONLEDGER_SPEC_STORE_FIXTURE_H
#define MOONLEDGER_SPEC_STORE_FIXTURE_H

#include <sqlite3.h>
#include <unistd.h>

#include "base/clock.h"
#include "loop/loop.h"
#include "record/ndjson.h"
#include "schema_fixture.h"
#include "store/storage.h"
#include "test.h"

/* A store of its own under /tmp, whose answers arrive on a loop that the test runs by hand. */
struct store {
  struct schema *schema;
  struct loop loop;
  struct storage *storage;
  struct storage_options options;
  char folder[40], path[64];
};

static inline struct store *store_new(void) {
  struct store *s = calloc(1, sizeof *s);
  s->schema = load_schema();
  loop_init(&s->loop, 0);
  strcpy(s->folder, "/tmp/moonledger-test-XXXXXX");
  if (mkdtemp(s->folder) == NULL)
    abort();
  sprintf(s->path, "%s/test.db", s->folder);
  s->options = (struct storage_options){
      .path = s->path,
      .durability = DURABILITY_NORMAL,
      .queue_bytes = 64 << 20,
      .readers = 2,
      .query_deadline_ms = 10000,
      .sql_max_rows = 1000,
      .dedupe_hours = 24,
      .dedupe_max_ids = 1000000,
      .nloops = 1,
  };
  return s;
}

static inline void store_open(struct store *s) {
  struct buf error = {0};
  if (storage_open(&s->storage, s->schema, &s->options, NULL, &error) != 0 ||
      storage_start(s->storage) != 0 || storage_seal(s->storage) != 0) {
    fprintf(stderr, "%.*s\n", (int) error.len, error.data);
    abort();
  }
}

static inline void store_close(struct store *s) {
  storage_close(s->storage);
  s->storage = NULL;
}

static inline void store_remove(struct store *s) {
  char command[60];
  if (s->storage != NULL)
    store_close(s);
  snprintf(command, sizeof command, "rm -rf %s", s->folder);
  CHECK(system(command) == 0);
  loop_close(&s->loop);
  uv_run(&s->loop.uv, UV_RUN_DEFAULT);
  CHECK(loop_clear(&s->loop) == 0);
  schema_free(s->schema);
  free(s);
}

static inline void on_done(struct message *m) {
  m->receive = NULL;
}

static inline void wait_for(struct store *s, struct message *m) {
  while (m->receive != NULL)
    uv_run(&s->loop.uv, UV_RUN_ONCE);
}

static inline struct batch *scan(struct store *s, const char *ndjson) {
  struct batch *b = batch_new(s->schema);
  struct buf body = {0};
  buf_puts(&body, ndjson);
  struct record_limits limits = {1 << 20, 64};
  CHECK(batch_scan(b, &body, FORMAT_NDJSON, &limits, clock_now_us()) == 0);
  buf_clear(&body);
  return b;
}

static inline struct submission put_batch(struct store *s, struct batch *b) {
  struct submission w = {.done.receive = on_done, .loop = &s->loop, .batch = b};
  CHECK(storage_submit(s->storage, &w) == 0);
  wait_for(s, &w.done);
  return w;
}

static inline void wait_until_rebuilt(struct store *s) {
  struct storage_stats stats;
  int64_t until = clock_monotonic_ns() + INT64_C(20000000000);
  do
    storage_stats(s->storage, &stats);
  while (stats.rebuilding && clock_monotonic_ns() < until);
  CHECK(!stats.rebuilding);
}

/* Stores NDJSON and answers what became of it. */
static inline struct submission put(struct store *s, const char *ndjson) {
  struct batch *b = scan(s, ndjson);
  struct submission w = put_batch(s, b);
  batch_free(b);
  w.batch = NULL;
  return w;
}

static inline struct submission reset(struct store *s) {
  struct submission w = {.done.receive = on_done, .loop = &s->loop, .kind = SUBMIT_RESET};
  CHECK(storage_submit(s->storage, &w) == 0);
  wait_for(s, &w.done);
  return w;
}

static inline struct query *ask(struct store *s, struct query *q) {
  q->loop = &s->loop;
  q->done.receive = on_done;
  storage_query(s->storage, q);
  wait_for(s, &q->done);
  return q;
}

/* What the file itself answers. */
static inline int64_t number(const struct store *s, const char *sql) {
  sqlite3 *db;
  sqlite3_stmt *stmt;
  int64_t n = -1;
  CHECK(sqlite3_open(s->path, &db) == SQLITE_OK);
  if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
    n = sqlite3_column_int64(stmt, 0);
  sqlite3_finalize(stmt);
  sqlite3_close(db);
  return n;
}

static inline int column(const struct store *s, const char *name) {
  return schema_column(s->schema, name, strlen(name));
}

static inline int64_t count_rows(struct store *s) {
  struct query *q = ask(s, query_new(QUERY_COUNT));
  CHECK(q->status == 0);
  int64_t n = q->count;
  query_free(q);
  return n;
}

/* The stored row of an id as JSON, or "" when there is none. */
static inline char *row_json(struct store *s, const char *id) {
  struct query *q = query_new(QUERY_LOOKUP);
  struct buf json = {0};
  buf_puts(&q->id, id);
  ask(s, q);
  CHECK(q->status == 0);
  if (q->nrows == 1)
    record_write_json(&json, s->schema, batch_record(q->batch, 0), &q->batch->text, true);
  buf_putc(&json, '\0');
  query_free(q);
  return json.data;
}

/* A cell of a result by column name. */
static inline struct result_value cell_of(const struct result *rows, size_t row, const char *name) {
  const char *p = rows->names.data;
  for (size_t i = 0; i < rows->ncolumns; i++, p += strlen(p) + 1)
    if (strcmp(p, name) == 0)
      return ((const struct result_value *) rows->values.data)[row * rows->ncolumns + i];
  fprintf(stderr, "no column %s\n", name);
  abort();
}

#endif
