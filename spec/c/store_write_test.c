#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "metrics/metrics.h"
#include "store_fixture.h"

static void expect_row(struct store *s, const char *id, const char *part) {
  char *json = row_json(s, id);
  if (strstr(json, part) == NULL)
    fprintf(stderr, "%s: no %s in %s\n", id, part, json);
  CHECK(strstr(json, part) != NULL);
  free(json);
}

static void expect_none(struct store *s, const char *id) {
  char *json = row_json(s, id);
  CHECK(*json == '\0');
  free(json);
}

static double total(struct store *s, const char *measure) {
  struct query *q = query_new(QUERY_AGGREGATE);
  q->nquestions = 1;
  q->questions = calloc(1, sizeof *q->questions);
  ask(s, q);
  CHECK(q->status == 0);
  struct result_value cell = {0};
  if (q->questions[0].rows.nrows == 1)
    cell = cell_of(&q->questions[0].rows, 0, measure);
  query_free(q);
  return cell.type == RESULT_REAL ? cell.value.f : (double) cell.value.i;
}

static void test_stores_and_answers(struct store *s) {
  struct submission w = put(
      s, "{\"request_id\":\"a\",\"timestamp\":1750000000,\"model\":\"m\",\"x\":[1,2]}\n"
         "{\"request_id\":\"b\",\"timestamp\":1750000001,\"type\":\"request_start\"}\n"
         "{\"request_id\":\"c\",\"timestamp\":1750000002,\"duration_ms\":2.5}\n");
  CHECK(w.status == 0 && w.accepted == 3 && w.merged == 0);
  CHECK(count_rows(s) == 2);
  expect_row(s, "a", "\"model\":\"m\"");
  expect_row(s, "a", "\"extra\":{\"x\":[1,2]}");
  expect_none(s, "b");
  CHECK(storage_last_row(s->storage) == 2);
}

static void test_merges_the_same_id(struct store *s) {
  put(s, "{\"request_id\":\"m\",\"timestamp\":1750000000,\"model\":\"x\",\"tokens_"
         "input\":5,\"k\":1,\"l\":2}\n");
  double tokens = total(s, "tokens_input");
  struct submission w = put(
      s, "{\"request_id\":\"m\",\"timestamp\":1750009999,\"tokens_input\":7,\"cost_usd\":"
         "0.5,\"k\":3}\n"
         "{\"request_id\":\"n\",\"timestamp\":1750000000,\"tokens_input\":1}\n"
         "{\"request_id\":\"n\",\"tokens_output\":2,\"status_code\":500}\n");
  CHECK(w.status == 0 && w.accepted == 1 && w.merged == 2);
  expect_row(s, "m", "\"timestamp\":\"2025-06-15T15:06:40Z\"");
  expect_row(s, "m", "\"model\":\"x\"");
  expect_row(s, "m", "\"tokens_input\":7");
  expect_row(s, "m", "\"extra\":{\"l\":2,\"k\":3}");
  expect_row(s, "n", "\"tokens_output\":2");
  CHECK(total(s, "tokens_input") == tokens + 2 + 1);
  CHECK(total(s, "errors") == 1);
  CHECK(count_rows(s) == 4);
}

static void test_unchanged_repeat(struct store *s) {
  struct batch *b = scan(
      s,
      "{\"request_id\":\"m\",\"tokens_input\":7,\"k\":3}\n{\"request_id\":\"m\",\"model\":\"y\"}\n"
      "{\"request_id\":\"m\",\"tokens_input\":8}\n");
  struct submission w = put_batch(s, b);
  CHECK(w.merged == 3 && w.accepted == 0);
  CHECK(batch_record(b, 0)->unchanged && !batch_record(b, 1)->unchanged);
  CHECK(batch_record(b, 2)->unchanged); /* the tokens stay with their cost */
  CHECK(batch_record(b, 1)->row == 3);
  batch_free(b);
}

static atomic_int syncs;

int __real_fdatasync(int fd);

int __wrap_fdatasync(int fd) {
  atomic_fetch_add(&syncs, 1);
  return __real_fdatasync(fd);
}

static int syncs_of(struct store *s, const char *event, int64_t first, int64_t step) {
  char line[100];
  int before = atomic_load(&syncs);
  for (int64_t i = 0; i < 20; i++) {
    snprintf(line, sizeof line,
             "{\"request_id\":\"s%" PRId64 "\",\"type\":\"%s\",\"timestamp\":1750000000}",
             first + i * step, event);
    put(s, line);
  }
  return atomic_load(&syncs) - before;
}

static void test_nothing_to_sync(void) {
  struct store *s = store_new();
  s->options.durability = DURABILITY_FULL;
  store_open(s);
  CHECK(syncs_of(s, "request_complete", 0, 1) >= 20);
  /* but for a checkpoint's that may be due */
  CHECK(syncs_of(s, "request_complete", 0, 0) < 10);
  CHECK(syncs_of(s, "request_start", 100, 1) < 10);
  CHECK(count_rows(s) == 20);
  store_remove(s);
}

static void count_told(void *told, const struct batch *b) {
  *(size_t *) told += b->count;
}

/* Starts go to whoever listens without a commit; a batch with a record that is stored goes no other
 * way than the writer's. */
static void test_only_told(struct store *s) {
  static const char start[] = "{\"request_id\":\"t\",\"type\":\"request_start\"}",
                    mixed[] = "{\"request_id\":\"t\",\"type\":\"request_start\"}\n"
                              "{\"request_id\":\"t\",\"timestamp\":1750000000}";
  struct batch *only = scan(s, start), *both = scan(s, mixed);
  size_t told = 0;
  int64_t before = count_rows(s);
  storage_on_committed(s->storage, count_told, &told);
  CHECK(storage_tell(s->storage, only) && told == 1);
  CHECK(!storage_tell(s->storage, both) && told == 1);
  CHECK(count_rows(s) == before);
  storage_on_committed(s->storage, NULL, NULL);
  batch_free(only);
  batch_free(both);
}

static void test_ids_outlive_a_restart(struct store *s) {
  store_close(s);
  store_open(s);
  expect_row(s, "a", "\"model\":\"m\"");
  CHECK(put(s, "{\"request_id\":\"a\",\"method\":\"PUT\"}\n").merged == 1);
  CHECK(count_rows(s) == 4);
}

static void test_reset(struct store *s) {
  CHECK(reset(s).status == 0);
  CHECK(count_rows(s) == 0 && total(s, "requests") == 0);
  expect_none(s, "a");
  struct storage_stats stats;
  storage_stats(s->storage, &stats);
  CHECK(stats.rows == 0 && stats.ids == 0);
  CHECK(storage_last_row(s->storage) == 4);
  store_close(s);
  store_open(s);
  CHECK(storage_last_row(s->storage) == 4);
  struct batch *b = scan(s, "{\"request_id\":\"a\",\"timestamp\":1750000000}\n");
  CHECK(put_batch(s, b).accepted == 1);
  CHECK(batch_record(b, 0)->row == 5); /* row numbers go on: they name events */
  batch_free(b);
  CHECK(count_rows(s) == 1);
}

static void put_many(struct store *s, int from, int to, uint32_t accepted) {
  struct buf text = {0};
  for (int i = from; i < to; i++)
    buf_printf(&text,
               "{\"request_id\":\"many-%d\",\"timestamp\":%d,\"tokens_output\":1}\n", i,
               1750000000 + i);
  buf_putc(&text, '\0');
  struct batch *b = scan(s, text.data);
  struct submission w = put_batch(s, b);
  CHECK(w.status == 0 && w.accepted == accepted && w.merged == (uint32_t) (to - from) - accepted);
  batch_free(b);
  buf_clear(&text);
}

/* Beyond dedupe_max_ids an id is no longer in memory; segments still know it. */
static void test_segments(void) {
  struct store *s = store_new();
  s->options.dedupe_max_ids = 4000;
  store_open(s);
  for (int i = 0; i < 20000; i += 1000)
    put_many(s, i, i + 1000, 1000);
  struct storage_stats stats;
  storage_stats(s->storage, &stats);
  CHECK(stats.ids <= 4000 && stats.rows == 20000);
  put_many(s, 19000, 20000, 0);
  expect_row(s, "many-17", "\"tokens_output\":1");
  expect_row(s, "many-19999", "\"tokens_output\":1");
  expect_none(s, "many-20000");
  put_many(s, 0, 1000, 0);
  store_close(s);
  store_open(s);
  put_many(s, 19000, 20000, 0);
  put_many(s, 0, 1000, 0);
  CHECK(count_rows(s) == 20000);
  store_remove(s);
}

/* What a reader has to add up besides cells stays small while somebody asks, however much comes. */
static void test_tail_while_asked(void) {
  const char *tail = "SELECT (SELECT max(rowid) FROM rows) - value FROM meta WHERE key = 'counted'";
  struct store *s = store_new();
  store_open(s);
  for (int i = 0; i < 60000; i += 5000) {
    CHECK(count_rows(s) == i);
    put_many(s, i, i + 5000, 5000);
    CHECK(number(s, tail) < 32768);
  }
  store_remove(s);
}

static int64_t ids_in_memory(struct store *s) {
  struct storage_stats stats;
  storage_stats(s->storage, &stats);
  return stats.ids;
}

/* Segments are read while records come in: each is known, whether that has been read or not. */
static void test_segments_are_read_meanwhile(void) {
  enum { ROWS = 20000 };
  struct store *s = store_new();
  store_open(s);
  for (int i = 0; i < ROWS; i += 5000) {
    put_many(s, i, i + 5000, 5000);
    store_close(s);
    store_open(s);
    put_many(s, i, i + 1, 0);
    put_many(s, i, i + 100, 0);
    put_many(s, 0, i + 5000, 0);
    put_many(s, ROWS, ROWS + 5, i == 0 ? 5 : 0);
  }
  CHECK(count_rows(s) == ROWS + 5);
  while (ids_in_memory(s) < ROWS + 5)
    usleep(1000);
  CHECK(ids_in_memory(s) == ROWS + 5);
  store_remove(s);
}

/* What cannot be written is not acknowledged, and what was before it stays. */
static void test_disk_full(void) {
  struct store *s = store_new();
  store_open(s);
  put_many(s, 0, 100, 100);
  struct rlimit old, small = {2 << 20, RLIM_INFINITY};
  getrlimit(RLIMIT_FSIZE, &old);
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  int failed = 0, stored = 100;
  for (int i = 100; i < 40100 && !failed; i += 1000) {
    struct buf text = {0};
    for (int j = i; j < i + 1000; j++)
      buf_printf(&text,
                 "{\"request_id\":\"many-%d\",\"timestamp\":%d,\"tokens_output\":1}\n", j,
                 1750000000 + j);
    buf_putc(&text, '\0');
    struct submission w = put(s, text.data);
    failed = w.status < 0;
    CHECK(failed ? w.error[0] != '\0' : w.accepted == 1000);
    stored += failed ? 0 : 1000;
    buf_clear(&text);
  }
  struct storage_stats stats;
  storage_stats(s->storage, &stats);
  CHECK(failed && !stats.writable && stats.rows == stored);
  CHECK(count_rows(s) == stored);
  setrlimit(RLIMIT_FSIZE, &old);
  put_many(s, 100, 40100, 40000 - (uint32_t) (stored - 100));
  CHECK(count_rows(s) == 40100);
  CHECK(total(s, "tokens_output") == 40100);
  store_remove(s);
}

static void test_queue_is_bounded(void) {
  struct store *s = store_new();
  s->options.queue_bytes = 1;
  store_open(s);
  enum { WRITES = 50 };
  struct submission w[WRITES];
  struct batch *b[WRITES];
  int refused = 0, accepted = 0;
  for (int i = 0; i < WRITES; i++) {
    char line[64];
    sprintf(line, "{\"request_id\":\"q%d\"}\n", i);
    b[i] = scan(s, line);
    w[i] = (struct submission){.done.receive = on_done, .loop = &s->loop, .batch = b[i]};
    int rc = storage_submit(s->storage, &w[i]);
    CHECK(rc == 0 || rc == UV_EAGAIN);
    refused += rc != 0;
    if (rc != 0)
      w[i].done.receive = NULL;
  }
  for (int i = 0; i < WRITES; i++) {
    wait_for(s, &w[i].done);
    accepted += (int) w[i].accepted;
    batch_free(b[i]);
  }
  CHECK(accepted + refused == WRITES);
  CHECK(count_rows(s) == accepted);
  store_remove(s);
}

/* A child process's own, over a file of its parent. */
static struct store *store_over(const char *path) {
  struct store *s = store_new();
  rmdir(s->folder);
  s->options.path = path;
  return s;
}

/* Stores until it is killed; tells after each answer how many rows are stored. */
static void store_for_ever(const char *path, int told) {
  struct store *s = store_over(path);
  store_open(s);
  for (int stored = 0;; stored += 100) {
    put_many(s, stored, stored + 100, 100);
    int now = stored + 100;
    if (write(told, &now, sizeof now) != sizeof now)
      _exit(1);
  }
}

/* Killed at any moment, the store has all that it acknowledged, and its cells agree with
 * its rows. */
static void test_killed(void) {
  struct store *s = store_new();
  for (int round = 0; round < 3; round++) {
    int pipe_ends[2], stored = 0;
    CHECK(pipe(pipe_ends) == 0);
    pid_t child = fork();
    if (child == 0)
      store_for_ever(s->path, pipe_ends[1]);
    close(pipe_ends[1]);
    for (int i = 0; i < 20 + 30 * round; i++)
      CHECK(read(pipe_ends[0], &stored, sizeof stored) == sizeof stored);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    while (read(pipe_ends[0], &stored, sizeof stored) == sizeof stored)
      continue;
    close(pipe_ends[0]);
    store_open(s);
    int64_t rows = count_rows(s);
    CHECK(rows >= stored && rows % 100 == 0);
    CHECK(total(s, "tokens_output") == (double) rows);
    put_many(s, 0, stored, 0);
    CHECK(reset(s).status == 0);
    store_close(s);
  }
  store_remove(s);
}

static struct metrics *open_with_metrics(struct store *s) {
  struct buf error = {0};
  struct metrics *m = metrics_new("ccproxy", 1000);
  CHECK(metrics_declare(m, s->schema, &error));
  CHECK(storage_open(&s->storage, s->schema, &s->options, m, &error) == 0 &&
        storage_start(s->storage) == 0);
  return m;
}

static void expect_sample(struct metrics *m, const char *line) {
  struct buf page = {0};
  metrics_render(m, EXPOSITION_TEXT, &page);
  buf_putc(&page, '\0');
  CHECK(strstr(page.data, line) != NULL);
  buf_clear(&page);
}

static void test_counters_outlive_a_restart(void) {
  const char *line =
      "ccproxy_tokens_total{type=\"input\",model=\"m\",service_type=\"unknown\"} 13\n";
  struct store *s = store_new();
  struct metrics *m = open_with_metrics(s);
  put(s, "{\"request_id\":\"a\",\"model\":\"m\",\"tokens_input\":5}\n{\"request_id\":"
         "\"b\",\"model\":\"m\",\"tokens_input\":7}\n");
  put(s, "{\"request_id\":\"a\",\"tokens_input\":6}\n"); /* counted for what it adds */
  expect_sample(m, line);
  expect_sample(m, "moonledger_store_merged_records_total 1\n");
  CHECK(reset(s).status == 0);
  store_close(s);
  metrics_free(m);
  m = open_with_metrics(s);
  expect_sample(m, line);
  store_close(s);
  metrics_free(m);
  store_remove(s);
}

/* The log of a killed process is read over what was saved before. */
static void test_counters_outlive_a_kill(void) {
  struct store *s = store_new();
  for (int i = 1; i <= 2; i++) {
    int ends[2];
    char byte;
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
      struct store *own = store_over(s->path);
      open_with_metrics(own);
      for (int k = 0; k < 3; k++)
        put_many(own, 1000 * i + 100 * k, 1000 * i + 100 * (k + 1), 100);
      CHECK(write(ends[1], "x", 1) == 1);
      pause();
    }
    CHECK(read(ends[0], &byte, 1) == 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ends[0]);
    close(ends[1]);
  }
  struct metrics *m = open_with_metrics(s);
  expect_sample(m, "ccproxy_tokens_total{type=\"output\",model=\"unknown\",service_type="
                   "\"unknown\"} 600\n");
  store_close(s);
  metrics_free(m);
  store_remove(s);
}

static void append(struct store *s, const char *topic, int64_t keep, int64_t from, int64_t to) {
  struct script_rows rows = {.keep = keep};
  struct submission w = {.done.receive = on_done, .loop = &s->loop, .kind = SUBMIT_SCRIPT_ROWS,
                         .script_rows = &rows};
  strcpy(rows.topic, topic);
  for (int64_t time_us = from; time_us < to; time_us++)
    script_rows_add(&rows, time_us, "kind", 4, "{}", 2);
  CHECK(storage_submit(s->storage, &w) == 0);
  wait_for(s, &w.done);
  CHECK(w.status == 0);
  script_rows_clear(&rows);
}

/* So many of the topic, the newest of which is end - 1, and none is missing between. */
static int64_t count_kept(struct store *s, const char *topic, int64_t end) {
  struct query *q = query_new(QUERY_SQL);
  buf_printf(&q->sql, "SELECT count(*) AS n, min(time) AS first, max(time) AS last FROM journal "
                      "WHERE topic = '%s'", topic);
  ask(s, q);
  CHECK(q->status == 0);
  int64_t n = cell_of(&q->rows, 0, "n").value.i;
  CHECK(n == 0 || (cell_of(&q->rows, 0, "first").value.i == end - n &&
                   cell_of(&q->rows, 0, "last").value.i == end - 1));
  query_free(q);
  return n;
}

/* Each topic has its own, however much the others write. */
static void test_journal_keeps_the_newest_of_a_topic(void) {
  struct store *s = store_new();
  store_open(s);
  for (int64_t i = 0; i < 150; i++) {
    append(s, "rare", 100, i, i + 1);
    append(s, "busy", 10, 20 * i, 20 * (i + 1));
    append(s, "one", 1, i, i + 1);
  }
  int64_t rare = count_kept(s, "rare", 150);
  CHECK(rare >= 100 && rare <= 100 + 100 / 16);
  CHECK(count_kept(s, "busy", 3000) == 10 && count_kept(s, "one", 150) == 1);
  append(s, "alone", 1000, 0, 500);
  CHECK(count_kept(s, "alone", 500) == 500);
  for (int64_t i = 500; i < 3000; i += 10)
    append(s, "alone", 1000, i, i + 10);
  int64_t alone = count_kept(s, "alone", 3000);
  CHECK(alone >= 1000 && alone <= 1000 + 1000 / 16);
  CHECK(reset(s).status == 0);
  CHECK(count_kept(s, "rare", 0) == 0);
  append(s, "rare", 100, 0, 3);
  CHECK(count_kept(s, "rare", 3) == 3);
  store_remove(s);
}

int main(void) {
  struct store *s = store_new();
  store_open(s);
  test_stores_and_answers(s);
  test_merges_the_same_id(s);
  test_unchanged_repeat(s);
  test_only_told(s);
  test_ids_outlive_a_restart(s);
  test_reset(s);
  store_remove(s);
  test_nothing_to_sync();
  test_tail_while_asked();
  test_segments();
  test_segments_are_read_meanwhile();
  test_disk_full();
  test_queue_is_bounded();
  test_killed();
  test_counters_outlive_a_restart();
  test_counters_outlive_a_kill();
  test_journal_keeps_the_newest_of_a_topic();
  return TEST_END;
}
