#include "http/connection.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "http/exchange.h"

enum { DRAIN_BYTES = 256 << 10, KEEPALIVE_S = 60 };

static void on_closed(uv_handle_t *handle) {
  struct conn *c = container_of((uv_tcp_t *) handle, struct conn, tcp);
  struct connections *all = c->all;
  if (c->exchange != NULL) {
    exchange_abandon(c->exchange);
    exchange_free(c->exchange);
  }
  output_clear(c);
  free(c);
  connections_closed_one(all);
}

void conn_close(struct conn *c, const char *why) {
  if (c->closing)
    return;
  c->closing = true;
  log_debug("connection closed", log_str("why", why), log_int("loop", c->all->loop->index));
  deadline_set(c, DEADLINE_NONE);
  output_forget(c);
  *c->prev = c->next;
  if (c->next != NULL)
    c->next->prev = c->prev;
  if (c->on_close != NULL)
    c->on_close(c);
  uv_close((uv_handle_t *) &c->tcp, on_closed);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  (void) suggested;
  struct conn *c = container_of((uv_tcp_t *) handle, struct conn, tcp);
  size_t len;
  char *room = c->exchange != NULL ? body_room(c->exchange, &len) : NULL;
  *buf = room != NULL ? uv_buf_init(room, (unsigned) len) : uv_buf_init(c->all->input, READ_BYTES);
}

static void discard_input(struct conn *c, size_t n) {
  c->progress += n;
  if (c->progress > DRAIN_BYTES)
    conn_close(c, "still sending after the last response");
}

static void end_of_input(struct conn *c) {
  c->ended = true;
  if (c->exchange != NULL)
    exchange_ended(c->exchange);
  else if (!c->draining || c->queued_bytes == 0)
    conn_close(c, "ended by the client");
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  struct conn *c = container_of((uv_tcp_t *) stream, struct conn, tcp);
  if (n == 0)
    return;
  if (n > 0)
    counter_add(&c->all->bytes_in, (unsigned long long) n);

  if (n == UV_EOF)
    end_of_input(c);
  else if (n < 0)
    conn_close(c, uv_strerror((int) n));
  else if (c->exchange != NULL)
    exchange_feed(c->exchange, buf->base, (size_t) n);
  else if (c->draining)
    discard_input(c, (size_t) n);
}

int conn_start_reading(struct conn *c) {
  return uv_read_start((uv_stream_t *) &c->tcp, on_alloc, on_read);
}

void conn_stop_reading(struct conn *c) {
  uv_read_stop((uv_stream_t *) &c->tcp);
}

static void insert_connection(struct connections *all, struct conn *c) {
  c->next = all->first;
  c->prev = &all->first;
  if (c->next != NULL)
    c->next->prev = &c->next;
  all->first = c;
}

void connection_open(struct connections *all, uv_os_sock_t socket) {
  struct conn *c = xcalloc(1, sizeof *c);
  c->all = all;
  insert_connection(all, c);
  int rc = uv_tcp_init(&all->loop->uv, &c->tcp);
  if (rc == 0)
    rc = uv_tcp_open(&c->tcp, socket);
  if (rc < 0) {
    close(socket);
    conn_close(c, uv_strerror(rc));
    return;
  }
  if (all->draining) {
    conn_close(c, "the server stops");
    return;
  }
  uv_tcp_nodelay(&c->tcp, 1);
  uv_tcp_keepalive(&c->tcp, 1, KEEPALIVE_S);
  c->exchange = exchange_new(c);
  deadline_set(c, DEADLINE_IDLE);
  rc = conn_start_reading(c);
  if (rc < 0)
    conn_close(c, uv_strerror(rc));
}

static void on_shutdown(uv_shutdown_t *req, int status) {
  struct conn *c = req->data;
  free(req);
  if (status < 0)
    conn_close(c, uv_strerror(status));
  else if (c->ended)
    conn_close(c, "done");
  else
    deadline_set(c, DEADLINE_DRAIN);
}

void conn_end_writing(struct conn *c) {
  uv_shutdown_t *req = xmalloc(sizeof *req);
  req->data = c;
  int rc = uv_shutdown(req, (uv_stream_t *) &c->tcp, on_shutdown);
  if (rc < 0) {
    free(req);
    conn_close(c, uv_strerror(rc));
  }
}

static void start_draining(struct conn *c) {
  exchange_free(c->exchange);
  c->exchange = NULL;
  c->draining = true;
  c->progress = 0;
  deadline_set(c, DEADLINE_SEND);
  if (!c->ended)
    conn_start_reading(c);
  if (c->queue == NULL)
    conn_end_writing(c);
}

/* Closing with unread input makes the kernel send a reset, which may destroy the response
 * on its way: so the client gets the end of our side first, and a while to read it. */
void conn_finish(struct conn *c) {
  output_flush(c, NULL);
  if (c->closing)
    return;
  if (c->queued_bytes == 0 && (c->ended || exchange_has_read_all(c->exchange)))
    conn_close(c, "done");
  else
    start_draining(c);
}
