#include <math.h>
#include <pthread.h>

#include "metrics/metrics.h"
#include "test.h"

static struct metric_label label(const char *s) {
  return (struct metric_label){s, strlen(s)};
}

static struct metric *family(struct metrics *m, enum metric_kind kind, const char *name,
                             const char *help, const char *label) {
  struct buf error = {0};
  struct metric *f = metrics_family(m, &(struct metric_options){
    .kind = kind, .name = name, .help = help, .labels = &label, .nlabels = label != NULL,
    .bounds = (const double[]){0.5, 1, 10}, .nbounds = kind == METRIC_HISTOGRAM ? 3 : 0}, &error);
  buf_clear(&error);
  return f;
}

/* The page from the line that begins with start, NUL-terminated. */
static char *page_from(struct metrics *m, enum exposition format, const char *start,
                       struct buf *page) {
  page->len = 0;
  metrics_render(m, format, page);
  buf_putc(page, '\0');
  char *at = strstr(page->data, start);
  return at != NULL ? at : page->data + page->len - 1;
}

static void test_text(void) {
  struct metrics *m = metrics_new("ccproxy", 2000);
  struct buf page = {0};
  struct metric *counter = family(m, METRIC_COUNTER, "t_total",
                                  "Things \"counted\"\nhere \\ there.", "what");
  struct metric_label odd = label("a\"b\\c\nd\xff");
  metric_inc(m, counter, &odd, 1);
  metric_inc(m, counter, &odd, 2);
  metric_inc(m, counter, &(struct metric_label){0}, 0.25);
  metric_inc(m, counter, &odd, -1);
  metric_inc(m, counter, &odd, NAN);
  char *at = page_from(m, EXPOSITION_TEXT, "# HELP t_total", &page);
  CHECK_BYTES(at, strlen(at), "# HELP t_total Things \"counted\"\\nhere \\\\ there.\n"
                              "# TYPE t_total counter\n"
                              "t_total{what=\"a\\\"b\\\\c\\nd\xEF\xBF\xBD\"} 3\n"
                              "t_total{what=\"unknown\"} 0.25\n");

  struct metric *gauge = family(m, METRIC_GAUGE, "g", "A gauge.", NULL);
  static const struct {
    double n;
    const char *text;
  } values[] = {{0, "g 0\n"},
                {-1.5, "g -1.5\n"},
                {NAN, "g NaN\n"},
                {INFINITY, "g +Inf\n"},
                {-INFINITY, "g -Inf\n"},
                {1e300, "g 1e+300\n"},
                {9007199254740992, "g 9007199254740992\n"}};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    metric_set(m, gauge, NULL, values[i].n);
    CHECK(strcmp(page_from(m, EXPOSITION_TEXT, "g ", &page), "") != 0);
    at = page_from(m, EXPOSITION_TEXT, "\ng ", &page) + 1;
    CHECK_BYTES(at, strlen(at), values[i].text);
  }
  buf_clear(&page);
  metrics_free(m);
}

static void test_openmetrics(void) {
  struct metrics *m = metrics_new("", 2000);
  struct buf page = {0};
  family(m, METRIC_COUNTER, "plain_total", "Say \"x\".", NULL);
  struct metric *h = family(m, METRIC_HISTOGRAM, "h_seconds", "Times.", "m");
  struct metric_label a = label("a");
  for (int i = 0; i < 3; i++)
    metric_observe(m, h, &a, i);
  metric_observe(m, h, &a, 100.5);
  char *at = page_from(m, EXPOSITION_OPENMETRICS, "# TYPE plain", &page);
  CHECK_BYTES(at, strlen(at), "# TYPE plain counter\n# HELP plain Say \\\"x\\\".\nplain_total 0\n"
                              "# TYPE h_seconds histogram\n# HELP h_seconds Times.\n"
                              "h_seconds_bucket{m=\"a\",le=\"0.5\"} 1\n"
                              "h_seconds_bucket{m=\"a\",le=\"1.0\"} 2\n"
                              "h_seconds_bucket{m=\"a\",le=\"10.0\"} 3\n"
                              "h_seconds_bucket{m=\"a\",le=\"+Inf\"} 4\n"
                              "h_seconds_count{m=\"a\"} 4\n"
                              "h_seconds_sum{m=\"a\"} 103.5\n"
                              "# EOF\n");
  buf_clear(&page);
  metrics_free(m);
}

static void test_names(void) {
  struct metrics *m = metrics_new("ns", 2000);
  struct metric *h = family(m, METRIC_HISTOGRAM, "h", "H.", "a");
  CHECK(h != NULL && family(m, METRIC_HISTOGRAM, "h", "Other words.", "a") == h);
  static const struct {
    enum metric_kind kind;
    const char *name, *label;
  } wrong[] = {
      {METRIC_HISTOGRAM, "h", "b"},     {METRIC_GAUGE, "h", "a"},
      {METRIC_GAUGE, "h_sum", "a"},     {METRIC_GAUGE, "h_bucket", NULL},
      {METRIC_COUNTER, "c", NULL},      {METRIC_GAUGE, "g_total", NULL},
      {METRIC_GAUGE, "", NULL},         {METRIC_GAUGE, "1g", NULL},
      {METRIC_GAUGE, "g-g", NULL},      {METRIC_GAUGE, "g", "__name__"},
      {METRIC_GAUGE, "g", "a b"},       {METRIC_HISTOGRAM, "h2", "le"},
      {METRIC_COUNTER, "h_total", "a"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    CHECK(family(m, wrong[i].kind, wrong[i].name, "x", wrong[i].label) == NULL);
  metrics_free(m);
}

static void test_overflow(void) {
  struct metrics *m = metrics_new("ns", 3);
  struct buf page = {0};
  struct metric *f = family(m, METRIC_COUNTER, "many_total", "Many.", "n");
  for (int i = 0; i < 10; i++) {
    char text[16];
    snprintf(text, sizeof text, "%d", i);
    struct metric_label n = label(text);
    metric_inc(m, f, &n, 1);
  }
  struct metric_label known = label("1");
  metric_inc(m, f, &known, 1);
  char *at = page_from(m, EXPOSITION_TEXT, "many_total{n=\"0\"}", &page);
  CHECK_BYTES(at, strlen(at),
              "many_total{n=\"0\"} 1\nmany_total{n=\"1\"} 2\nmany_total{n=\"2\"} 1\n"
              "many_total{n=\"overflow\"} 7\n");
  CHECK(strstr(page.data, "moonledger_metrics_overflow_total{family=\"many_total\"} 7\n") != NULL);
  buf_clear(&page);
  metrics_free(m);
}

static void test_negotiation(void) {
  static const struct {
    const char *accept;
    enum exposition format;
  } cases[] = {
      {"", EXPOSITION_TEXT},
      {"*/*", EXPOSITION_TEXT},
      {"text/plain", EXPOSITION_TEXT},
      {"application/json", EXPOSITION_TEXT},
      {"application/openmetrics-text", EXPOSITION_OPENMETRICS},
      {"Application/OpenMetrics-Text; version=\"1.0.0\"; charset=utf-8",
       EXPOSITION_OPENMETRICS},
      {"application/openmetrics-text;version=0.0.1,text/plain;version=0.0.4;q=0.5",
       EXPOSITION_TEXT},
      {"application/openmetrics-text;version=1.0.0;q=0.4,text/plain;version=0.0.4;q=0.5",
       EXPOSITION_TEXT},
      {"application/openmetrics-text;q=0", EXPOSITION_TEXT},
      {"application/openmetrics-text;version=1.0.0,application/"
       "openmetrics-text;version=0.0.1;q=0.75,"
       "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
       EXPOSITION_OPENMETRICS},
      {"application/"
       "openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/"
       "openmetrics-text;"
       "version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/"
       "plain;version=0.0.4;q=0.2,"
       "*/*;q=0.1",
       EXPOSITION_OPENMETRICS},
      {",;,=;q=,application/openmetrics-text;q=nan", EXPOSITION_TEXT},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    CHECK(exposition_negotiate(cases[i].accept, strlen(cases[i].accept)) == cases[i].format);
}

struct worker {
  struct metrics *m;
  struct metric *f, *h;
};

static void *count(void *arg) {
  struct worker *w = arg;
  for (int i = 0; i < 20000; i++) {
    char text[16];
    snprintf(text, sizeof text, "%d", i % 500);
    struct metric_label n = label(text);
    metric_inc(w->m, w->f, &n, i % 2 ? 1 : 0.5);
    metric_observe(w->m, w->h, &n, i % 3);
  }
  return NULL;
}

static void test_threads(void) {
  struct metrics *m = metrics_new("ns", 2000);
  struct worker w = {m, family(m, METRIC_COUNTER, "c_total", "C.", "n"),
                     family(m, METRIC_HISTOGRAM, "h", "H.", "n")};
  pthread_t threads[4];
  for (int i = 0; i < 4; i++)
    pthread_create(&threads[i], NULL, count, &w);
  struct buf page = {0};
  for (int i = 0; i < 20; i++) {
    page.len = 0;
    metrics_render(m, EXPOSITION_TEXT, &page);
  }
  for (int i = 0; i < 4; i++)
    pthread_join(threads[i], NULL);
  page_from(m, EXPOSITION_TEXT, "", &page);
  CHECK(strstr(page.data, "c_total{n=\"7\"} 160\n") != NULL);
  CHECK(strstr(page.data, "c_total{n=\"8\"} 80\n") != NULL);
  CHECK(strstr(page.data, "h_count{n=\"499\"} 160\n") != NULL);
  buf_clear(&page);
  metrics_free(m);
}

int main(void) {
  test_text();
  test_openmetrics();
  test_names();
  test_overflow();
  test_negotiation();
  test_threads();
  return TEST_END;
}
