#include "http/server.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include "base/log.h"
#include "base/mem.h"
#include "config.h"
#include "http/connection.h"
#include "loop/loop.h"
#include "services.h"

enum { BACKLOG = 1024, COMPLAINT_EVERY_MS = 1000 };

/* Descriptors that no connection gets: a reader has two databases, each with its log and files to sort in; a loop
 * wakes up by some; the rest is for the writer, for files that are served, for reloading and for accepting. */
enum { KEPT = 32, KEPT_PER_LOOP = 8, KEPT_PER_READER = 8 };

struct server {
  uv_tcp_t tcp;
  const struct services *services;
  size_t most; /* connections */
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
  if (total >= s->most) {
    complain(s, "as many as limits.connections and the limit of open files allow are open");
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

/* limits.connections, or what the limit of open files leaves for them: at least one. */
static size_t most_connections(const struct services *services) {
  const struct config *c = services->config;
  size_t wanted = c->limits.connections, kept = KEPT + services->nloops * KEPT_PER_LOOP;
  struct rlimit files;
  if (c->has_storage)
    kept += c->storage.readers * KEPT_PER_READER;
  if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur >= wanted + kept)
    return wanted;
  size_t most = files.rlim_cur > kept ? files.rlim_cur - kept : 1;
  log_warn("limits.connections is more than the limit of open files allows: raise that (ulimit -n, LimitNOFILE=)",
           log_int("wanted", (int64_t) wanted), log_int("connections", (int64_t) most),
           log_int("open_files", (int64_t) files.rlim_cur));
  return most;
}

int server_listen(struct server **server, const struct services *services, const char *host, uint16_t port,
                  uint16_t *bound) {
  struct sockaddr_storage address;
  int rc = parse_address(host, port, &address);
  if (rc < 0)
    return rc;
  struct server *s = xcalloc(1, sizeof *s);
  s->services = services;
  s->most = most_connections(services);
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
