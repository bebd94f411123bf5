/* Asks for a path at a fixed rate, on as many connections as that needs, and prints how
 * long the answers took.
 *
 *   load_get --port P --path PATH --rate REQUESTS/S --seconds S */
#include <poll.h>

#include "client.h"

enum { MAX_CONNECTIONS = 64 };

static struct {
  struct {
    int fd;
    bool busy;
    struct buf in;
    int64_t since_ns;
  } clients[MAX_CONNECTIONS];
  int nclients;
  uint64_t sent, refused;
  struct samples latencies;
  struct buf request;
} load;

static void ask(int port, int64_t due_ns) {
  int i = 0;
  while (i < load.nclients && load.clients[i].busy)
    i++;
  if (i == MAX_CONNECTIONS)
    die("the server does not keep up");
  if (i == load.nclients)
    load.clients[load.nclients++].fd = client_connect(port);
  load.clients[i].busy = true;
  load.clients[i].since_ns = due_ns; /* when it should have gone: waiting in the client counts */
  size_t sent = 0;
  client_write(load.clients[i].fd, &load.request, &sent);
  load.sent++;
}

/* The server closes what has been idle for long. */
static void drop(int i) {
  close(load.clients[i].fd);
  buf_clear(&load.clients[i].in);
  load.clients[i] = load.clients[--load.nclients];
  load.clients[load.nclients].in = (struct buf){0};
}

static void collect(int timeout_ms) {
  struct pollfd fds[MAX_CONNECTIONS];
  for (int i = 0; i < load.nclients; i++)
    fds[i] = (struct pollfd){load.clients[i].fd, POLLIN, 0};
  poll(fds, load.nclients, timeout_ms);
  for (int i = load.nclients - 1; i >= 0; i--) {
    int status;
    size_t length;
    if (fds[i].revents && !load.clients[i].busy) {
      drop(i);
      continue;
    }
    if (!fds[i].revents || !client_read(load.clients[i].fd, &load.clients[i].in) ||
        !(length = response_length(&load.clients[i].in, &status)))
      continue;
    buf_consume(&load.clients[i].in, length);
    load.clients[i].busy = false;
    load.refused += status != 200;
    samples_add(&load.latencies, clock_monotonic_ns() - load.clients[i].since_ns);
  }
}

int main(int argc, char **argv) {
  (void) argc;
  int port = option_int(argv, "--port", 8787);
  double rate = option_int(argv, "--rate", 50);
  int64_t started = clock_monotonic_ns(),
          until = started + option_int(argv, "--seconds", 10) * 1000000000;
  buf_printf(&load.request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
             option(argv, "--path", "/"));
  for (int64_t due = started; due < until;) {
    if (clock_monotonic_ns() >= due) {
      ask(port, due);
      due = started + (int64_t) (load.sent * 1e9 / rate);
    }
    collect(1);
  }
  while (load.latencies.ns.len / sizeof(int64_t) < load.sent)
    collect(1000);
  printf("requests=%lu p50_us=%.0f p99_us=%.0f max_us=%.0f refused=%lu\n",
         (unsigned long) load.sent, samples_quantile(&load.latencies, 0.5),
         samples_quantile(&load.latencies, 0.99), samples_quantile(&load.latencies, 1),
         (unsigned long) load.refused);
  return 0;
}
