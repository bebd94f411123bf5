#include <stdlib.h>

#include "http/exchange.h"

enum { KEPT_OUT_BYTES = 512 << 10 };

/* A payload on its way.  The first of a connection has a slice of itself in libuv's
 * hands, the others wait. */
struct queued {
  uv_write_t req;
  struct conn *conn;
  struct payload *payload;
  size_t offset, slice;
  struct queued *next;
};

static uv_buf_t slice_of(char *data, size_t len) {
  return uv_buf_init(data, len < SLICE_BYTES ? (unsigned) len : SLICE_BYTES);
}

static void on_write(uv_write_t *req, int status);

static void write_slice(struct queued *w) {
  struct conn *c = w->conn;
  uv_buf_t buf = slice_of(w->payload->data + w->offset, w->payload->len - w->offset);
  w->slice = buf.len;
  int rc = uv_write(&w->req, (uv_stream_t *) &c->tcp, &buf, 1, on_write);
  if (rc < 0) /* refused: on_write will not be called */
    conn_close(c, uv_strerror(rc));
}

static void drop_first(struct conn *c) {
  struct queued *w = c->queue;
  c->queue = w->next;
  outgoing_give_payload(c->all, w->payload);
  payload_unref(w->payload);
  free(w);
}

void output_clear(struct conn *c) {
  while (c->queue != NULL)
    drop_first(c);
}

static void tell_drained(struct conn *c) {
  if (c->draining)
    conn_end_writing(c);
  if (c->exchange != NULL)
    exchange_drained(c->exchange);
  if (c->on_drain != NULL && !c->closing)
    c->on_drain(c);
}

static void on_write(uv_write_t *req, int status) {
  struct queued *w = container_of(req, struct queued, req);
  struct conn *c = w->conn;
  if (status < 0)
    conn_close(c, uv_strerror(status));
  if (c->closing)
    return;
  c->moved_ms = (int64_t) uv_now(&c->all->loop->uv);
  c->queued_bytes -= w->slice;
  w->offset += w->slice;
  if (w->offset == w->payload->len)
    drop_first(c);
  if (c->queue != NULL)
    write_slice(c->queue);
  else
    tell_drained(c);
}

/* Takes over one reference to p. */
static void queue_payload(struct conn *c, struct payload *p, size_t offset) {
  if (!outgoing_take_payload(c->all, p)) {
    payload_unref(p);
    outgoing_refuse(c);
    return;
  }
  struct queued *w = xmalloc(sizeof *w), **last = &c->queue;
  *w = (struct queued){.conn = c, .payload = p, .offset = offset};
  while (*last != NULL)
    last = &(*last)->next;
  *last = w;
  c->queued_bytes += p->len - offset;
  if (c->queue == w) {
    c->moved_ms = (int64_t) uv_now(&c->all->loop->uv);
    write_slice(w);
  }
  if (c->exchange != NULL && c->deadline != DEADLINE_SEND && !c->closing) {
    c->progress = 0;
    deadline_set(c, DEADLINE_SEND);
  }
}

/* What the socket takes at once; less than all of it when it is full, nothing while older
 * bytes wait.  On an error c is closed. */
static size_t try_write(struct conn *c, uv_buf_t *bufs, unsigned n) {
  if (c->queue != NULL)
    return 0;
  int rc = uv_try_write((uv_stream_t *) &c->tcp, bufs, n);
  if (rc == UV_EAGAIN)
    return 0;
  if (rc < 0) {
    conn_close(c, uv_strerror(rc));
    return 0;
  }
  return (size_t) rc;
}

size_t conn_send(struct conn *c, struct payload *p, size_t offset) {
  if (c->closing || offset == p->len)
    return 0;
  size_t left = p->len - offset;
  uv_buf_t buf = slice_of(p->data + offset, left);
  size_t sent = try_write(c, &buf, 1);
  counter_add(&c->all->bytes_out, left);
  if (!c->closing && sent < left)
    queue_payload(c, payload_ref(p), offset + sent);
  return sent;
}

struct buf *output_begin(struct conn *c) {
  struct connections *all = c->all;
  if (all->out_conn != c) {
    if (all->out_conn != NULL)
      output_flush(all->out_conn, NULL);
    all->out_conn = c;
  }
  return &all->out;
}

void output_flush(struct conn *c, struct buf *body) {
  struct connections *all = c->all;
  struct buf *out = &all->out;
  size_t len = all->out_conn == c ? out->len : 0, body_len = body != NULL ? body->len : 0;
  if (len + body_len == 0 || c->closing) {
    if (body != NULL)
      buf_clear(body);
    return;
  }
  uv_buf_t bufs[2];
  unsigned n = 0;
  if (len > 0)
    bufs[n++] = uv_buf_init(out->data, (unsigned) len);
  if (body_len > 0)
    bufs[n++] = slice_of(body->data, body_len);
  size_t sent = try_write(c, bufs, n);
  counter_add(&all->bytes_out, len + body_len);

  if (!c->closing && sent < len)
    queue_payload(c, payload_copy(out->data + sent, len - sent), 0);
  output_forget(c);
  size_t body_sent = sent > len ? sent - len : 0;
  if (!c->closing && body_sent < body_len)
    queue_payload(c, payload_from_buf(body), body_sent);
  else if (body != NULL)
    buf_clear(body);
}

void output_forget(struct conn *c) {
  struct connections *all = c->all;
  if (all->out_conn != c)
    return;
  all->out_conn = NULL;
  all->out.len = 0;
  if (all->out.cap > KEPT_OUT_BYTES)
    buf_clear(&all->out);
}

void output_done(struct conn *c) {
  bool more = c->exchange != NULL && c->exchange->feeding;
  if (!more || c->all->out.len > BATCH_BYTES)
    output_flush(c, NULL);
}
