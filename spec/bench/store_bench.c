/* The store without HTTP: fills a file, then asks it.
 *
 *   store_bench --file PATH [--rows 1000000] [--batch 1000] [--flight 1] [--days 30]
 * [--durability full|normal]
 *               [--first 0] [--fill 1] [--ask 1]
 *
 * Prints the rate of each tenth of the rows, then for windows of 24 h and 168 h the
 * median time of single questions and of all that /logs/analytics asks. */
#include <time.h>

#include "hub/hub.h"
#include "metrics/metrics.h"
#include "scan.h"
#include "store/storage.h"

enum { RUNS = 101, MAX_FLIGHT = 64 };

static struct schema *schema;
static struct storage *storage;
static struct loop loop;
static struct record_source source;
static int64_t last_us;

struct flight {
  struct submission submission;
  bool busy;
};

static void on_stored(struct message *m) {
  struct flight *f = container_of(container_of(m, struct submission, done), struct flight,
                                  submission);
  if (f->submission.status < 0)
    die("%s", f->submission.error);
  batch_free(f->submission.batch);
  f->busy = false;
}

static double process_cpu_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double) t.tv_sec * 1e6 + (double) t.tv_nsec / 1e3;
}

static struct flight *wait_for_place(struct flight *flights, size_t n) {
  for (;;) {
    for (size_t i = 0; i < n; i++)
      if (!flights[i].busy)
        return &flights[i];
    uv_run(&loop.uv, UV_RUN_ONCE);
  }
}

static void wait_for_all(struct flight *flights, size_t n) {
  for (size_t i = 0; i < n; i++)
    while (flights[i].busy)
      uv_run(&loop.uv, UV_RUN_ONCE);
}

static void fill(uint64_t from, uint64_t to, uint64_t batch, size_t nflights) {
  static struct flight flights[MAX_FLIGHT];
  int64_t scan_cpu = 0, since = clock_monotonic_ns();
  double cpu = process_cpu_us();
  for (uint64_t i = from; i < to; i += batch) {
    struct buf body = {0};
    int64_t scan_since = clock_thread_cpu_ns();
    scan_write(&body, &source, i, i + batch <= to ? batch : to - i);
    struct flight *f = wait_for_place(flights, nflights);
    f->submission = (struct submission){
        .done.receive = on_stored, .loop = &loop, .batch = scan_body(schema, &body)};
    f->busy = true;
    scan_cpu += clock_thread_cpu_ns() - scan_since;
    buf_clear(&body);
    if (storage_submit(storage, &f->submission) != 0)
      die("the queue is full");
  }
  wait_for_all(flights, nflights);
  double rows = (double) (to - from), took = (double) (clock_monotonic_ns() - since) / 1e9;
  printf("rows %llu: %.0f rows/s, writer %.2f us CPU a row\n", (unsigned long long) to, rows / took,
         (process_cpu_us() - cpu - (double) scan_cpu / 1e3) / rows);
  fflush(stdout);
}

static struct question question(const char *by, int64_t every_s, bool quantiles) {
  struct question q = {.every_s = every_s};
  if (by != NULL)
    q.by[q.nby++] = schema_column(schema, by, strlen(by));
  if (quantiles)
    q = (struct question){.every_s = every_s,
                          .nby = q.nby,
                          .by = {q.by[0]},
                          .nquantiles = 4,
                          .quantiles = {0.5, 0.9, 0.95, 0.99}};
  return q;
}

static void on_answered(struct message *m) {
  m->receive = NULL;
}

static int64_t ask(const struct question *questions, size_t n, int64_t from_us, int64_t to_us) {
  struct query *q = query_new(QUERY_AGGREGATE);
  q->where = conditions_new();
  conditions_add(q->where, schema->time, OP_GE);
  conditions_value(q->where, (union value){.i = from_us});
  conditions_add(q->where, schema->time, OP_LE);
  conditions_value(q->where, (union value){.i = to_us});
  q->questions = xmemdup(questions, n * sizeof *questions);
  q->nquestions = n;
  q->loop = &loop;
  q->done.receive = on_answered;
  int64_t since = clock_monotonic_ns();
  storage_query(storage, q);
  while (q->done.receive != NULL)
    uv_run(&loop.uv, UV_RUN_ONCE);
  int64_t took = clock_monotonic_ns() - since;
  if (q->status < 0)
    die("%s", q->error);
  query_free(q);
  return took;
}

static int by_number(const void *a, const void *b) {
  int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;
  return (x > y) - (x < y);
}

static void time_questions(const char *name, const struct question *questions, size_t n) {
  printf("%-28s", name);
  for (int ends = 0; ends < 2; ends++)
    for (int hours = 24; hours <= 168; hours += 144) {
      int64_t took[RUNS];
      for (int i = 0; i < RUNS; i++) {
        /* Ragged at one end, as "the last hours" are, or at both. */
        int64_t to = last_us + 1 - (ends ? INT64_C(86400000000) : 0) - i * INT64_C(61234567) * ends;
        took[i] = ask(questions, n, to - hours * INT64_C(3600000000) - i * INT64_C(37123456), to);
      }
      qsort(took, RUNS, sizeof *took, by_number);
      printf("  %s %d h %.3f ms", ends ? "earlier" : "last", hours, (double) took[RUNS / 2] / 1e6);
    }
  printf("\n");
}

static void ask_all(void) {
  struct question all[] = {
      question(NULL, 0, true),
      question("service_type", 0, true),
      question("model", 0, true),
      question(NULL, 3600, false),
  };
  time_questions("summary", all, 1);
  time_questions("by service", all + 1, 1);
  time_questions("by model", all + 2, 1);
  time_questions("by hour", all + 3, 1);
  time_questions("all four", all, 4);
}

static void publish(void *hub, const struct batch *b) {
  hub_publish_batch(hub, b);
}

int main(int argc, char **argv) {
  (void) argc;
  uint64_t rows = option_int(argv, "--rows", 1000000), batch = option_int(argv, "--batch", 1000);
  size_t flight = option_int(argv, "--flight", 1);
  int64_t days = option_int(argv, "--days", 30);
  uint64_t first = option_int(argv, "--first", 0);
  source.step_us = days * INT64_C(86400000000) / (int64_t) (first + rows);
  source.start_us = clock_now_us() - days * INT64_C(86400000000);
  last_us = source.start_us + (int64_t) (first + rows - 1) * source.step_us;
  schema = load_schema();
  loop_init(&loop, 0);
  struct storage_options options = {
      .path = option(argv, "--file", "/tmp/store_bench.db"),
      .queue_bytes = 64 << 20,
      .readers = 2,
      .durability = strcmp(option(argv, "--durability", "full"), "full") == 0
                        ? DURABILITY_FULL
                        : DURABILITY_NORMAL,
      .query_deadline_ms = 60000,
      .sql_max_rows = 1000,
      .dedupe_hours = 24,
      .dedupe_max_ids = 20000000,
      .nloops = 1,
  };
  struct buf error = {0};
  struct metrics *metrics = metrics_new("bench", 2000);
  struct hub *hub = hub_new(schema, &(struct hub_options){.ring_events = 4096,
                                                          .ring_bytes = 8 << 20,
                                                          .max_subscribers = 10,
                                                          .heartbeat_ms = 15000});
  if (!metrics_declare(metrics, schema, &error))
    die("%.*s", (int) error.len, error.data);
  int64_t since = clock_monotonic_ns();
  if (storage_open(&storage, schema, &options, metrics, &error) < 0)
    die("%.*s", (int) error.len, error.data);
  hub_set_name(hub, storage_name(storage), storage_last_row(storage));
  storage_on_committed(storage, publish, hub);
  if (storage_start(storage) < 0)
    die("the writer's threads could not be started");
  printf("open %.2f ms\n", (double) (clock_monotonic_ns() - since) / 1e6);
  for (uint64_t i = 0; option_int(argv, "--fill", 1) && i < 10; i++)
    fill(first + rows / 10 * i, first + rows / 10 * (i + 1), batch, flight);
  if (option_int(argv, "--ask", 1))
    ask_all();
  struct storage_stats stats;
  storage_stats(storage, &stats);
  printf("commits %lld, file %lld bytes\n", (long long) stats.commits,
         (long long) stats.file_bytes);
  since = clock_monotonic_ns();
  storage_close(storage);
  printf("close %.2f ms\n", (double) (clock_monotonic_ns() - since) / 1e6);
  hub_free(hub);
  metrics_free(metrics);
  schema_free(schema);
  return 0;
}
