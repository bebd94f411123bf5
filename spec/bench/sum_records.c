/* Adds up the records of a window one by one: what the server's analytics must answer.
 * Integers, so the sums are exact.
 *
 *   sum_records --rows N --start-us T --step-us S --from-us A --to-us B */
#include "scan.h"

enum { REQUESTS, SUCCESSES, ERRORS, DURATION, COST, INPUT, OUTPUT, READ, WRITE, SUMS };

static int column(const struct schema *schema, const char *name) {
  return schema_column(schema, name, strlen(name));
}

static void add_batch(int64_t *sums, const struct batch *b, int64_t from, int64_t to) {
  const struct schema *schema = b->schema;
  int status = column(schema, "status_code"), duration = column(schema, "duration_ms"),
      cost = column(schema, "cost_usd");
  int input = column(schema, "tokens_input"), output = column(schema, "tokens_output");
  int read = column(schema, "cache_read_tokens"), write = column(schema, "cache_write_tokens");
  for (size_t i = 0; i < b->count; i++) {
    const union value *v = batch_record(b, i)->v;
    if (v[schema->time].i < from || v[schema->time].i > to)
      continue;
    sums[REQUESTS]++;
    sums[SUCCESSES] += v[status].i >= 200 && v[status].i < 400;
    sums[ERRORS] += v[status].i >= 400;
    sums[DURATION] += (int64_t) (v[duration].f * 1000 + 0.5);
    sums[COST] += (int64_t) (v[cost].f * 1000000 + 0.5);
    sums[INPUT] += v[input].i;
    sums[OUTPUT] += v[output].i;
    sums[READ] += v[read].i;
    sums[WRITE] += v[write].i;
  }
}

int main(int argc, char **argv) {
  (void) argc;
  struct record_source source = record_source_of(argv);
  struct schema *schema = load_schema();
  int64_t from = option_int(argv, "--from-us", 0),
          to = option_int(argv, "--to-us", INT64_MAX), sums[SUMS] = {0};
  uint64_t rows = option_int(argv, "--rows", 1000);
  for (uint64_t i = 0; i < rows; i += 1000) {
    struct buf body = {0};
    scan_write(&body, &source, i, i + 1000 <= rows ? 1000 : rows - i);
    struct batch *b = scan_body(schema, &body);
    add_batch(sums, b, from, to);
    batch_free(b);
    buf_clear(&body);
  }
  printf("total_requests=%" PRId64 " total_successful_requests=%" PRId64
         " total_error_requests=%" PRId64
         " avg_duration_ms=%.12f total_cost_usd=%.6f total_tokens_input=%" PRId64
         " total_tokens_output=%" PRId64 " total_cache_read_tokens=%" PRId64
         " total_cache_write_tokens=%" PRId64 "\n",
         sums[REQUESTS], sums[SUCCESSES], sums[ERRORS],
         sums[DURATION] / 1e3 / sums[REQUESTS], sums[COST] / 1e6, sums[INPUT],
         sums[OUTPUT], sums[READ], sums[WRITE]);
  return 0;
}
