#include "http/server.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "base/log.h"
#include "base/mem.h"
#include "config.h"
#include "http/connection.h"
#include "loop/loop.h"
#include "services.h"

enum { BACKLOG = 1024, COMPLAINT_EVERY_MS = 1000 };

struct server {
  uv_tcp_t tcp;
  const struct services *services;
  uint64_t complained_ms;
};

/* A socket on its way to the loop that will own it. */
struct handover {
  struct message message;
  struct loop *loop;
  uv_os_sock_t socket;
};

static void on_handover(struct message *m) {
  struct handover *h = container_of(m, struct handover, message);
  connection_open(h->loop, h->socket);
  free(h);
}

static void hand_over(struct loop *loop, uv_os_sock_t socket) {
  connections_expect(loop->connections);
  if (loop->index == 0) {
    connection_open(loop, socket);
    return;
  }
  struct handover *h = xmalloc(sizeof *h);
  *h = (struct handover) {.message = {.receive = on_handover}, .loop = loop, .socket = socket};
  loop_post(loop, &h->message);
}

static struct loop *least_loaded(const struct services *services, size_t *total) {
  struct loop *least = &services->loops[0];
  *total = 0;
  for (unsigned i = 0; i < services->nloops; i++) {
    struct loop *loop = &services->loops[i];
    *total += connections_count(loop->connections);
    if (connections_count(loop->connections) < connections_count(least->connections))
      least = loop;
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

static void refuse(int socket) {
  static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
                               "Connection: close\r\n\r\n";
  ssize_t written = write(socket, answer, sizeof answer - 1);
  (void) written;
  close(socket);
}

static void on_closed(uv_handle_t *handle) {
  free(handle);
}

/* uv_accept wants the handle's loop to be the listener's, so the descriptor is copied and the handle thrown
 * away. */
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
  struct loop *loop = least_loaded(s->services, &total);
  if (total >= s->services->config->limits.connections) {
    complain(s, "limits.connections are open");
    refuse(socket);
    return;
  }
  hand_over(loop, socket);
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

int server_listen(struct server **server, const struct services *services, const char *host, uint16_t port,
                  uint16_t *bound) {
  struct sockaddr_storage address;
  int rc = parse_address(host, port, &address);
  if (rc < 0)
    return rc;
  struct server *s = xcalloc(1, sizeof *s);
  s->services = services;
  uv_tcp_init(&services->loops[0].uv, &s->tcp);
  rc = uv_tcp_bind(&s->tcp, (struct sockaddr *) &address, 0);
  if (rc == 0)
    rc = uv_listen((uv_stream_t *) &s->tcp, BACKLOG, on_connection);
  if (rc == 0)
    rc = bound_port(s, bound);
  if (rc == 0)
    *server = s;
  else
    uv_close((uv_handle_t *) &s->tcp, on_closed);
  return rc;
}

void server_close(struct server *server) {
  uv_close((uv_handle_t *) &server->tcp, on_closed);
}
