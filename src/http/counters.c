#include "http/exchange.h"
#include "metrics/metrics.h"

/* Counted by each loop for itself, summed at a scrape. */

enum counter { REQUESTS, CONNECTIONS, BYTES_IN, BYTES_OUT, PARSE_ERRORS, TIMEOUTS, WAITING,
               GIVEN_UP, COUNTERS };

static const char *const code_label[] = {"code"};

/* NOLINTBEGIN(bugprone-macro-parentheses): texts that stand beside each other are one */
#define COUNTER(name_, help_) \
  {.kind = METRIC_COUNTER, .name = "moonledger_http_" name_, .help = help_}
/* NOLINTEND(bugprone-macro-parentheses) */

static const struct metric_options families[COUNTERS] = {
    [REQUESTS] = {.kind = METRIC_COUNTER,
                  .name = "moonledger_http_requests_total",
                  .help = "Responses by the class of their status.",
                  .labels = code_label,
                  .nlabels = 1},
    [CONNECTIONS] = {.kind = METRIC_GAUGE,
                     .name = "moonledger_http_connections",
                     .help = "Open connections, streams included."},
    [BYTES_IN] = COUNTER("received_bytes_total", "Bytes read from clients."),
    [BYTES_OUT] = COUNTER("sent_bytes_total", "Bytes written to clients."),
    [PARSE_ERRORS] = COUNTER("refused_total",
                             "Requests that were not HTTP or broke a limit."),
    [TIMEOUTS] = COUNTER("timeouts_total", "Requests that took too long to arrive."),
    [WAITING] = {.kind = METRIC_GAUGE,
                 .name = "moonledger_http_waiting_bytes",
                 .help = "Bytes kept until clients read; limits.out_bytes bounds them."},
    [GIVEN_UP] = COUNTER("given_up_total", "Slow clients closed for limits.out_bytes."),
};

static double sum_of(const struct server *server, size_t offset) {
  unsigned long long total = 0;
  for (unsigned i = 0; i < server->options.nloops; i++) {
    char *all = (char *) server->connections[i];
    total += atomic_load_explicit((atomic_ullong *) (all + offset), memory_order_relaxed);
  }
  return (double) total;
}

static void collect_requests(struct metrics *m, struct metric *family,
                             const struct server *server) {
  static const char *const classes[] = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};
  for (size_t i = 2; i < 6; i++) {
    struct metric_label label = {classes[i], 3};
    metric_set(m, family, &label, sum_of(server, offsetof(struct connections, requests[i])));
  }
}

static void collect(struct metrics *m, void *arg) {
  const struct server *server = arg;
  struct metric *const *family = server->families;
  double open = 0;
  for (unsigned i = 0; i < server->options.nloops; i++)
    open += (double) connections_count(server->connections[i]);
  collect_requests(m, family[REQUESTS], server);
  metric_set(m, family[CONNECTIONS], NULL, open);
  metric_set(m, family[BYTES_IN], NULL, sum_of(server, offsetof(struct connections, bytes_in)));
  metric_set(m, family[BYTES_OUT], NULL, sum_of(server, offsetof(struct connections, bytes_out)));
  metric_set(m, family[PARSE_ERRORS], NULL,
             sum_of(server, offsetof(struct connections, parse_errors)));
  metric_set(m, family[TIMEOUTS], NULL, sum_of(server, offsetof(struct connections, timeouts)));
  metric_set(m, family[WAITING], NULL, (double) outgoing_total(server));
  metric_set(m, family[GIVEN_UP], NULL, sum_of(server, offsetof(struct connections, given_up)));
}

void counters_register(struct server *server) {
  struct buf error = {0};
  _Static_assert((int) COUNTERS == (int) HTTP_FAMILIES, "room for each family");
  for (int i = 0; i < COUNTERS; i++)
    server->families[i] = metrics_family(server->options.metrics, &families[i], &error);
  buf_clear(&error);
  metrics_collector(server->options.metrics, collect, server);
}
