#include <stdlib.h>

#include "http/exchange.h"

enum { KEPT_OUT_BYTES = 512 << 10 };

struct queued {
  uv_write_t req;
  struct conn *conn;
  struct payload *payload;
  size_t len;
};

static void on_write(uv_write_t *req, int status) {
  struct queued *w = container_of(req, struct queued, req);
  struct conn *c = w->conn;
  c->queued_bytes -= w->len;
  payload_unref(w->payload);
  free(w);
  if (status < 0)
    conn_close(c, uv_strerror(status));
  if (c->closing || c->queued_bytes > 0)
    return;
  if (c->exchange != NULL)
    exchange_drained(c->exchange);
  if (c->on_drain != NULL && !c->closing)
    c->on_drain(c);
}

/* Takes over one reference to p. */
static void queue(struct conn *c, struct payload *p, size_t offset) {
  struct queued *w = xmalloc(sizeof *w);
  *w = (struct queued) {.conn = c, .payload = p, .len = p->len - offset};
  uv_buf_t buf = uv_buf_init(p->data + offset, (unsigned) w->len);
  int rc = uv_write(&w->req, (uv_stream_t *) &c->tcp, &buf, 1, on_write);
  if (rc < 0) { /* refused: on_write will not be called */
    payload_unref(p);
    free(w);
    conn_close(c, uv_strerror(rc));
    return;
  }
  c->queued_bytes += w->len;
  if (c->exchange != NULL && c->deadline != DEADLINE_SEND) {
    c->progress = 0;
    deadline_set(c, DEADLINE_SEND);
  }
}

/* What the socket takes at once; less than all of it when it is full.  On an error c is closed. */
static size_t try_write(struct conn *c, uv_buf_t *bufs, unsigned n) {
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
  uv_buf_t buf = uv_buf_init(p->data + offset, (unsigned) (p->len - offset));
  size_t sent = try_write(c, &buf, 1);
  count(&connections_of(c)->bytes_out, p->len - offset);
  if (!c->closing && sent < buf.len)
    queue(c, payload_ref(p), offset + sent);
  return sent;
}

struct buf *output_begin(struct conn *c) {
  struct connections *all = connections_of(c);
  if (all->out_conn != c) {
    if (all->out_conn != NULL)
      output_flush(all->out_conn, NULL);
    all->out_conn = c;
  }
  return &all->out;
}

void output_flush(struct conn *c, struct payload *body) {
  struct connections *all = connections_of(c);
  struct buf *out = all->out_conn == c ? &all->out : NULL;
  size_t len = out != NULL ? out->len : 0, body_len = body != NULL ? body->len : 0;
  if (len + body_len == 0 || c->closing) {
    payload_unref(body);
    return;
  }
  uv_buf_t bufs[2];
  unsigned n = 0;
  if (len > 0)
    bufs[n++] = uv_buf_init(out->data, (unsigned) len);
  if (body_len > 0)
    bufs[n++] = uv_buf_init(body->data, (unsigned) body_len);
  size_t sent = try_write(c, bufs, n);
  count(&all->bytes_out, len + body_len);

  if (!c->closing && sent < len)
    queue(c, payload_copy(out->data + sent, len - sent), 0);
  output_forget(c);
  size_t body_sent = sent > len ? sent - len : 0;
  if (!c->closing && body_sent < body_len)
    queue(c, body, body_sent);
  else
    payload_unref(body);
}

void output_forget(struct conn *c) {
  struct connections *all = connections_of(c);
  if (all->out_conn != c)
    return;
  all->out_conn = NULL;
  all->out.len = 0;
  if (all->out.cap > KEPT_OUT_BYTES)
    buf_clear(&all->out);
}

void output_done(struct conn *c) {
  bool more = c->exchange != NULL && c->exchange->feeding;
  if (!more || connections_of(c)->out.len > BATCH_BYTES)
    output_flush(c, NULL);
}
