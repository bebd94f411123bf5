/* The least that a page of 100,000 samples costs: "name{labels} " of each is ready, only
 * the numbers are written. 10 counters x 5,000 label sets and 5 histograms x 769 label
 * sets x 13 lines, as lines/metrics.lua makes them. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/number.h"

#define LABELS                                                                           \
  "model=\"claude-sonnet-4-%d\",endpoint=\"/api/v1/"                                     \
  "messages\",service_type=\"service_%d\""

enum { SAMPLES = 10 * 5000 + 5 * 769 * 13, RENDERS = 50 };

struct sample {
  char *prefix;
  size_t len;
  double value;
};

static struct sample *samples;
static size_t nsamples;

static void add(const char *format, int metric, int set, const char *bound) {
  struct buf prefix = {0};
  buf_printf(&prefix, format, metric, set, set % 7, bound);
  samples[nsamples++] = (struct sample){prefix.data, prefix.len, set * 37.25};
}

static void make_samples(void) {
  static const char *const bounds[] = {".01", ".05", ".1", ".25", ".5",  "1",
                                       "2.5", "5",   "10", "25",  "+Inf"};
  samples = xcalloc(SAMPLES, sizeof *samples);
  for (int metric = 0; metric < 10; metric++)
    for (int set = 0; set < 5000; set++)
      add("bench_counter_%d_total{" LABELS ",cost_type=\"total\"} ", metric, set, "");
  for (int metric = 0; metric < 5; metric++)
    for (int set = 0; set < 769; set++) {
      for (int i = 0; i < 11; i++)
        add("bench_histogram_%d_bucket{" LABELS ",le=\"%s\"} ", metric, set, bounds[i]);
      add("bench_histogram_%d_sum{" LABELS "} ", metric, set, "");
      add("bench_histogram_%d_count{" LABELS "} ", metric, set, "");
    }
}

static void render(struct buf *out) {
  out->len = 0;
  for (size_t i = 0; i < nsamples; i++) {
    char *p = buf_reserve(out, samples[i].len + NUMBER_MAX + 1);
    memcpy(p, samples[i].prefix, samples[i].len);
    size_t n = samples[i].len + format_double(p + samples[i].len, samples[i].value);
    p[n] = '\n';
    out->len += n + 1;
  }
}

int main(void) {
  struct buf page = {0};
  make_samples();
  render(&page);
  int64_t started = clock_monotonic_ns();
  for (int i = 0; i < RENDERS; i++)
    render(&page);
  printf("ms=%.3f bytes=%zu samples=%zu\n",
         (clock_monotonic_ns() - started) / 1e6 / RENDERS, page.len, nsamples);
  return 0;
}
