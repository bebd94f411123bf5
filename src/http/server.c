#include "http/server.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "http/exchange.h"

enum { BACKLOG = 1024, COMPLAINT_EVERY_MS = 1000 };

/* A socket on its way to the loop that will own it. */
struct handover {
  struct message message;
  struct connections *all;
  uv_os_sock_t socket;
};

static void on_handover(struct message *m) {
  struct handover *h = container_of(m, struct handover, message);
  connection_open(h->all, h->socket);
  free(h);
}

static void hand_over(struct connections *all, uv_os_sock_t socket) {
  connections_expect(all);
  if (all->loop->index == 0) {
    connection_open(all, socket);
    return;
  }
  struct handover *h = xmalloc(sizeof *h);
  *h = (struct handover){.message = {.receive = on_handover}, .all = all, .socket = socket};
  loop_post(all->loop, &h->message);
}

struct change {
  struct message message;
  struct connections *all;
};

static void on_change(struct message *m) {
  struct change *change = container_of(m, struct change, message);
  connections_check_streams(change->all);
  free(change);
}

void server_site_changed(struct server *s) {
  for (unsigned i = 0; i < s->options.nloops; i++) {
    struct change *change = xmalloc(sizeof *change);
    *change = (struct change){.message = {.receive = on_change}, .all = s->connections[i]};
    loop_post(s->connections[i]->loop, &change->message);
  }
}

static struct connections *least_loaded(const struct server *s, size_t *total) {
  struct connections *least = s->connections[0];
  *total = 0;
  for (unsigned i = 0; i < s->options.nloops; i++) {
    struct connections *all = s->connections[i];
    *total += connections_count(all);
    if (connections_count(all) < connections_count(least))
      least = all;
  }
  return least;
}

static void complain(struct server *s, const char *what) {
  uint64_t now = uv_now(s->tcp.loop);
  if (s->complained_ms != 0 && now - s->complained_ms < COMPLAINT_EVERY_MS)
    return;
  s->complained_ms = now;
  log_warn("a connection was refused", log_str("why", what));
}

static void refuse_socket(int socket) {
  static const char response[] =
      "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
      "Connection: close\r\n\r\n";
  ssize_t written = write(socket, response, sizeof response - 1);
  (void) written;
  close(socket);
}

static void on_closed(uv_handle_t *handle) {
  free(handle);
}

/* uv_accept wants the handle's loop to be the listener's, so the descriptor is copied and
 * the handle thrown away. */
static int accept_socket(struct server *s) {
  uv_tcp_t *tcp = xmalloc(sizeof *tcp);
  uv_os_fd_t fd;
  uv_tcp_init(s->tcp.loop, tcp);
  int rc = uv_accept((uv_stream_t *) &s->tcp, (uv_stream_t *) tcp);
  if (rc == 0)
    rc = uv_fileno((uv_handle_t *) tcp, &fd);
  if (rc == 0) {
    rc = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (rc < 0)
      rc = uv_translate_sys_error(errno);
  }
  uv_close((uv_handle_t *) tcp, on_closed);
  return rc;
}

static void on_connection(uv_stream_t *stream, int status) {
  struct server *s = container_of((uv_tcp_t *) stream, struct server, tcp);
  size_t total;
  int socket = status < 0 ? status : accept_socket(s);
  if (socket < 0) { /* without descriptors libuv accepts and closes with one that it keeps back */
    complain(s, uv_strerror(socket));
    return;
  }
  struct connections *least = least_loaded(s, &total);
  if (total >= s->options.max_connections) {
    complain(s, "as many as limits.connections and the limit of open files allow are open");
    refuse_socket(socket);
    return;
  }
  hand_over(least, socket);
}

static int parse_address(const char *host, uint16_t port, struct sockaddr_storage *address) {
  if (strcmp(host, "localhost") == 0)
    host = "127.0.0.1";
  if (uv_ip4_addr(host, port, (struct sockaddr_in *) address) == 0)
    return 0;
  return uv_ip6_addr(host, port, (struct sockaddr_in6 *) address);
}

static int bound_port(struct server *s, uint16_t *port) {
  struct sockaddr_storage address;
  int len = sizeof address;
  int rc = uv_tcp_getsockname(&s->tcp, (struct sockaddr *) &address, &len);
  if (rc < 0)
    return rc;
  *port = ntohs(address.ss_family == AF_INET ? ((struct sockaddr_in *) &address)->sin_port
                                             : ((struct sockaddr_in6 *) &address)->sin6_port);
  return 0;
}

struct server *server_new(const struct server_options *options) {
  struct server *s = xcalloc(1, sizeof *s);
  s->options = *options;
  s->connections = xcalloc(options->nloops, sizeof *s->connections);
  for (unsigned i = 0; i < options->nloops; i++)
    s->connections[i] = connections_new(s, &options->loops[i]);
  counters_register(s);
  return s;
}

int server_listen(struct server *s, const char *host, uint16_t port, uint16_t *bound) {
  struct sockaddr_storage address;
  int rc = parse_address(host, port, &address);
  if (rc < 0)
    return rc;
  uv_tcp_init(&s->options.loops[0].uv, &s->tcp);
  rc = uv_tcp_bind(&s->tcp, (struct sockaddr *) &address, 0);
  if (rc == 0)
    rc = uv_listen((uv_stream_t *) &s->tcp, BACKLOG, on_connection);
  if (rc == 0)
    rc = bound_port(s, bound);
  if (rc < 0)
    server_close(s);
  return rc;
}

void server_close(struct server *s) {
  uv_close((uv_handle_t *) &s->tcp, NULL);
}

void server_free(struct server *s) {
  for (unsigned i = 0; i < s->options.nloops; i++)
    connections_free(s->connections[i]);
  free(s->connections);
  free(s);
}
