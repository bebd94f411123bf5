/* Opens many event streams, publishes events and counts their deliveries.
 *
 *   load_sse --port P --subscribers N [--filters K] [--subscribe PATH] [--publish PATH]
 * [--raw 1] [--bytes 780]
 *            [--seconds S] [--in-flight 16 | --rate EVENTS/S]
 *
 * With --in-flight an event is followed by the next once all subscribers have it, and
 * deliveries per second count; with
 * --rate the latencies of the single deliveries do.  --raw publishes lines as they are to
 * be seen, else records for /logs/ingest.  --filters K spreads the subscribers over K
 * different filters that all events pass.  Once all streams are open it prints a line
 * "ready" and waits for a line on standard input, so that memory can be measured before. */
#include <sys/epoll.h>
#include <sys/resource.h>

#include "client.h"

/* MARK: length of "bench-0000000000 with its quote */
enum { MARK = 18, PUBLISHERS = 64, EVENTS = 1 << 20 };

struct subscriber {
  int fd;
  int kept; /* bytes of tail */
  char tail[MARK];
};

struct publisher {
  int fd;
  bool busy;
  struct buf in;
};

static struct {
  int epoll, nsubscribers, npublishers, bytes, raw;
  const char *publish;
  struct subscriber *subscribers;
  struct publisher publishers[PUBLISHERS];
  int64_t published_ns[EVENTS];
  int missing[EVENTS]; /* deliveries that are still to come */
  uint32_t nevents, ndone;
  uint64_t deliveries;
  int64_t rate, run; /* run: ids of one run are not those of another */
  struct samples latencies;
} load;

static void watch(int fd, void *what) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
  epoll_ctl(load.epoll, EPOLL_CTL_ADD, fd, &event);
}

static void send_all(int fd, const struct buf *out) {
  for (size_t sent = 0; !client_write(fd, out, &sent);)
    usleep(100);
}

static void open_subscriber(struct subscriber *s, int port, const char *path, int filter) {
  struct buf out = {0};
  s->fd = client_connect(port);
  buf_printf(&out, "GET %s", path);
  if (filter >= 0)
    buf_printf(&out, "?min_duration_ms=%d", filter);
  buf_literal(&out, " HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n");
  send_all(s->fd, &out);
  buf_clear(&out);
  struct buf in = {0};
  while (!in.len || !memmem(in.data, in.len, "\r\n\r\n", 4))
    if (!client_read(s->fd, &in))
      usleep(50);
  if (strncmp(in.data, "HTTP/1.1 200", 12) != 0)
    die("no stream: %.*s", (int) in.len, in.data);
  buf_clear(&in);
  watch(s->fd, s);
}

static void write_event(struct buf *body, uint32_t number) {
  size_t from = body->len;
  buf_printf(body,
             load.raw ? "{\"request_id\":\"bench-%010u-%llx\",\"pad\":\""
                      : "{\"request_id\":\"bench-%010u-%llx\",\"method\":\"POST\","
                        "\"path\":\"/v1/messages\",\"model\":"
                        "\"claude-sonnet-4-20250514\",\"service_type\":\"proxy_service\","
                        "\"status_code\":200,"
                        "\"duration_ms\":1234.5,\"tokens_input\":1200,\"tokens_output\":"
                        "345,\"user_agent\":\"",
             number, (unsigned long long) load.run);
  size_t fixed = load.raw ? body->len - from + 2 : 350; /* what the event has beside the pad */
  while (fixed++ < (size_t) load.bytes)
    buf_putc(body, 'x');
  buf_literal(body, "\"}");
}

static void publish(struct publisher *p) {
  struct buf out = {0}, body = {0};
  uint32_t number = load.nevents++;
  if (number >= EVENTS)
    die("too many events");
  write_event(&body, number);
  buf_printf(&out,
             "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
             "application/json\r\nContent-Length: %zu\r\n\r\n",
             load.publish, body.len);
  buf_append(&out, body.data, body.len);
  load.missing[number] = load.nsubscribers;
  load.published_ns[number] = clock_monotonic_ns();
  p->busy = true;
  send_all(p->fd, &out);
  buf_clear(&out);
  buf_clear(&body);
}

static void on_answer(struct publisher *p) {
  int status;
  client_read(p->fd, &p->in);
  size_t length = response_length(&p->in, &status);
  if (length == 0)
    return;
  if (status >= 300)
    die("not published: %.*s", (int) p->in.len, p->in.data);
  buf_consume(&p->in, length);
  p->busy = false;
}

static void on_delivery(uint32_t number, int64_t now) {
  if (number >= load.nevents)
    die("an event that nobody published");
  load.deliveries++;
  if (load.rate)
    samples_add(&load.latencies, now - load.published_ns[number]);
  if (--load.missing[number] == 0)
    load.ndone++;
}

/* Finds the marks in what has come; one that is cut in two is put together from the tail
 * of the read before. */
static void on_events(struct subscriber *s, int64_t now) {
  static char block[MARK + 262144];
  memcpy(block, s->tail, s->kept);
  ssize_t n = read(s->fd, block + s->kept, sizeof block - MARK);
  if (n <= 0)
    die("a stream ended");
  char *at = block, *end = block + s->kept + n, *mark;
  while ((mark = memmem(at, end - at, "\"bench-", 7)) && mark + MARK <= end) {
    on_delivery(strtoul(mark + 7, NULL, 10), now);
    at = mark + MARK;
    if (end - at > load.bytes / 2)
      at += load.bytes / 2 - MARK; /* no two marks are nearer to each other */
  }
  s->kept = end - at < MARK - 1 ? end - at : MARK - 1;
  memcpy(s->tail, end - s->kept, s->kept);
}

static void wait_for_events(int timeout_ms) {
  struct epoll_event events[1024];
  int n = epoll_wait(load.epoll, events, 1024, timeout_ms);
  int64_t now = clock_monotonic_ns();
  for (int i = 0; i < n; i++) {
    struct publisher *p = events[i].data.ptr;
    if (p >= load.publishers && p < load.publishers + PUBLISHERS)
      on_answer(p);
    else
      on_events(events[i].data.ptr, load.rate ? clock_monotonic_ns() : now);
  }
}

static bool may_publish(int64_t started, int64_t now, int in_flight) {
  if (load.rate)
    return now >= started + (int64_t) (load.nevents * 1e9 / load.rate);
  return load.nevents - load.ndone < (uint32_t) in_flight;
}

/* Publishes for so long, then waits up to 5 s for what is missing. */
static double run(int64_t seconds, int in_flight) {
  int64_t started = clock_monotonic_ns(), until = started + seconds * 1000000000, last = started;
  uint64_t seen = 0;
  for (int64_t now = started; now < until || (load.ndone < load.nevents && now < last + 5000000000);
       now = clock_monotonic_ns()) {
    for (int i = 0;
         i < load.npublishers && now < until && may_publish(started, now, in_flight); i++)
      if (!load.publishers[i].busy)
        publish(&load.publishers[i]);
    wait_for_events(load.rate ? 1 : 100);
    if (load.deliveries != seen) {
      seen = load.deliveries;
      last = clock_monotonic_ns();
    }
  }
  return (last - started) / 1e9;
}

static void open_all(char **argv) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  int port = option_int(argv, "--port", 8787), filters = option_int(argv, "--filters", 0);
  load.epoll = epoll_create1(0);
  load.subscribers = xcalloc(load.nsubscribers, sizeof *load.subscribers);
  for (int i = 0; i < load.nsubscribers; i++)
    open_subscriber(&load.subscribers[i], port,
                    option(argv, "--subscribe", "/logs/stream"),
                    filters ? i % filters : -1);
  for (int i = 0; i < load.npublishers; i++) {
    load.publishers[i].fd = client_connect(port);
    watch(load.publishers[i].fd, &load.publishers[i]);
  }
}

int main(int argc, char **argv) {
  (void) argc;
  int in_flight = option_int(argv, "--in-flight", 16);
  load.run = clock_now_us();
  load.publish = option(argv, "--publish", "/logs/ingest");
  load.raw = option_int(argv, "--raw", 0);
  load.bytes = option_int(argv, "--bytes", 780);
  load.rate = option_int(argv, "--rate", 0);
  load.nsubscribers = option_int(argv, "--subscribers", 1000);
  load.npublishers = in_flight < PUBLISHERS ? in_flight : PUBLISHERS;
  open_all(argv);
  puts("ready");
  fflush(stdout);
  getchar();

  double took = run(option_int(argv, "--seconds", 3), in_flight);
  uint64_t missing = (uint64_t) load.nevents * load.nsubscribers - load.deliveries;
  printf(
      "events=%u deliveries=%lu deliveries_s=%.0f p50_us=%.0f p99_us=%.0f missing=%lu\n",
      load.nevents, (unsigned long) load.deliveries, load.deliveries / took,
      samples_quantile(&load.latencies, 0.5), samples_quantile(&load.latencies, 0.99),
      (unsigned long) missing);
  return 0;
}
