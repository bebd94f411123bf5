/* Subscribers that each pass a narrow range of durations: tells whether every matching
 * event of load_ingest's records came.
 *
 *   load_watch --port P [--subscribers 500] [--filters 50]
 *
 * Prints "ready", watches until a line on standard input says how many records were
 * stored in all, and then until all events are there or none has come for 5 s. */
#include <sys/epoll.h>

#include "client.h"
#include "records.h"

/* each passes at most 1 % */
enum { MAX_FILTERS = 64, LEAST_US = 5000000, WIDTH_US = 133000, STRIDE_US = 134000 };

struct subscriber {
  int fd, filter;
  uint64_t events, overflows;
  struct buf in;
};

static struct {
  int epoll, nsubscribers, nfilters;
  struct subscriber *subscribers;
  uint64_t expected[MAX_FILTERS], events;
  struct samples latencies;
} load;

static void open_subscriber(struct subscriber *s, int port, int filter) {
  struct buf out = {0};
  size_t sent = 0;
  int least_ms = (LEAST_US + filter * STRIDE_US) / 1000;
  s->fd = client_connect(port);
  s->filter = filter;
  buf_printf(&out,
             "GET /logs/stream?min_duration_ms=%d&max_duration_ms=%d HTTP/1.1\r\nHost: "
             "127.0.0.1\r\n\r\n",
             least_ms, least_ms + WIDTH_US / 1000);
  client_write(s->fd, &out, &sent);
  buf_clear(&out);
  epoll_ctl(load.epoll, EPOLL_CTL_ADD, s->fd,
            &(struct epoll_event){.events = EPOLLIN, .data.ptr = s});
}

/* One block of the stream, without the empty line at its end. */
static void on_block(struct subscriber *s, char *block, size_t len) {
  block[len] = '\0';
  if (strstr(block, "\"type\":\"overflow\""))
    s->overflows++;
  if (!strstr(block, "\"type\":\"request_complete\""))
    return;
  s->events++;
  load.events++;
  char *made = block, *next;
  while ((next = strstr(made + 1, "\"timestamp\":")))
    made = next;
  samples_add(&load.latencies, (clock_now_us() - (int64_t) (strtod(made + 12, NULL) * 1e6)) * 1000);
}

static void on_bytes(struct subscriber *s) {
  if (!client_read(s->fd, &s->in))
    return;
  char *end;
  while (s->in.len && (end = memmem(s->in.data, s->in.len, "\n\n", 2))) {
    on_block(s, s->in.data, end - s->in.data);
    buf_consume(&s->in, end + 2 - s->in.data);
  }
}

static int wait_for_events(int timeout_ms) {
  struct epoll_event events[512];
  int n = epoll_wait(load.epoll, events, 512, timeout_ms);
  for (int i = 0; i < n; i++)
    if (events[i].data.ptr)
      on_bytes(events[i].data.ptr);
    else
      return 1;
  return 0;
}

static uint64_t expect(uint64_t rows) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < rows; i++) {
    int64_t above = record_duration_us(record_dice(i)) - LEAST_US;
    if (above >= 0 && above / STRIDE_US < load.nfilters && above % STRIDE_US <= WIDTH_US)
      load.expected[above / STRIDE_US]++;
  }
  for (int i = 0; i < load.nsubscribers; i++)
    sum += load.expected[load.subscribers[i].filter];
  return sum;
}

static uint64_t watch_to_the_end(void) {
  uint64_t rows = 0, expected;
  while (!wait_for_events(1000))
    ;
  if (scanf("%" SCNu64, &rows) != 1)
    die("how many records?");
  epoll_ctl(load.epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
  expected = expect(rows);
  int64_t last = clock_monotonic_ns();
  for (uint64_t seen = load.events;
       load.events < expected && clock_monotonic_ns() < last + 5000000000;) {
    wait_for_events(100);
    if (load.events != seen)
      last = clock_monotonic_ns();
    seen = load.events;
  }
  return expected;
}

int main(int argc, char **argv) {
  (void) argc;
  uint64_t overflows = 0, wrong = 0;
  load.nsubscribers = option_int(argv, "--subscribers", 500);
  load.nfilters = option_int(argv, "--filters", 50);
  load.subscribers = xcalloc(load.nsubscribers, sizeof *load.subscribers);
  load.epoll = epoll_create1(0);
  for (int i = 0; i < load.nsubscribers; i++)
    open_subscriber(&load.subscribers[i], option_int(argv, "--port", 8787), i % load.nfilters);
  while (wait_for_events(300) == 0 && load.subscribers[load.nsubscribers - 1].in.cap == 0)
    ;
  epoll_ctl(load.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &(struct epoll_event){.events = EPOLLIN});
  puts("ready");
  fflush(stdout);

  uint64_t expected = watch_to_the_end();
  for (int i = 0; i < load.nsubscribers; i++) {
    overflows += load.subscribers[i].overflows;
    wrong += load.subscribers[i].events != load.expected[load.subscribers[i].filter];
  }
  printf("events=%lu expected=%lu wrong_subscribers=%lu overflows=%lu p50_us=%.0f "
         "p99_us=%.0f\n",
         (unsigned long) load.events, (unsigned long) expected, (unsigned long) wrong,
         (unsigned long) overflows, samples_quantile(&load.latencies, 0.5),
         samples_quantile(&load.latencies, 0.99));
  return 0;
}
