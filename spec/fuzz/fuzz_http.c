#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "fuzz.h"
#include "http/exchange.h"
#include "http/router.h"
#include "metrics/metrics.h"

/* Bytes of a client through a real connection: once in one piece, once in small ones.  What
 * comes back is the same, whatever is asked and however it is cut.
 * Input: options, cuts, then what the client sends. */

enum { SITES = 3, TURNS = 64, CUTS_MAX = 64 };

static struct loop loop;
static struct server *server;
static struct router *router;
static struct site *site_in_force;

static const struct token tokens[] = {
    {"read-token-0123456789", 1 << SCOPE_READ}, {"all-token-0123456789", 0xff}};
static struct site_options options[SITES] = {
    {.host = "127.0.0.1"},
    {.host = "0.0.0.0", .tokens = tokens, .ntokens = 2},
    {.host = "::1"},
};
static struct site sites[SITES];

static const struct http_limits limits = {
    .body_bytes = 2000, .in_flight_bytes = 3000, .out_bytes = 1 << 20, .request_line_bytes = 200,
    .header_bytes = 500, .header_fields = 12, .body_bytes_per_second = 1,
    .header_ms = 100000, .body_ms = 100000, .idle_ms = 100000, .shutdown_ms = 100000};

/* The site: tells back what it was asked */

static void put(struct buf *out, const char *name, struct slice s) {
  buf_printf(out, "%s[%zu] ", name, s.len);
  buf_append(out, s.data, s.len);
  buf_putc(out, '\n');
}

static void handle(struct site *site, struct request *r) {
  struct response response = {.status = 200, .type = "text/plain"};
  struct buf *out = &response.body;
  (void) site;
  buf_printf(out, "%s%s %s\n", method_name(r->method), r->http10 ? "/1.0" : "", r->route->pattern);
  put(out, "host", r->host);
  put(out, "path", r->path);
  put(out, "query", r->query);
  for (size_t i = 0; i < r->route->nparams; i++)
    put(out, "param", r->params[i]);
  for (size_t i = 0; i < r->nheaders; i++) {
    put(out, "name", r->headers[i].name);
    put(out, "value", r->headers[i].value);
  }
  put(out, "body", (struct slice){r->body.data, r->body.len});
  http_respond(r, &response);
}

static void arrived(struct request *r) {
  (void) r;
}

static void cancel(struct request *r) {
  (void) r;
}

static void count_nothing(struct site *site) {
  (void) site;
}

static struct site *site_of(void *arg) {
  (void) arg;
  return site_in_force;
}

static void add_route(enum method method, const char *pattern, enum scope scope, size_t max_body) {
  struct buf error = {0};
  struct route *route = router_add(router, method, pattern, &error);
  FUZZ_CHECK(route != NULL);
  route->scope = scope;
  route->max_body = max_body;
}

static void open_server(void) {
  log_configure(LOG_ERROR, LOG_LOGFMT);
  router = router_new();
  add_route(METHOD_GET, "/", SCOPE_OPEN, 0);
  add_route(METHOD_GET, "/a", SCOPE_READ, 0);
  add_route(METHOD_POST, "/a", SCOPE_INGEST, 0);
  add_route(METHOD_PUT, "/a", SCOPE_ADMIN, 40);
  add_route(METHOD_GET, "/items/{id}/{part}", SCOPE_OPEN, 0);
  add_route(METHOD_DELETE, "/items/{id}", SCOPE_ADMIN, 0);
  add_route(METHOD_GET, "/files/*", SCOPE_OPEN, 0);
  string_list_add(&options[1].hosts, "example.org");
  string_list_add(&options[1].cors_origins, "https://page.example.org");
  for (unsigned i = 0; i < SITES; i++) {
    options[i].limits = limits;
    sites[i] = (struct site){.number = i + 1,
                             .options = &options[i],
                             .router = router,
                             .handle = handle,
                             .arrived = arrived,
                             .cancel = cancel,
                             .ref = count_nothing,
                             .unref = count_nothing};
    for (int status = 0; status < ERRORS; status++)
      sites[i].errors[status] = "{\"detail\":\1}";
  }
  loop_init(&loop, 0);
  server = server_new(&(struct server_options){
      .loops = &loop, .nloops = 1, .metrics = metrics_new("moonledger", 10),
      .max_connections = 4, .limits = limits, .site = site_of});
}

static void receive(int fd, struct buf *out) {
  for (ssize_t n = 1; n > 0; out->len += (size_t) n) {
    n = recv(fd, buf_reserve(out, 16 << 10), 16 << 10, MSG_DONTWAIT);
    if (n < 0)
      return;
  }
}

static void turn(int fd, struct buf *out) {
  uv_run(&loop.uv, UV_RUN_NOWAIT);
  receive(fd, out);
}

/* What the client gets.  cut: bytes of each piece, in turn; 0: all in one. */
static struct buf talk(const char *data, size_t len, size_t cut) {
  struct buf out = {0};
  int fds[2];
  FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  connections_expect(server->connections[0]);
  connection_open(server->connections[0], fds[1]);
  for (size_t n, pieces = 0; len > 0; data += n, len -= n) {
    n = cut == 0 || pieces++ == CUTS_MAX || cut > len ? len : cut;
    if (send(fds[0], data, n, MSG_NOSIGNAL) < 0)
      break; /* the server has ended the connection */
    turn(fds[0], &out);
  }
  shutdown(fds[0], SHUT_WR);
  for (int i = 0; i < TURNS && connections_count(server->connections[0]) > 0; i++)
    turn(fds[0], &out);
  FUZZ_CHECK(connections_count(server->connections[0]) == 0);
  receive(fds[0], &out);
  close(fds[0]);
  return out;
}

static bool begins(const char *p, const char *end, const char *with) {
  size_t n = strlen(with);
  return (size_t) (end - p) >= n && memcmp(p, with, n) == 0;
}

/* Without dates, ids and what says that a body may come. */
static struct buf comparable(const struct buf *got) {
  static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
  struct buf out = {0};
  const char *end = got->data + got->len;
  for (const char *p = got->data, *next; p < end; p = next) {
    const char *newline = memchr(p, '\n', (size_t) (end - p));
    next = newline != NULL ? newline + 1 : end;
    if (begins(p, end, go_on))
      next = p + sizeof go_on - 1;
    else if (!begins(p, end, "Date: ") && !begins(p, end, "X-Request-Id: "))
      buf_append(&out, p, (size_t) (next - p));
  }
  return out;
}

static void check_same(const struct buf *whole, const struct buf *cut) {
  struct buf a = comparable(whole), b = comparable(cut);
  if (a.len != b.len || (a.len > 0 && memcmp(a.data, b.data, a.len) != 0)) {
    fprintf(stderr, "in one piece:\n%.*s\nin small ones:\n%.*s\n", (int) a.len, a.data, (int) b.len,
            b.data);
    abort();
  }
  buf_clear(&a);
  buf_clear(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  struct fuzz_input in = fuzz_input(bytes, size);
  if (server == NULL)
    open_server();
  site_in_force = &sites[fuzz_byte(&in) % SITES];
  size_t cut = 1 + fuzz_byte(&in) % 64;
  struct buf whole = talk(in.data, in.len, 0);
  struct buf pieces = talk(in.data, in.len, cut);
  FUZZ_CHECK(whole.len == 0 || begins(whole.data, whole.data + whole.len, "HTTP/1.1 "));
  check_same(&whole, &pieces);
  FUZZ_CHECK(atomic_load(&server->connections[0]->in_flight) == 0);
  buf_clear(&whole);
  buf_clear(&pieces);
  return 0;
}
