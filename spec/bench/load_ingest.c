/* Sends batches of NDJSON records over some connections, one request in flight on each,
 * and prints what came of it.
 *
 *   load_ingest --port P [--path /logs/ingest] [--connections 4] [--batch 1000] [--rows N
 * | --seconds S] [--rate ROWS/S]
 *               [--first I] [--start-us T] [--step-us 259200] [--owned 1] */
#include <poll.h>

#include "client.h"
#include "records.h"

enum { MAX_CONNECTIONS = 256 };

struct client {
  int fd;
  bool busy, sending;
  struct buf out, in;
  size_t sent;
  int64_t since_ns;
};

static struct {
  const char *path;
  uint64_t batch, rows, next, sent, accepted, refused;
  int64_t started_ns, until_ns, rate;
  struct record_source source;
  struct samples latencies;
  struct client clients[MAX_CONNECTIONS];
  int nclients, nbusy;
  /* the next nclients batches, a ring: made while the server works */
  struct buf ready[MAX_CONNECTIONS];
} load;

static void prepare(struct buf *body) {
  body->len = 0;
  for (uint64_t i = 0; i < load.batch; i++)
    record_write(body, &load.source, load.next++);
}

static int64_t due_ns(void) {
  return load.rate ? load.started_ns + (int64_t) (load.sent * 1e9 / load.rate) : 0;
}

static bool finished(int64_t now) {
  return load.sent >= load.rows || (load.until_ns && now >= load.until_ns);
}

static void start_request(struct client *c, int64_t now) {
  struct buf *body = &load.ready[load.sent / load.batch % load.nclients];
  load.sent += load.batch;
  c->out.len = c->sent = 0;
  buf_printf(&c->out,
             "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
             "application/x-ndjson\r\nContent-Length: %zu\r\n\r\n",
             load.path, body->len);
  buf_append(&c->out, body->data, body->len);
  c->since_ns = now;
  c->busy = true;
  c->sending = !client_write(c->fd, &c->out, &c->sent);
  load.nbusy++;
  prepare(body);
}

static void end_request(struct client *c, int status, size_t length) {
  buf_putc(&c->in, '\0');
  const char *accepted = strstr(c->in.data, "\"accepted\":");
  uint64_t count = status == 200 && accepted ? strtoull(accepted + 11, NULL, 10) : 0;
  if (count != load.batch && load.refused == 0)
    fprintf(stderr, "%.400s\n", c->in.data);
  load.accepted += count;
  load.refused += load.batch - count;
  c->in.len--;
  buf_consume(&c->in, length);
  samples_add(&load.latencies, clock_monotonic_ns() - c->since_ns);
  c->busy = false;
  load.nbusy--;
}

static void serve(struct client *c, short events) {
  if (c->sending && events & POLLOUT)
    c->sending = !client_write(c->fd, &c->out, &c->sent);
  if (!(events & (POLLIN | POLLHUP | POLLERR)) || !client_read(c->fd, &c->in))
    return;
  int status;
  size_t length = response_length(&c->in, &status);
  if (length)
    end_request(c, status, length);
}

static void wait_for_events(int timeout_ms) {
  struct pollfd fds[MAX_CONNECTIONS];
  for (int i = 0; i < load.nclients; i++)
    fds[i] =
        (struct pollfd){load.clients[i].fd, POLLIN | (load.clients[i].sending ? POLLOUT : 0), 0};
  poll(fds, load.nclients, timeout_ms);
  for (int i = 0; i < load.nclients; i++)
    if (fds[i].revents)
      serve(&load.clients[i], fds[i].revents);
}

static void run(void) {
  load.started_ns = clock_monotonic_ns();
  for (int64_t now = load.started_ns; load.nbusy > 0 || !finished(now);
       now = clock_monotonic_ns()) {
    for (int i = 0; i < load.nclients; i++)
      if (!load.clients[i].busy && !finished(now) && due_ns() <= now)
        start_request(&load.clients[i], now);
    wait_for_events(load.rate ? 1 : 1000);
  }
}

int main(int argc, char **argv) {
  (void) argc;
  load.path = option(argv, "--path", "/logs/ingest");
  load.batch = option_int(argv, "--batch", 1000);
  load.rows = option_int(argv, "--rows", INT64_MAX);
  load.next = option_int(argv, "--first", 0);
  load.rate = option_int(argv, "--rate", 0);
  load.source = record_source_of(argv);
  load.nclients = option_int(argv, "--connections", 4);
  if (load.nclients > MAX_CONNECTIONS)
    die("at most %d connections", MAX_CONNECTIONS);
  for (int i = 0; i < load.nclients; i++) {
    load.clients[i].fd = client_connect(option_int(argv, "--port", 8787));
    prepare(&load.ready[i]);
  }
  int64_t seconds = option_int(argv, "--seconds", 0);
  load.until_ns = seconds ? clock_monotonic_ns() + seconds * 1000000000 : 0;
  run();

  double took = (clock_monotonic_ns() - load.started_ns) / 1e9;
  printf("rows=%" PRIu64
         " seconds=%.3f rows_s=%.0f p50_us=%.0f p99_us=%.0f max_us=%.0f refused=%" PRIu64
         "\n",
         load.accepted, took, load.accepted / took,
         samples_quantile(&load.latencies, 0.5), samples_quantile(&load.latencies, 0.99),
         samples_quantile(&load.latencies, 1), load.refused);
  return 0;
}
